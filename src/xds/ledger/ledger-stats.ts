import { Durations } from '../../common/metrics/durations.js';

/** Plain figures of the ledger, for whoever publishes metrics. Written by the ledger only. */
export class LedgerStats {
  /** Since when something waits to be written, in monotonic milliseconds, and rather too early than too late; undefined for nothing. */
  waitingSince: number | undefined;
  readonly writes = new Durations([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]);
  failures = 0;
  /** States of streams that were written. */
  written = 0;
  /** States that were left out: of streams that ended in an outage with a newer one of the proxy behind them. */
  superseded = 0;
  /** States that the database refused for good. */
  refused = 0;
}
