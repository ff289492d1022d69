import { Inject, Injectable } from '@nestjs/common';
import { SHED_REASONS, TrafficStats } from '../../xds/index.js';
import { METRICS_REGISTRY, type Registry } from './metrics-registry.js';
import { fromNothing, labelled, Publisher } from './publish.js';

/** Publishes what becomes of what proxies report of their traffic. */
@Injectable()
export class TrafficMetrics {
  constructor(@Inject(TrafficStats) stats: TrafficStats, @Inject(METRICS_REGISTRY) registry: Registry) {
    const publisher = new Publisher(registry);
    publisher.counter({
      name: 'efms_load_reports_total',
      help: 'Load reports received',
      read: () => stats.loadReports,
    });
    publisher.counter({
      name: 'efms_metrics_messages_total',
      help: 'Messages of the metrics service received',
      read: () => stats.metricsMessages,
    });
    publisher.counter({
      name: 'efms_report_bytes_total',
      help: 'Bytes of the load reports and metrics received',
      read: () => stats.reportBytes,
    });
    publisher.gauge({
      name: 'efms_report_streams',
      help: 'Streams on which proxies report that are open now',
      read: () => stats.openStreams,
    });
    publisher.counter({
      name: 'efms_traffic_rows_total',
      help: 'Rows of traffic written to the database',
      read: () => stats.rowsWritten,
    });
    publisher.counter({
      name: 'efms_traffic_shed_total',
      help: 'What proxies reported and is not kept, by reason',
      labels: ['reason'],
      read: () => labelled('reason', [...fromNothing(SHED_REASONS), ...stats.shed]),
    });
    publisher.gauge({
      name: 'efms_traffic_backlog_bytes',
      help: 'Memory of traffic that waits to be written',
      read: () => stats.backlogBytes,
    });
    publisher.gauge({
      name: 'efms_traffic_flush_lag_seconds',
      help: 'Age of the oldest minute of traffic that is not written',
      read: () => stats.flushLag,
    });
    publisher.gauge({
      name: 'efms_traffic_partitions_ahead',
      help: 'Days ahead for which there are partitions, told by the replica that looks after them',
      read: () => stats.partitionDaysAhead,
    });
  }
}
