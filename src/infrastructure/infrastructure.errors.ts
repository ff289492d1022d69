import { defineProblems } from '../common/errors/problem.js';

export const infrastructureProblems = defineProblems({
  proxyNotFound: { status: 404, title: 'There is no such proxy' },
  credentialNotFound: { status: 404, title: 'There is no such credential' },
  proxyNameTaken: { status: 409, title: 'There is a proxy of that name' },
  nodeIdTaken: { status: 409, title: 'Another proxy has that node id' },
  nodeIdInUse: { status: 409, title: 'The node id cannot change while credentials are valid' },
  proxyInUse: { status: 409, title: 'The proxy is in use' },
});
