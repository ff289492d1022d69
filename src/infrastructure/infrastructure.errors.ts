import { defineProblems } from '../common/errors/problem.js';
import type { Address } from '../common/http/address.js';

export const infrastructureProblems = defineProblems({
  proxyNotFound: { status: 404, title: 'There is no such proxy' },
  credentialNotFound: { status: 404, title: 'There is no such credential' },
  proxyNameTaken: { status: 409, title: 'There is a proxy of that name' },
  nodeIdTaken: { status: 409, title: 'Another proxy has that node id' },
  nodeIdInUse: { status: 409, title: 'The node id cannot change while credentials are valid' },
  proxyInUse: { status: 409, title: 'The proxy is in use' },
  groupNotFound: { status: 404, title: 'There is no such proxy group' },
  memberNotFound: { status: 404, title: 'The proxy is not a member that was put in' },
  groupNameTaken: { status: 409, title: 'There is a proxy group of that name' },
  groupInUse: { status: 409, title: 'The proxy group is in use' },
  vmNotFound: { status: 404, title: 'There is no such virtual machine' },
  hostnameTaken: { status: 409, title: 'There is a virtual machine of that name' },
  vmInUse: { status: 409, title: 'The virtual machine is in use' },
  containerNotFound: { status: 404, title: 'There is no such container' },
  containerNameTaken: { status: 409, title: 'There is a container of that name' },
  containerIdTaken: { status: 409, title: 'Another container has that containerId' },
  containerInUse: { status: 409, title: 'The container is in use' },
  credentialEnded: { status: 409, title: 'The credential has ended' },
  certificateTaken: { status: 409, title: 'The certificate is registered already' },
  certificateNotRotated: { status: 409, title: 'A certificate is not rotated by EFMS' },
  certificatesNeedTls: { status: 409, title: 'Client certificates need TLS on the xDS port' },
  enrolmentTokenNotFound: { status: 404, title: 'There is no such enrolment token' },
  enrolmentTokenNameTaken: { status: 409, title: 'There is an enrolment token of that name' },
  enrolmentRefused: {
    status: 401,
    title: 'The enrolment token is not valid',
    whatToDo: 'Have a new one made: it may be unknown, used up, expired or deleted.',
  },
  tooManyEnrolments: { status: 429, title: 'Too many failed enrolments' },
  alreadyEnrolled: { status: 409, title: 'The proxy cannot be enrolled' },
  groupCircle: { status: 409, title: 'Groups cannot stand above themselves' },
});

export function groupNotFound(address: Address): Error {
  const called = 'id' in address ? `with the id ${address.id}` : `named "${address.name}"`;
  return infrastructureProblems.groupNotFound({ detail: `There is no proxy group ${called} in this tenant.` });
}
