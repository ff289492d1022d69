import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';

const SAMPLE_MS = 50;

/** How much later than it should the event loop does things now, in milliseconds. */
@Injectable()
export class LoopDelay implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;
  private sampledAt = performance.now();
  private sample = 0;

  onApplicationBootstrap(): void {
    this.sampledAt = performance.now();
    this.timer = setInterval(() => {
      this.sample = this.overdue();
      this.sampledAt = performance.now();
    }, SAMPLE_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** The last sample, or what the next one is overdue already: a turn of the loop in which thousands connect may be the long one. */
  get current(): number {
    return this.timer ? Math.max(this.sample, this.overdue()) : 0;
  }

  private overdue(): number {
    return Math.max(0, performance.now() - this.sampledAt - SAMPLE_MS);
  }
}
