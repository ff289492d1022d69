import type { EventOf, EventTable } from '../common/events/event-table.js';

export const infrastructureEvents = {
  'proxy.lifecycle_changed': {
    what: 'Somebody said that the proxy runs, drains or is stopped.',
    subject: 'proxy',
    payload: {
      name: 'of the proxy',
      from: '`running`, `draining` or `stopped`',
      to: 'the same words',
      reason: 'what was said of it',
    },
  },
} as const satisfies EventTable;

export type InfrastructureEvent = EventOf<typeof infrastructureEvents>;
