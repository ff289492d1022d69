import { Injectable } from '@nestjs/common';

/** Why something that proxies reported is not kept. */
export const SHED_REASONS = [
  /** More often than the proxy was asked to. */
  'rate',
  /** Over the budget of the metrics service. */
  'budget',
  /** More clusters and localities than are kept of one proxy, or numbers that nothing counts up to. */
  'series',
  /** The database is slow or away, and the memory for what waits for it is full. */
  'memory',
  /** It waited for the database until it was too late to be rolled up. */
  'late',
  /** The database refused it. */
  'refused',
] as const;
export type ShedReason = (typeof SHED_REASONS)[number];

/** Plain counters since the start of the process, for whoever publishes metrics. */
@Injectable()
export class TrafficStats {
  loadReports = 0;
  metricsMessages = 0;
  reportBytes = 0;
  /** Streams that are open now, of both services. */
  openStreams = 0;
  rowsWritten = 0;
  /** What waits to be written, as far as it is known to cost memory. */
  backlogBytes = 0;
  /** Seconds since the end of the oldest minute that is not written. */
  flushLag = 0;
  /** Days for which there are partitions after this one; undefined where another replica looks after them. */
  partitionDaysAhead: number | undefined;
  readonly shed = new Map<ShedReason, number>();

  drop(reason: ShedReason, count = 1): void {
    if (count > 0) this.shed.set(reason, (this.shed.get(reason) ?? 0) + count);
  }
}
