import { defineProblems } from '../common/errors/problem.js';

export const xdsProblems = defineProblems({
  nothingHeldBack: { status: 409, title: 'Nothing is held back from the proxy' },
  noAssignment: { status: 409, title: 'The proxy has no assignment' },
});
