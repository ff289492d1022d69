import { Durations } from '../metrics/durations.js';

/** A pool of connections as it stands now. */
export interface PoolStanding {
  readonly size: number;
  readonly inUse: number;
  readonly idle: number;
  /** Callers that wait for a connection. */
  readonly waiting: number;
}

/** What a job that runs under a lease did in this process. */
export interface JobRuns {
  done: number;
  failed: number;
  /** Milliseconds since the epoch; null before the first. */
  lastDoneAt: number | null;
}

/** Plain counters of the work with the database since the start of the process, for whoever publishes metrics. */
export class DatabaseStats {
  /** Whether the last transaction that was begun found the database; true before the first. */
  isUp = true;
  /** Transactions that could not be begun. */
  refused = 0;
  /** From the wish for a connection to the end of the transaction. */
  readonly transactions = new Durations([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15]);
  /** Names of the leases that this process holds, as far as it knows. */
  readonly leases = new Set<string>();
  /** By name. */
  readonly jobs = new Map<string, JobRuns>();

  /** @param pools by name, as they stand whenever it is asked */
  constructor(readonly pools: () => ReadonlyMap<string, PoolStanding>) {}

  begun(): void {
    this.isUp = true;
  }

  notBegun(): void {
    this.isUp = false;
    this.refused += 1;
  }

  ran(job: string, outcome: 'done' | 'failed'): void {
    const runs = this.jobs.get(job) ?? { done: 0, failed: 0, lastDoneAt: null };
    this.jobs.set(job, runs);
    runs[outcome] += 1;
    if (outcome === 'done') runs.lastDoneAt = Date.now();
  }
}
