import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How often is looked whether the event loop is late; what it takes for that is no delay. */
const RESOLUTION_MS = 10;
const WINDOW_MS = 15_000;

/**
 * How late the event loop was during the last 15 to 30 seconds, whoever reads it and how often: two readers do not take the worst from each
 * other, and what happened between two readings at 15 seconds is in one of them.
 */
export class RecentLoopDelay {
  private older = monitor();
  private younger = monitor();
  private readonly timer: NodeJS.Timeout;

  constructor() {
    this.timer = setInterval(() => this.turn(), WINDOW_MS).unref();
  }

  /** Seconds that a share of all looks was late at most; 1 for the worst. */
  quantile(share: number): number {
    const { older } = this;
    if (older.count === 0) return 0;
    const ns = share === 1 ? older.max : older.percentile(share * 100);
    return Math.max(0, ns / 1e9 - RESOLUTION_MS / 1000);
  }

  stop(): void {
    clearInterval(this.timer);
    this.older.disable();
    this.younger.disable();
  }

  private turn(): void {
    this.older.disable();
    this.older = this.younger;
    this.younger = monitor();
  }
}

function monitor(): ReturnType<typeof monitorEventLoopDelay> {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  return histogram;
}
