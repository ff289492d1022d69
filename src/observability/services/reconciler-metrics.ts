import { Inject, Injectable } from '@nestjs/common';
import { Doorbell, Reconciler } from '../../xds/index.js';
import { METRICS_REGISTRY, type Registry } from './metrics-registry.js';
import { labelled, Publisher } from './publish.js';

/** Publishes how changes reach the streams of this replica. */
@Injectable()
export class ReconcilerMetrics {
  constructor(
    @Inject(Reconciler) { stats }: Reconciler,
    @Inject(Doorbell) { stats: bell }: Doorbell,
    @Inject(METRICS_REGISTRY) registry: Registry,
  ) {
    const publisher = new Publisher(registry);
    publisher.histogram({
      name: 'efms_xds_change_to_send_seconds',
      help: 'From a change of what a connected proxy is to have to the first response with it, once for each stream',
      durations: stats.delays.toSend,
    });
    publisher.histogram({
      name: 'efms_xds_change_to_ack_seconds',
      help: 'From a change of what a connected proxy is to have until it acknowledged all of it, once for each stream',
      durations: stats.delays.toAck,
    });
    publisher.gauge({
      name: 'efms_reconcile_lag_seconds',
      help: 'Since when changes may wait to be looked at: seconds since the beginning of the last look that succeeded',
      read: () => Math.max(0, performance.now() - stats.lookedAt) / 1000,
    });
    publisher.histogram({
      name: 'efms_reconcile_duration_seconds',
      help: 'Looks at what changed and at new streams, with all that was served because of them',
      durations: stats.passes,
    });
    publisher.counter({
      name: 'efms_reconcile_failures_total',
      help: 'Looks that failed; streams keep what they have',
      read: () => stats.failures,
    });
    publisher.counter({
      name: 'efms_reconcile_changes_total',
      help: 'Streams that were given something else to serve, by what made the replica look: interval where no doorbell was heard',
      labels: ['found_by'],
      read: () => labelled('found_by', Object.entries(stats.changes)),
    });
    publisher.gauge({
      name: 'efms_reconcile_unsettled_streams',
      help: 'Streams that do not serve yet what they should, after the last look',
      read: () => stats.unsettled,
    });
    publisher.counter({
      name: 'efms_doorbells_total',
      help: 'Doorbells between replicas: rung and lost by this one, and heard from any',
      labels: ['event'],
      read: () =>
        labelled('event', [
          ['rung', bell.rung],
          ['lost', bell.lost],
          ['heard', bell.heard],
        ]),
    });
    publisher.gauge({
      name: 'efms_doorbell_up',
      help: 'Whether doorbells of other replicas are heard; absent where there can be no others',
      read: () => (bell.isListening === undefined ? undefined : Number(bell.isListening)),
    });
  }
}
