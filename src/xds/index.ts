export {
  type Assignment,
  type AssignmentResult,
  Assignments,
  type CurrentAssignment,
} from './assignments/assignments.service.js';
export { EnvoyApi, type ReadResource, type SnapshotReading } from './envoy-api/index.js';
export { ProgressSignal } from './ledger/progress-signal.js';
export { type ProxyProgress, ProxyProgressReader, type Refusal } from './ledger/proxy-progress.js';
export {
  RESOURCE_TYPES,
  type ResourceCollection,
  type ResourceKind,
  type ResourceType,
  resourceType,
} from './resource-types.js';
export { CannotListen, XdsGrpcServer as XdsServer } from './server/grpc-server.js';
export { ServerStats } from './server/server-stats.js';
export type { ResourceReference } from './snapshots/compiled-snapshot.js';
export { type SnapshotDocument, SnapshotStore } from './snapshots/snapshot-store.js';
export { XdsModule } from './xds.module.js';
