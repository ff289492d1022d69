import { Module } from '@nestjs/common';
import { Clock } from '../common/clock/clock.js';
import type { Config } from '../common/config/config.js';
import { CONFIG } from '../common/config/config.token.js';
import { Database } from '../common/database/database.js';
import { Leases } from '../common/database/leases.js';
import { SecuredConnections } from '../common/tls/secured-connections.js';
import { Tls } from '../common/tls/tls.js';
import { InfrastructureModule } from '../infrastructure/index.js';
import { TenancyModule } from '../tenancy/index.js';
import { Arrivals } from './assignments/arrivals.js';
import { AssignedSnapshots } from './assignments/assigned-snapshots.js';
import { Assignments } from './assignments/assignments.service.js';
import { ClaimChecks } from './assignments/claim-checks.js';
import { CredentialChecks } from './assignments/credential-checks.js';
import { Doorbell } from './assignments/doorbell.js';
import { KnownCredentials } from './assignments/known-credentials.js';
import { QuarantineRetries } from './assignments/quarantine-retries.js';
import { Quarantines } from './assignments/quarantines.js';
import { Reconciler } from './assignments/reconciler.js';
import { ServedSnapshots } from './assignments/served-snapshots.js';
import { CredentialAuthenticator } from './assignments/stream-authenticator.js';
import { AssignedStreamHost } from './assignments/stream-host.js';
import { Targets } from './assignments/targets.js';
import { XdsAccounts } from './assignments/xds-accounts.js';
import { BootstrapOverlays } from './bootstrap/bootstrap-overlays.service.js';
import { BootstrapOverlayController } from './controllers/bootstrap-overlay.controller.js';
import { EndpointOverridesController } from './controllers/endpoint-overrides.controller.js';
import { ProxySyncController } from './controllers/proxy-sync.controller.js';
import { ProxyXdsController } from './controllers/proxy-xds.controller.js';
import { SecretVersionsController } from './controllers/secret-versions.controller.js';
import { SecretsController } from './controllers/secrets.controller.js';
import { TrafficController } from './controllers/traffic.controller.js';
import { ClientStatus } from './csds/client-status.js';
import { CsdsCalls } from './csds/csds-calls.js';
import { CsdsController } from './csds/csds.controller.js';
import { EnvoyApi } from './envoy-api/index.js';
import { DeadStreams } from './ledger/dead-streams.js';
import { heldFirst } from './assignments/held-first.js';
import { Ledger } from './ledger/ledger.js';
import { PostgresLedger } from './ledger/postgres-ledger.js';
import { ProgressSignal } from './ledger/progress-signal.js';
import { ProxyProgressReader } from './ledger/proxy-progress.js';
import { ProxySync } from './ledger/proxy-sync.js';
import { Replica } from './ledger/replica.js';
import { TwoProcesses } from './ledger/two-processes.js';
import { LoadReports } from './lrs/load-reports.js';
import { LrsController } from './lrs/lrs.controller.js';
import { MetricsServiceController } from './metrics/metrics.controller.js';
import { MetricsReports } from './metrics/metrics-reports.js';
import { PostgresTraffic } from './metrics/postgres-traffic.js';
import { ReportStreams } from './metrics/report-streams.js';
import { RunningSnapshots } from './metrics/running-snapshots.js';
import { TrafficLifecycle } from './metrics/traffic-lifecycle.js';
import { TrafficPartitions } from './metrics/traffic-partitions.js';
import { TrafficQueries } from './metrics/traffic-queries.js';
import { TrafficReader } from './metrics/traffic-reader.js';
import { TrafficRollups } from './metrics/traffic-rollups.js';
import { TrafficStats } from './metrics/traffic-stats.js';
import { TrafficWriter } from './metrics/traffic-writer.js';
import { EndpointOverrideExpiry } from './overrides/endpoint-override-expiry.js';
import { EndpointOverrides } from './overrides/endpoint-overrides.service.js';
import { OverriddenSnapshots } from './overrides/overridden-snapshots.js';
import { SecretContents } from './secrets/secret-contents.js';
import { SecretResources } from './secrets/secret-resources.js';
import { SecretUses } from './secrets/secret-uses.js';
import { SecretVersions } from './secrets/secret-versions.js';
import { Secrets } from './secrets/secrets.service.js';
import { isLoopbackPeer } from './server/loopback-peer.js';
import { AdsController } from './server/ads.controller.js';
import { Connections } from './server/connections.js';
import { Drain } from './server/drain.js';
import { XdsGrpcServer } from './server/grpc-server.js';
import { LoopDelay } from './server/loop-delay.js';
import { OpenStreams } from './server/open-streams.js';
import { StreamAuthenticator, StreamHost } from './server/ports.js';
import { SeparateServicesController } from './server/separate-services.controller.js';
import { ServerStats } from './server/server-stats.js';
import { StreamAdmission } from './server/stream-admission.js';
import { connectionAgeOf, StreamAges } from './server/stream-ages.js';
import { SnapshotCache } from './snapshots/snapshot-cache.js';
import { SnapshotCollection } from './snapshots/snapshot-collection.js';
import { SnapshotStore } from './snapshots/snapshot-store.js';
import { XdsLifecycle } from './xds-lifecycle.js';

const CACHE_BYTES = 256 * 1024 * 1024;

