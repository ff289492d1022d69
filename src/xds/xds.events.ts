import type { EventOf, EventTable } from '../common/events/event-table.js';

const SNAPSHOT = 'hash of the snapshot';

const SECRET = {
  name: 'of the secret',
  secretType: 'what kind of secret it is, as in its `type`',
  version: 'number of the version that is served now, or was last',
};

const OVERRIDE = {
  name: 'of the override',
  clusterName: 'the Envoy cluster of the endpoint',
  address: 'of the endpoint',
  port: 'of the endpoint',
  healthStatus: 'what it overrides, or null',
  weight: 'what it overrides, or null',
  expiresAt: 'when it ends by itself, or null',
};

const proxyEvents = {
  'proxy.quarantined': {
    what: 'The proxy refused a snapshot, or went down on it twice; it is held back and the last good one served.',
    subject: 'proxy',
    payload: {
      snapshot: SNAPSHOT,
      reason: '`nack` or `crash_loop`',
      cause: '`content`, or `machine` where the machine lacks something, such as a port',
      kind: 'of resource that Envoy refused; with `nack` only, as what follows',
      code: 'of the refusal, by gRPC',
      message: 'Envoy’s words, cleaned of secrets',
      suspects: 'names of the resources that the words mention',
    },
  },
  'proxy.offered_again': {
    what: 'The proxy is offered a snapshot again that was held back from it.',
    subject: 'proxy',
    payload: { snapshot: SNAPSHOT, reason: '`operator`, `new_process` or `retry`' },
  },
  'proxy.two_processes': {
    what: 'Two processes have been connected as this proxy for 15 minutes.',
    subject: 'proxy',
    payload: { since: 'when the second one came', bootIds: 'of the processes' },
  },
  'proxy.one_process': { what: 'That is over.', subject: 'proxy', payload: {} },
} as const satisfies EventTable;

const secretEvents = {
  'secret.created': { what: 'A secret was made.', subject: 'secret', payload: SECRET },
  'secret.rotated': { what: 'Another version of a secret is served.', subject: 'secret', payload: SECRET },
  'secret.deleted': { what: 'A secret was deleted.', subject: 'secret', payload: SECRET },
} as const satisfies EventTable;

const overrideEvents = {
  'endpoint_override.created': { what: 'An endpoint is overridden.', subject: 'endpoint override', payload: OVERRIDE },
  'endpoint_override.changed': {
    what: 'The override of an endpoint says something else.',
    subject: 'endpoint override',
    payload: OVERRIDE,
  },
  'endpoint_override.deleted': { what: 'Somebody ended an override.', subject: 'endpoint override', payload: OVERRIDE },
  'endpoint_override.expired': {
    what: 'The time of an override is over.',
    subject: 'endpoint override',
    payload: OVERRIDE,
  },
} as const satisfies EventTable;

export const xdsEvents = { ...proxyEvents, ...secretEvents, ...overrideEvents };

export type ProxyEvent = EventOf<typeof proxyEvents>;
export type SecretEvent = EventOf<typeof secretEvents>;
export type OverrideEvent = EventOf<typeof overrideEvents>;
