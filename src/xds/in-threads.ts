/** What of this module others use in threads: without Nest and without a database, which a thread would load for nothing. */
export { EnvoyApi, type ReadResource } from './envoy-api/index.js';
export { RESOURCE_TYPES } from './resource-types.js';
export { inOrderOfNames, type StorableSnapshot, storableSnapshot } from './snapshots/storable-snapshot.js';
