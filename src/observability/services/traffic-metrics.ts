import { Inject, Injectable } from '@nestjs/common';
import { Counter, Gauge } from 'prom-client';
import { TrafficStats } from '../../xds/index.js';
import { METRICS_REGISTRY, type Registry } from './metrics-registry.js';

/** Publishes what becomes of what proxies report of their traffic. Read when scraped. */
@Injectable()
export class TrafficMetrics {
  constructor(@Inject(TrafficStats) stats: TrafficStats, @Inject(METRICS_REGISTRY) registry: Registry) {
    const counter = (name: string, help: string, read: () => number): void => {
      new Counter({
        name,
        help,
        registers: [registry],
        collect() {
          this.reset();
          this.inc(read());
        },
      });
    };
    const gauge = (name: string, help: string, read: () => number | undefined): void => {
      new Gauge({
        name,
        help,
        registers: [registry],
        collect() {
          const value = read();
          if (value === undefined) this.remove();
          else this.set(value);
        },
      });
    };
    counter('efms_load_reports_total', 'Load reports received', () => stats.loadReports);
    counter('efms_metrics_messages_total', 'Messages of the metrics service received', () => stats.metricsMessages);
    counter('efms_report_bytes_total', 'Bytes of the load reports and metrics received', () => stats.reportBytes);
    counter('efms_traffic_rows_total', 'Rows of traffic written to the database', () => stats.rowsWritten);
    gauge('efms_report_streams', 'Streams on which proxies report that are open now', () => stats.openStreams);
    gauge('efms_traffic_backlog_bytes', 'Memory of traffic that waits to be written', () => stats.backlogBytes);
    gauge(
      'efms_traffic_flush_lag_seconds',
      'Age of the oldest minute of traffic that is not written',
      () => stats.flushLag,
    );
    gauge(
      'efms_traffic_partition_days',
      'Days ahead for which there are partitions, told by the replica that looks after them',
      () => stats.partitionDaysAhead,
    );
    new Counter({
      name: 'efms_traffic_shed_total',
      help: 'What proxies reported and is not kept, by reason',
      labelNames: ['reason'],
      registers: [registry],
      collect() {
        this.reset();
        for (const [reason, count] of stats.shed) this.inc({ reason }, count);
      },
    });
  }
}
