import { defineProblems } from '../errors/problem.js';

export const idempotencyProblems = defineProblems({
  idempotencyKeyMalformed: { status: 400, title: 'The Idempotency-Key cannot be read' },
  idempotencyKeyBusy: {
    status: 409,
    title: 'A request with this Idempotency-Key is still running',
    whatToDo: 'Wait as many seconds as the header `Retry-After` says, and repeat it.',
  },
  idempotencyAnswerNotKept: {
    status: 409,
    title: 'The request was done before, and its answer was not kept',
    whatToDo: 'The answer held a secret. If it was lost, ask for a new one with a new key.',
  },
  idempotencyKeyReused: {
    status: 422,
    title: 'The Idempotency-Key was used for another request',
    whatToDo: 'Take a new key for a new request.',
  },
});
