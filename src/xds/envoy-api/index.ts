export type { BootstrapReading } from './bootstrap-reader.js';
export { EnvoyApi } from './envoy-api.js';
export type { JsonObject, ReadResource, SnapshotReading } from './resource.js';
