import { EndpointOverride } from './overrides/endpoint-override.entity.js';
import { Secret } from './secrets/secret.entity.js';

export { Assignments, type CurrentAssignment } from './assignments/assignments.service.js';
export { Doorbell } from './assignments/doorbell.js';
export { Quarantines } from './assignments/quarantines.js';
export { Reconciler } from './assignments/reconciler.js';
export { EnvoyApi } from './envoy-api/index.js';
export { Ledger } from './ledger/ledger.js';
export { ProgressSignal } from './ledger/progress-signal.js';
export { type HeldAssignment, type ProxyProgress, ProxyProgressReader } from './ledger/proxy-progress.js';
export { TrafficPageDto, VersionTrafficQuery } from './dto/traffic.dto.js';
export { TrafficQueries } from './metrics/traffic-queries.js';
export { SHED_REASONS, TrafficStats } from './metrics/traffic-stats.js';
export { RESOURCE_TYPES, type ResourceKind } from './resource-types.js';
export { lockSecrets, lockSecretsOf, type SecretUse, type SecretUser, SecretUses } from './secrets/secret-uses.js';
export { Drain } from './server/drain.js';
export { CannotListen, XdsGrpcServer as XdsServer } from './server/grpc-server.js';
export { HANDED_OVER, ServerStats, TURNED_AWAY } from './server/server-stats.js';
export { SnapshotCache } from './snapshots/snapshot-cache.js';
export { type ResourceDifference, type SnapshotDocument, SnapshotStore } from './snapshots/snapshot-store.js';
export { xdsEvents } from './xds.events.js';
export { XdsModule } from './xds.module.js';

export const xdsEntities = [EndpointOverride, Secret];
