/** Counts durations by how long they were. One costs a few comparisons and no memory; whoever publishes metrics reads it. */
export class Durations {
  /** How many were within each bound and beyond the one before it; and at the end those beyond the last. */
  readonly counts: Float64Array;
  /** Seconds, all together. */
  sum = 0;

  /** @param bounds in seconds, rising */
  constructor(readonly bounds: readonly number[]) {
    this.counts = new Float64Array(bounds.length + 1);
  }

  /** @param ms milliseconds; less than none is none */
  count(ms: number): void {
    const seconds = Math.max(0, ms) / 1000;
    let at = 0;
    while (at < this.bounds.length && seconds > (this.bounds[at] ?? Infinity)) at += 1;
    this.counts[at] = (this.counts[at] ?? 0) + 1;
    this.sum += seconds;
  }
}
