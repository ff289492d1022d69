import { defineProblems } from '../common/errors/problem.js';

export const xdsProblems = defineProblems({
  noAssignment: { status: 409, title: 'The proxy has no assignment' },
});
