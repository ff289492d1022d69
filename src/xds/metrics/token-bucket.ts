import type { Clock } from '../../common/clock/clock.js';

/** So much in a second, and what was saved up on top, but never more than a burst. */
export class TokenBucket {
  private tokens: number;
  private at: number;

  constructor(
    private readonly clock: Clock,
    private readonly perSecond: number,
    private readonly burst: number,
  ) {
    this.tokens = burst;
    this.at = clock.monotonic();
  }

  /** Takes a number of tokens; false, and nothing taken, where there are not as many. */
  take(count: number): boolean {
    const now = this.clock.monotonic();
    this.tokens = Math.min(this.burst, this.tokens + ((now - this.at) / 1000) * this.perSecond);
    this.at = now;
    if (this.tokens < count) return false;
    this.tokens -= count;
    return true;
  }
}
