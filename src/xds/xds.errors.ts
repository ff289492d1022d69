import { defineProblems } from '../common/errors/problem.js';

export const xdsProblems = defineProblems({
  noAssignment: { status: 409, title: 'The proxy has no assignment' },
  endpointOverrideNotFound: { status: 404, title: 'There is no such endpoint override' },
  endpointOverrideNameTaken: { status: 409, title: 'There is an endpoint override of that name' },
  endpointOverridden: { status: 409, title: 'The endpoint has an override' },
  secretNotFound: { status: 404, title: 'There is no such secret' },
  secretVersionNotFound: { status: 404, title: 'The secret has no such version' },
  secretNameTaken: { status: 409, title: 'There is a secret of that name' },
  secretInUse: { status: 409, title: 'The secret is in use' },
});
