import { type ProblemError, defineProblems, problems } from '../common/errors/problem.js';

export const deploymentProblems = defineProblems({
  proxyInDeployment: { status: 409, title: 'A proxy is in another deployment' },
  wrongState: { status: 409, title: 'The deployment is not in a state for that' },
  invalidDeployment: { status: 422, title: 'The deployment cannot be planned' },
});

export const deploymentNotFound = (id: string): ProblemError =>
  problems.notFound({ detail: `There is no deployment ${id}.` });
