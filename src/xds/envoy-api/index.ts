export { EnvoyApi, type JsonObject, type ReadResource, type SnapshotReading } from '../envoy-schema/envoy-api.js';
