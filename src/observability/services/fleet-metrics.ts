import { Inject, Injectable } from '@nestjs/common';
import { type Census, FleetCensus } from './fleet-census.js';
import { METRICS_REGISTRY, type Registry } from './metrics-registry.js';
import { labelled, Publisher, type Reading } from './publish.js';

/** Publishes the count of the fleet, where this replica is the one that counts. */
@Injectable()
export class FleetMetrics {
  constructor(@Inject(FleetCensus) census: FleetCensus, @Inject(METRICS_REGISTRY) registry: Registry) {
    const publisher = new Publisher(registry);
    const counted = (read: (census: Census) => Reading) => (): Reading => census.newest && read(census.newest);
    publisher.gauge({
      name: 'efms_fleet_proxies',
      help: 'Registered proxies by their connection, to whatever replica',
      labels: ['connection'],
      read: counted(({ proxies }) => labelled('connection', proxies)),
    });
    publisher.gauge({
      name: 'efms_fleet_converged_proxies',
      help: 'Connected proxies that acknowledged all that they are served',
      read: counted(({ converged }) => converged),
    });
    publisher.gauge({
      name: 'efms_fleet_unserved_proxies',
      help: 'Connected proxies that are sent nothing: unmanaged (no assignment), frozen (they claim what EFMS never gave them)',
      labels: ['management'],
      read: counted(({ unserved }) => labelled('management', unserved)),
    });
    publisher.gauge({
      name: 'efms_fleet_quarantined_proxies',
      help: 'Proxies from which their assigned snapshot is held back, by reason: nack, crash_loop',
      labels: ['reason'],
      read: counted(({ quarantined }) => labelled('reason', quarantined)),
    });
    publisher.gauge({
      name: 'efms_fleet_deployments',
      help: 'Deployments that are open, by status; how others ended is in efms_events_total',
      labels: ['status'],
      read: counted(({ deployments }) => labelled('status', deployments)),
    });
    publisher.gauge({
      name: 'efms_fleet_oldest_deployment_age_seconds',
      help: 'Age of the oldest deployment that is open; 0 without any',
      read: counted(({ oldestDeployment }) => oldestDeployment),
    });
    publisher.gauge({
      name: 'efms_fleet_secrets',
      help: 'Secrets with a certificate, by how soon it ends',
      labels: ['expiry'],
      read: counted(({ secrets }) => labelled('expiry', secrets)),
    });
    publisher.gauge({
      name: 'efms_audit_chain_lag_seconds',
      help: 'For how long the oldest row of the audit log has waited to be chained',
      read: counted(({ auditLag }) => auditLag),
    });
  }
}
