import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import type { MovableStream } from './drain.js';

const SWEEP_MS = 1_000;
/** Shares of the age between which streams end, each at a time of its own: fleets that came at once do not go at once. */
const JITTER = { from: 0.85, to: 1.15 };
/** When connections are told to go; grpc-js takes up to a tenth off or adds it, so that it is before any stream of theirs ends by age. */
const CONNECTION_SHARE = 0.75;
const AGED = 'the stream has been here long enough: connect again';

/** When connections are to be told to go, for streams of that age. */
export const connectionAgeOf = (streamAgeMs: number): number => Math.round(streamAgeMs * CONNECTION_SHARE);

/**
 * Ends streams that are old, so that a fleet spreads again over its replicas after one of them was away. Their connections were told to go
 * before, so proxies come back on new ones, and are sent nothing that they have. One in the middle of something goes on until that is over,
 * as all do while the database is away.
 */
export class StreamAges implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;

  /** @param ageMs 0 for streams that never end by age */
  constructor(
    private readonly streams: () => Iterable<MovableStream>,
    private readonly ageMs: number,
  ) {}

  onApplicationBootstrap(): void {
    if (this.ageMs === 0) return;
    this.timer = setInterval(() => this.sweep(performance.now()), SWEEP_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** @param now of the monotonic clock */
  sweep(now: number): void {
    for (const stream of this.streams()) {
      const end = stream.openedAt + this.ageMs * (JITTER.from + stream.chance * (JITTER.to - JITTER.from));
      if (now >= end && stream.isAtRest(now)) stream.handOver('age', AGED);
    }
  }
}
