import type { EventOf, EventTable } from '../common/events/event-table.js';

export const versioningEvents = {
  'configuration.version.committed': {
    what: 'A version was committed on a branch.',
    subject: 'configuration',
    payload: {
      number: 'of the version',
      hash: 'of its content',
      branch: 'whose head it is now',
      versionId: 'id of the version',
      configuration: 'its name',
    },
  },
} as const satisfies EventTable;

export type VersioningEvent = EventOf<typeof versioningEvents>;
