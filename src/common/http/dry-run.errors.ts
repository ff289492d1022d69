import { defineProblems } from '../errors/problem.js';

export const dryRunProblems = defineProblems({
  dryRunRefused: {
    status: 422,
    title: 'This request cannot be tried without being done',
    whatToDo: 'Send it without `dryRun` to do it.',
  },
});
