import type { HandedOver } from './server-stats.js';
import { SHUTTING_DOWN } from './stream-admission.js';

/** A stream as whoever moves proxies elsewhere sees it. */
export interface MovableStream {
  /** On the monotonic clock. */
  readonly openedAt: number;
  /** Drawn once per stream, from 0 to 1. */
  readonly chance: number;
  /** Whether nothing is under way that its end would cut short. */
  isAtRest(now: number): boolean;
  /** Ends it in a way that has its client come again elsewhere; of no effect where it has ended. */
  handOver(why: HandedOver, details: string): void;
}

export interface DrainParts {
  /** Takes no streams and no connections from now on, and says so to whoever asks and whoever is connected. */
  readonly leave: () => void;
  /** The streams that are open then. */
  readonly streams: () => Iterable<MovableStream>;
}

const TICK_MS = 10;
/** Streams that are handed over in a millisecond; those that take them over have to serve them. */
const PER_MS = 0.5;

/**
 * Hands all streams over to other replicas before this one ends. One after the other in random order, so that nobody meets thousands at
 * once; each when nothing of it is under way, and all when the time is over. Until its turn has come a stream is served as ever.
 */
export class Drain {
  private running: Promise<void> | undefined;
  private isCut = false;

  /** @param timeMs after which those are ended as well in the middle of something; half of it is for all others at most */
  constructor(
    private readonly parts: DrainParts,
    private readonly timeMs: number,
  ) {}

  /** Whether this replica is on its way out. */
  get hasBegun(): boolean {
    return this.running !== undefined;
  }

  /** @returns when no stream is left; calls after the first wait for the same */
  run(): Promise<void> {
    return (this.running ??= this.drain());
  }

  /** Waits for nobody any more. */
  cut(): void {
    this.isCut = true;
  }

  private async drain(): Promise<void> {
    this.parts.leave();
    let left: readonly MovableStream[] = [...this.parts.streams()].sort((a, b) => a.chance - b.chance);
    const total = left.length;
    const began = performance.now();
    const spread = Math.min(total / PER_MS, this.timeMs / 2);
    while (left.length > 0) {
      const now = performance.now();
      const elapsed = now - began;
      if (this.isCut || elapsed >= this.timeMs) break;
      const due = spread > elapsed ? Math.ceil((total * elapsed) / spread) : total;
      left = handOver(left, due - (total - left.length), now);
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
    for (const stream of left) stream.handOver('drain_late', SHUTTING_DOWN);
  }
}

/** Those that are left once so many were handed over, if as many are at rest; the others have to wait for another turn, behind the rest. */
function handOver(streams: readonly MovableStream[], count: number, now: number): MovableStream[] {
  const busy: MovableStream[] = [];
  let at = 0;
  for (let gone = 0; gone < count && at < streams.length; at += 1) {
    const stream = streams[at];
    if (!stream) break;
    if (stream.isAtRest(now)) {
      stream.handOver('drain', SHUTTING_DOWN);
      gone += 1;
    } else busy.push(stream);
  }
  return [...streams.slice(at), ...busy];
}
