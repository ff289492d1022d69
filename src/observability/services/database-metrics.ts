import { X509Certificate } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../../common/database/database.js';
import type { JobRuns } from '../../common/database/database-stats.js';
import { Tls } from '../../common/tls/tls.js';
import { METRICS_REGISTRY, type Registry } from './metrics-registry.js';
import { Publisher, type Reading } from './publish.js';

/** Publishes what stands between this process and the database, the jobs that run under leases, and its own certificates. */
@Injectable()
export class DatabaseMetrics {
  constructor(
    @Inject(Database) { stats }: Database,
    @Inject(Tls) tls: Tls,
    @Inject(METRICS_REGISTRY) registry: Registry,
  ) {
    const publisher = new Publisher(registry);
    publisher.gauge({
      name: 'efms_database_up',
      help: 'Whether the last transaction that was begun found the database',
      read: () => Number(stats.isUp),
    });
    publisher.counter({
      name: 'efms_database_refused_total',
      help: 'Transactions that could not be begun, for want of the database or of a connection',
      read: () => stats.refused,
    });
    publisher.histogram({
      name: 'efms_database_transaction_duration_seconds',
      help: 'Transactions, from the wish for a connection to the end; reads of a single statement are not among them',
      durations: stats.transactions,
    });
    publisher.gauge({
      name: 'efms_database_connections',
      help: 'Connections by pool (app: of one tenant; system: across tenants) and state',
      labels: ['pool', 'state'],
      read: () =>
        [...stats.pools()].flatMap(([pool, { inUse, idle }]) => [
          [{ pool, state: 'in_use' }, inUse] as const,
          [{ pool, state: 'idle' }, idle] as const,
        ]),
    });
    publisher.gauge({
      name: 'efms_database_connections_max',
      help: 'Most connections that a pool may have',
      labels: ['pool'],
      read: () => [...stats.pools()].map(([pool, { size }]) => [{ pool }, size] as const),
    });
    publisher.gauge({
      name: 'efms_database_waiting',
      help: 'Work that waits for a connection of a pool',
      labels: ['pool'],
      read: () => [...stats.pools()].map(([pool, { waiting }]) => [{ pool }, waiting] as const),
    });
    publisher.gauge({
      name: 'efms_lease_held',
      help: '1 for each lease that this replica holds, as far as it knows',
      labels: ['lease'],
      // Behind the stroke stands the id of one life of one process.
      read: () => [...stats.leases].map((name) => [{ lease: name.split('/')[0] ?? name }, 1] as const),
    });
    publishJobs(publisher, stats.jobs);
    publisher.gauge({
      name: 'efms_tls_certificate_expiry_timestamp_seconds',
      help: 'When the certificate of a port ends, in seconds since the epoch; absent where a port speaks plaintext',
      labels: ['port'],
      read: () => [...expiries(tls)],
    });
  }
}

function publishJobs(publisher: Publisher, jobs: ReadonlyMap<string, JobRuns>): void {
  const each = (read: (runs: JobRuns) => number | null): Reading =>
    [...jobs].flatMap(([name, runs]) => {
      const value = read(runs);
      return value === null ? [] : [[{ name }, value] as const];
    });
  publisher.counter({
    name: 'efms_job_runs_total',
    help: 'Turns of background jobs on this replica that were done; each job runs on one replica at a time',
    labels: ['name'],
    read: () => each(({ done }) => done),
  });
  publisher.counter({
    name: 'efms_job_failures_total',
    help: 'Turns of background jobs on this replica that failed; they are tried again',
    labels: ['name'],
    read: () => each(({ failed }) => failed),
  });
  publisher.gauge({
    name: 'efms_job_last_success_timestamp_seconds',
    help: 'When a job was last done by this replica, in seconds since the epoch',
    labels: ['name'],
    read: () => each(({ lastDoneAt }) => lastDoneAt && lastDoneAt / 1000),
  });
}

function* expiries({ http, xds }: Tls): Iterable<readonly [{ readonly port: string }, number]> {
  for (const [port, source] of Object.entries({ http, xds })) {
    if (source) yield [{ port }, Date.parse(new X509Certificate(source.current.chain).validTo) / 1000];
  }
}
