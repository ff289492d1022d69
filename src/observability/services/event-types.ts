import type { EventTable } from '../../common/events/event-table.js';
import { deploymentEvents } from '../../deployments/index.js';
import { infrastructureEvents } from '../../infrastructure/index.js';
import { versioningEvents } from '../../versioning/index.js';
import { xdsEvents } from '../../xds/index.js';

/** Everything that followers may be told, by type. */
export const EVENTS: EventTable = {
  ...infrastructureEvents,
  ...xdsEvents,
  ...versioningEvents,
  ...deploymentEvents,
};
