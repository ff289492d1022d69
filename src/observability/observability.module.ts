import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { InfrastructureModule } from '../infrastructure/index.js';
import { TenancyModule } from '../tenancy/index.js';
import { XdsModule } from '../xds/index.js';
import { AuditLogsController } from './controllers/audit-logs.controller.js';
import { EventsController } from './controllers/events.controller.js';
import { HealthController } from './controllers/health.controller.js';
import { MetricsController } from './controllers/metrics.controller.js';
import { EventsGateway } from './gateways/events.gateway.js';
import { AuditChain } from './services/audit-chain.js';
import { AuditVerification } from './services/audit-verification.js';
import { AuditScopes } from './services/audit-scopes.js';
import { AuditLog } from './services/audit-log.js';
import { BacklogMetrics } from './services/backlog-metrics.js';
import { DatabaseHealth } from './services/database-health.js';
import { DatabaseMetrics } from './services/database-metrics.js';
import { DeploymentEvents } from './services/deployment-events.js';
import { EventFeed } from './services/event-feed.js';
import { EventFrames } from './services/event-frames.js';
import { EventMetrics } from './services/event-metrics.js';
import { EventPositions } from './services/event-positions.js';
import { EventSockets } from './services/event-sockets.js';
import { Events } from './services/events.service.js';
import { FleetCensus } from './services/fleet-census.js';
import { FleetMetrics } from './services/fleet-metrics.js';
import { OutboxPruning } from './services/outbox-pruning.js';
import { HttpMetrics } from './services/http-metrics.js';
import { METRICS_REGISTRY, createMetricsRegistry } from './services/metrics-registry.js';
import { ProcessMetrics } from './services/process-metrics.js';
import { ReconcilerMetrics } from './services/reconciler-metrics.js';
import { StreamCredentials } from './services/stream-credentials.js';
import { TrafficMetrics } from './services/traffic-metrics.js';
import { XdsHealth } from './services/xds-health.js';
import { XdsMetrics } from './services/xds-metrics.js';

/** What people and machines see of a running EFMS from outside. */
@Module({
  imports: [
    TenancyModule,
    InfrastructureModule,
    XdsModule,
    TerminusModule.forRoot({ gracefulShutdownTimeoutMs: 0, logger: false }),
  ],
  controllers: [AuditLogsController, EventsController, HealthController, MetricsController],
  providers: [
    AuditChain,
    AuditLog,
    AuditScopes,
    AuditVerification,
    BacklogMetrics,
    DatabaseHealth,
    DatabaseMetrics,
    DeploymentEvents,
    EventFeed,
    EventFrames,
    EventMetrics,
    EventPositions,
    Events,
    EventsGateway,
    EventSockets,
    FleetCensus,
    FleetMetrics,
    HttpMetrics,
    OutboxPruning,
    ProcessMetrics,
    ReconcilerMetrics,
    StreamCredentials,
    TrafficMetrics,
    XdsHealth,
    XdsMetrics,
    { provide: METRICS_REGISTRY, useFactory: createMetricsRegistry },
  ],
})
export class ObservabilityModule {}
