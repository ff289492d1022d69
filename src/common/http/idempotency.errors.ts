import { defineProblems } from '../errors/problem.js';

export const idempotencyProblems = defineProblems({
  idempotencyKeyMalformed: { status: 400, title: 'The Idempotency-Key cannot be read' },
  idempotencyKeyBusy: { status: 409, title: 'A request with this Idempotency-Key is still running' },
  idempotencyAnswerNotKept: { status: 409, title: 'The request was done before, and its answer was not kept' },
  idempotencyKeyReused: { status: 422, title: 'The Idempotency-Key was used for another request' },
});
