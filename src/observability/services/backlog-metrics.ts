import { Inject, Injectable } from '@nestjs/common';
import { ProxyCredentials } from '../../infrastructure/index.js';
import { Ledger, Quarantines, SnapshotCache } from '../../xds/index.js';
import { METRICS_REGISTRY, type Registry } from './metrics-registry.js';
import { labelled, Publisher } from './publish.js';

/** Publishes what of the proxies waits for the database, and what is kept of it. */
@Injectable()
export class BacklogMetrics {
  constructor(
    @Inject(Ledger) ledger: Ledger,
    @Inject(Quarantines) quarantines: Quarantines,
    @Inject(ProxyCredentials) credentials: ProxyCredentials,
    @Inject(SnapshotCache) snapshots: SnapshotCache,
    @Inject(METRICS_REGISTRY) registry: Registry,
  ) {
    const publisher = new Publisher(registry);
    publishLedger(publisher, ledger);
    publisher.gauge({
      name: 'efms_quarantine_backlog',
      help: 'Refused snapshots that are not held back in the database yet',
      read: () => quarantines.backlog,
    });
    publisher.gauge({
      name: 'efms_credential_lookup_backlog',
      help: 'Credentials of new streams that wait to be looked up',
      read: () => credentials.lookupsWaiting,
    });
    publisher.gauge({
      name: 'efms_snapshot_cache_bytes',
      help: 'Memory of snapshots that are kept because they were used lately',
      read: () => snapshots.byteLength,
    });
  }
}

function publishLedger(publisher: Publisher, ledger: Ledger): void {
  const { stats } = ledger;
  publisher.gauge({
    name: 'efms_ledger_backlog',
    help: 'Streams whose newest state is not in the database yet, with the status of their proxies',
    read: () => ledger.backlog,
  });
  publisher.gauge({
    name: 'efms_ledger_lag_seconds',
    help: 'For how long the oldest of them has waited, at most',
    read: () => (stats.waitingSince === undefined ? 0 : (performance.now() - stats.waitingSince) / 1000),
  });
  publisher.histogram({
    name: 'efms_ledger_write_duration_seconds',
    help: 'Writes of a batch of states',
    durations: stats.writes,
  });
  publisher.counter({
    name: 'efms_ledger_write_failures_total',
    help: 'Batches that could not be written; they are tried again',
    read: () => stats.failures,
  });
  publisher.counter({
    name: 'efms_ledger_states_total',
    help: 'States of streams by what became of them: written, superseded by a newer one in an outage, refused by the database',
    labels: ['outcome'],
    read: () =>
      labelled('outcome', [
        ['written', stats.written],
        ['superseded', stats.superseded],
        ['refused', stats.refused],
      ]),
  });
}