/** The Envoy API, snapshots, assignments, the server that proxies connect to, and the ledger of what they took. */
@Module({
  imports: [TenancyModule, InfrastructureModule],
  controllers: [
    AdsController,
    SeparateServicesController,
    BootstrapOverlayController,
    CsdsController,
    EndpointOverridesController,
    LrsController,
    MetricsServiceController,
    ProxySyncController,
    ProxyXdsController,
    SecretVersionsController,
    SecretsController,
    TrafficController,
  ],
  providers: [
    Arrivals,
    AssignedSnapshots,
    Assignments,
    BootstrapOverlays,
    ClaimChecks,
    ClientStatus,
    CredentialChecks,
    CsdsCalls,
    DeadStreams,
    EndpointOverrideExpiry,
    EndpointOverrides,
    KnownCredentials,
    LoadReports,
    LoopDelay,
    MetricsReports,
    OpenStreams,
    OverriddenSnapshots,
    PostgresLedger,
    PostgresTraffic,
    ProgressSignal,
    ProxyProgressReader,
    ProxySync,
    QuarantineRetries,
    Quarantines,
    ReportStreams,
    RunningSnapshots,
    SecretContents,
    SecretResources,
    SecretUses,
    SecretVersions,
    Secrets,
    ServedSnapshots,
    ServerStats,
    SnapshotCollection,
    SnapshotStore,
    Targets,
    TrafficLifecycle,
    TrafficPartitions,
    TrafficQueries,
    TrafficReader,
    TrafficRollups,
    TrafficStats,
    TwoProcesses,
    XdsAccounts,
    XdsLifecycle,
    { provide: StreamAuthenticator, useClass: CredentialAuthenticator },
    { provide: StreamHost, useClass: AssignedStreamHost },
    {
      provide: EnvoyApi,
      inject: [CONFIG],
      useFactory: (config: Config) => EnvoyApi.load(config.xds.descriptorFiles),
    },
    {
      provide: Connections,
      inject: [ServerStats, CONFIG],
      useFactory: (stats: ServerStats, { xds }: Config) => new Connections(xds.limits.connections, stats),
    },
    {
      provide: StreamAdmission,
      inject: [ServerStats, LoopDelay, CONFIG],
      useFactory: (stats: ServerStats, loopDelay: LoopDelay, { xds: { limits } }: Config) =>
        new StreamAdmission({ ...limits, waiting: limits.waitingStreams }, stats, loopDelay),
    },
    {
      provide: XdsGrpcServer,
      inject: [CONFIG, Tls, Connections],
      useFactory: ({ xds: { host, port, writer, streamAge } }: Config, tls: Tls, connections: Connections) =>
        new XdsGrpcServer({
          host,
          port,
          writer,
          connections,
          ...(streamAge > 0 && { connectionAge: connectionAgeOf(streamAge) }),
          ...(tls.xds && { tls: new SecuredConnections(tls.xds) }),
        }),
    },
    {
      provide: StreamAges,
      inject: [OpenStreams, ReportStreams, CONFIG],
      useFactory: (streams: OpenStreams, reports: ReportStreams, { xds }: Config) =>
        new StreamAges(() => [...streams, ...reports], xds.streamAge),
    },
    {
      provide: Drain,
      inject: [XdsGrpcServer, StreamAdmission, OpenStreams, ReportStreams, CONFIG],
      useFactory: (
        server: XdsGrpcServer,
        admission: StreamAdmission,
        streams: OpenStreams,
        reports: ReportStreams,
        { xds }: Config,
      ) =>
        new Drain(
          {
            leave: () => {
              admission.stop();
              server.leave();
            },
            streams: () => [...streams, ...reports],
          },
          xds.drainTime,
        ),
    },
    {
      provide: SnapshotCache,
      inject: [SnapshotStore],
      useFactory: (store: SnapshotStore) => new SnapshotCache(store, CACHE_BYTES),
    },
    { provide: Replica, inject: [Database], useFactory: (database: Database) => new Replica(new Leases(database)) },
    {
      provide: Ledger,
      inject: [PostgresLedger, Quarantines, ProgressSignal, Clock],
      useFactory: (postgres: PostgresLedger, quarantines: Quarantines, signal: ProgressSignal, clock: Clock) =>
        new Ledger(heldFirst(quarantines, postgres), signal, clock),
    },
    {
      provide: TrafficWriter,
      inject: [PostgresTraffic, TrafficStats, Clock],
      useFactory: (sink: PostgresTraffic, stats: TrafficStats, clock: Clock) => new TrafficWriter(sink, stats, clock),
    },
    {
      provide: Doorbell,
      inject: [Database, CONFIG],
      // Beside an embedded database there is no other replica to hear.
      useFactory: (database: Database, config: Config) =>
        new Doorbell(database, config.database ? { listenUrl: config.database.system } : {}),
    },
    {
      provide: Reconciler,
      inject: [Targets, Arrivals, ServedSnapshots, CredentialChecks, CONFIG],
      useFactory: (
        targets: Targets,
        arrivals: Arrivals,
        served: ServedSnapshots,
        checks: CredentialChecks,
        { xds }: Config,
      ) =>
        new Reconciler(
          {
            changes: (since) => targets.changes(since),
            targets: (proxies, scope) => targets.scan(proxies, scope),
            arrived: (streams) => arrivals.judge(streams),
            snapshot: (tenantId, hash) => served.get(tenantId, hash),
            current: (target, snapshot) => served.current(target, snapshot),
            isPrivate: (peer) => xds.tls !== 'off' || isLoopbackPeer(peer),
            credentials: (credentials) => checks.check(credentials),
          },
          { scanIntervalMs: xds.headsScanInterval },
        ),
    },
  ],
  exports: [
    Assignments,
    Doorbell,
    Drain,
    EnvoyApi,
    Ledger,
    ProgressSignal,
    ProxyProgressReader,
    Quarantines,
    Reconciler,
    SecretUses,
    ServerStats,
    SnapshotCache,
    SnapshotStore,
    TrafficQueries,
    TrafficStats,
    XdsGrpcServer,
  ],
})
export class XdsModule {}
