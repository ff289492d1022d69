import { defineProblems } from '../common/errors/problem.js';

export const tenancyProblems = defineProblems({
  loginFailed: { status: 401, title: 'E-mail or password is wrong' },
  sessionEnded: { status: 401, title: 'The session has ended; log in again' },
  wrongPassword: { status: 403, title: 'The current password is wrong' },
  notForApiKeys: { status: 403, title: 'An API key cannot do this; log in' },
  widerThanCaller: { status: 403, title: 'A key cannot be given more than its maker has' },
  apiKeyNameTaken: { status: 409, title: 'There is an API key of that name' },
});
