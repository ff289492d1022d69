import type { EventOf, EventTable } from '../common/events/event-table.js';

const WHAT = { configuration: 'name of the configuration', version: 'number of the version' };

const COUNTS = {
  total: 'how many targets there are',
  failed: 'how many of them failed',
  skipped: 'how many of them were skipped',
};

export const deploymentEvents = {
  'deployment.started': { what: 'The engine took the deployment up.', subject: 'deployment', payload: WHAT },
  'deployment.target.failed': {
    what: 'One target failed.',
    subject: 'deployment',
    payload: {
      ...WHAT,
      proxy: 'name of the proxy',
      proxyId: 'its id, or null where it is gone',
      reason: 'as in the target',
      message: 'a sentence, with Envoy’s cleaned words where it refused',
    },
  },
  'deployment.succeeded': {
    what: 'Every target has converged or was skipped.',
    subject: 'deployment',
    payload: { ...WHAT, ...COUNTS },
  },
  'deployment.halted': {
    what: 'Targets failed, so that the deployment ended.',
    subject: 'deployment',
    payload: { ...WHAT, ...COUNTS },
  },
  'deployment.aborted': {
    what: 'Somebody aborted the deployment.',
    subject: 'deployment',
    payload: {
      was: 'the state that it was in',
      openTargets: 'how many targets had not ended',
      by: 'name of who did',
    },
  },
} as const satisfies EventTable;

export type DeploymentFact = EventOf<typeof deploymentEvents>;
