/** Counts by upper bound in milliseconds, rising; the bound null lies above all. */
export type Buckets = readonly (readonly [bound: number | null, count: number])[];

/** How long requests took, in milliseconds, as near as the buckets tell. */
export interface Latency {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

/** Null where nothing was counted. */
export function latencyOf(buckets: Buckets): Latency | null {
  const count = buckets.reduce((total, [, one]) => total + one, 0);
  if (count === 0) return null;
  const percentile = (share: number): number => Math.round(percentileOf(buckets, share * count) * 1000) / 1000;
  return { count, p50: percentile(0.5), p90: percentile(0.9), p99: percentile(0.99) };
}

/** What a number of requests took at most, taken as spread evenly inside a bucket. Above the last bound nothing is known but the bound. */
function percentileOf(buckets: Buckets, wanted: number): number {
  let below = 0;
  let lower = 0;
  for (const [bound, count] of buckets) {
    if (bound === null) break;
    if (count > 0 && below + count >= wanted) return lower + ((bound - lower) * (wanted - below)) / count;
    below += count;
    lower = bound;
  }
  return lower;
}
