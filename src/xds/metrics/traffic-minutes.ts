import { newId } from '../../common/context/ids.js';
import { type ClusterLatency, type ClusterLoad, METRIC_LIMITS, type TrafficSource } from './traffic.js';
import type { TrafficStats } from './traffic-stats.js';

export const MINUTE_MS = 60_000;

/** One row to be written. It keeps its id however often it is tried, so that it is counted once. */
export interface LoadRow extends ClusterLoad {
  readonly id: string;
}

export interface LatencyRow {
  readonly id: string;
  readonly cluster: string;
  /** Counts by upper bound in milliseconds. */
  readonly buckets: ReadonlyMap<number, number>;
}

/** What one proxy reported in one minute while it had one snapshot. */
export interface ProxyMinute extends TrafficSource {
  /** Milliseconds since the epoch, on the database's clock. */
  readonly startsAt: number;
  readonly loads: ReadonlyMap<string, LoadRow>;
  readonly latencies: ReadonlyMap<string, LatencyRow>;
}

type Sum<Row> = { -readonly [Key in keyof Row]: Row[Key] };

class GrowingMinute implements ProxyMinute {
  readonly tenantId: string;
  readonly proxyId: string;
  readonly snapshot: string | null | undefined;
  readonly loads = new Map<string, Sum<LoadRow>>();
  readonly latencies = new Map<string, LatencyRow & { readonly buckets: Map<number, number> }>();
  bytes = 0;

  constructor(
    { tenantId, proxyId, snapshot }: TrafficSource,
    readonly startsAt: number,
  ) {
    this.tenantId = tenantId;
    this.proxyId = proxyId;
    this.snapshot = snapshot;
  }

  get rows(): number {
    return this.loads.size + this.latencies.size;
  }
}

/** Roughly what a map, an object and an id cost beside their texts. */
const ENTRY_BYTES = 400;
const BUCKET_BYTES = 48;

/**
 * What proxies report, added up in memory by minute, proxy, snapshot, cluster and locality. Its memory has a bound: beyond it the oldest
 * minute that waits to be written gives way, and where only the minute that is running is left, what comes newly.
 */
export class TrafficMinutes {
  /** By minute, the oldest first, and in it by proxy and snapshot. */
  private readonly minutes = new Map<number, Map<string, GrowingMinute>>();
  private held = 0;

  /** @param now milliseconds since the epoch on the database's clock */
  constructor(
    private readonly now: () => number,
    private readonly stats: TrafficStats,
    private readonly maxBytes: number,
  ) {}

  addLoads(source: TrafficSource, loads: readonly ClusterLoad[]): void {
    if (loads.length === 0) return;
    const minute = this.minuteOf(source);
    if (!minute) {
      this.stats.drop('memory', loads.length);
      return;
    }
    for (const load of loads) {
      // No name has a NUL in it: the reader refuses it.
      const key = `${load.cluster}\0${load.region}\0${load.zone}\0${load.subZone}`;
      const sum = minute.loads.get(key);
      if (sum) {
        sum.successes += load.successes;
        sum.errors += load.errors;
        sum.dropped += load.dropped;
      } else if (minute.loads.size >= METRIC_LIMITS.loadsPerProxy) this.stats.drop('series');
      else if (this.reserve(minute, ENTRY_BYTES + key.length * 2)) minute.loads.set(key, { ...load, id: newId() });
      else this.stats.drop('memory');
    }
  }

  addLatencies(source: TrafficSource, latencies: readonly ClusterLatency[]): void {
    if (latencies.length === 0) return;
    const minute = this.minuteOf(source);
    if (!minute) {
      this.stats.drop('memory', latencies.length);
      return;
    }
    for (const { cluster, buckets } of latencies) {
      let sum = minute.latencies.get(cluster);
      if (!sum) {
        if (minute.latencies.size >= METRIC_LIMITS.latenciesPerProxy) {
          this.stats.drop('series');
          continue;
        }
        if (!this.reserve(minute, ENTRY_BYTES + cluster.length * 2)) {
          this.stats.drop('memory');
          continue;
        }
        sum = { id: newId(), cluster, buckets: new Map() };
        minute.latencies.set(cluster, sum);
      }
      this.addBuckets(minute, sum.buckets, buckets);
    }
  }

  /** Takes out minutes that ended before a time, the oldest first: a number of rows, give or take those of one proxy. */
  take(endedBefore: number, rows: number): ProxyMinute[] {
    const taken: GrowingMinute[] = [];
    let count = 0;
    for (const [startsAt, proxies] of this.minutes) {
      if (startsAt + MINUTE_MS > endedBefore) break;
      for (const [key, minute] of proxies) {
        if (count >= rows) return taken;
        proxies.delete(key);
        this.held -= minute.bytes;
        count += minute.rows;
        taken.push(minute);
      }
      this.minutes.delete(startsAt);
    }
    return taken;
  }

  /** Beginning of the oldest minute that is held. */
  get oldest(): number | undefined {
    return this.minutes.keys().next().value;
  }

  /** Bytes in use, roughly. */
  get bytes(): number {
    return this.held;
  }

  private addBuckets(minute: GrowingMinute, sums: Map<number, number>, buckets: ClusterLatency['buckets']): void {
    for (const [bound, count] of buckets) {
      const sum = sums.get(bound);
      if (sum !== undefined) sums.set(bound, sum + count);
      else if (sums.size >= METRIC_LIMITS.buckets) this.stats.drop('series');
      else if (this.reserve(minute, BUCKET_BYTES)) sums.set(bound, count);
      else this.stats.drop('memory');
    }
  }

  /** Undefined where there is no memory. */
  private minuteOf(source: TrafficSource): GrowingMinute | undefined {
    const startsAt = Math.floor(this.now() / MINUTE_MS) * MINUTE_MS;
    let proxies = this.minutes.get(startsAt);
    if (!proxies) {
      proxies = new Map();
      this.minutes.set(startsAt, proxies);
    }
    const key = `${source.proxyId} ${source.snapshot ?? String(source.snapshot)}`;
    let minute = proxies.get(key);
    if (!minute) {
      minute = new GrowingMinute(source, startsAt);
      if (!this.reserve(minute, ENTRY_BYTES)) return undefined;
      proxies.set(key, minute);
    }
    return minute;
  }

  /** Counts memory that a row of a minute will take; false where there is none. */
  private reserve(minute: GrowingMinute, bytes: number): boolean {
    while (this.held + bytes > this.maxBytes) {
      const [oldest] = this.minutes;
      if (!oldest || oldest[0] === minute.startsAt) return false;
      this.drop(oldest[0], oldest[1]);
    }
    minute.bytes += bytes;
    this.held += bytes;
    return true;
  }

  private drop(startsAt: number, proxies: ReadonlyMap<string, GrowingMinute>): void {
    for (const minute of proxies.values()) {
      this.held -= minute.bytes;
      this.stats.drop('memory', minute.rows);
    }
    this.minutes.delete(startsAt);
  }
}
