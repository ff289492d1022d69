import { Durations } from '../../common/metrics/durations.js';
import { HeadDelays } from './head-delays.js';

/** Through what a replica came to look at heads. */
export type LookCause = 'doorbell' | 'interval';

/** Plain figures of the reconciler, for whoever publishes metrics. Written by the reconciler and, where it says how streams go on, their host. */
export class ReconcilerStats {
  /** Looks at heads and new streams, with all that was served because of them. */
  readonly passes = new Durations([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]);
  readonly delays = new HeadDelays();
  failures = 0;
  /** Streams that were told to serve something else, by what made the replica look. */
  readonly changes: Record<LookCause, number> = { doorbell: 0, interval: 0 };
  /** Streams that do not serve yet what their heads say, or were not looked at yet. */
  unsettled = 0;
  /** When the last look at heads began that could be finished, in monotonic milliseconds. */
  lookedAt = performance.now();
}
