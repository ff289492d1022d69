import { defineProblems } from '../common/errors/problem.js';

export const versioningProblems = defineProblems({
  configurationNameTaken: { status: 409, title: 'There is a configuration of that name' },
  configurationInUse: { status: 409, title: 'The configuration is in use' },
  headMoved: {
    status: 409,
    title: 'The branch has moved on',
    whatToDo: 'Read the head of the branch, and commit again on it with `expectedHead` set to it.',
  },
  invalidSnapshot: { status: 422, title: 'The snapshot is not valid' },
});
