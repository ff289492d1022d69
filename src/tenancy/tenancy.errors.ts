import { defineProblems } from '../common/errors/problem.js';

export const tenancyProblems = defineProblems({
  loginFailed: {
    status: 401,
    title: 'E-mail or password is wrong',
    whatToDo: 'Try again; who has lost the password is invited anew by an admin of the tenant.',
  },
  sessionEnded: { status: 401, title: 'The session has ended; log in again' },
  wrongPassword: { status: 403, title: 'The current password is wrong' },
  notForApiKeys: { status: 403, title: 'An API key cannot do this; log in' },
  widerThanCaller: { status: 403, title: 'A key cannot be given more than its maker has' },
  platformOnly: { status: 403, title: 'Only a platform admin can do this' },
  visiting: { status: 403, title: 'This can only be done in your own tenant' },
  beyondCaller: { status: 403, title: 'This user may do more than you' },
  invitationEnded: {
    status: 401,
    title: 'The invitation is unknown, used or expired',
    whatToDo: 'Ask an admin of the tenant for a new one.',
  },
  tenantNotFound: { status: 404, title: 'There is no such tenant' },
  userNotFound: { status: 404, title: 'There is no such user' },
  tenantNameTaken: { status: 409, title: 'There is a tenant of that name' },
  tenantState: { status: 409, title: 'The tenant is in another state' },
  ownTenant: { status: 409, title: 'You cannot close the tenant that you belong to' },
  emailTaken: { status: 409, title: 'Somebody has that e-mail' },
  usernameTaken: { status: 409, title: 'There is a user of that name' },
  userState: { status: 409, title: 'The user is in another state' },
  lastAdmin: { status: 409, title: 'The tenant needs an admin' },
  tooManyLogins: { status: 429, title: 'Too many failed logins' },
  apiKeyNameTaken: { status: 409, title: 'There is an API key of that name' },
});
