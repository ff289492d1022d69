import { Readable } from 'node:stream';
import type { EventFormat } from './event-format.js';

/** Characters that may wait for one client. */
const MAX_WAITING = 256 * 1024;
/** How long a client may take to read what waits and the end. */
const GRACE_MS = 10_000;

export type StreamEnd = 'slow' | 'credential' | 'shutdown';

export const END_REASONS: Readonly<Record<StreamEnd, string>> = {
  slow: 'Events came faster than they were read; connect again with the last id.',
  credential: 'The credential has expired, was revoked, or allows nothing of this any more.',
  shutdown: 'This server stops; connect again with the last id.',
};

/**
 * The server's side of one event stream, a Readable of its frames or their bytes, as the format has it. What waits for the client is bounded: one that reads too slowly gets what waits and an `end` event behind it, and goes on by the last id that it has read.
 */
export class EventStream extends Readable {
  private readonly waiting: string[] = [];
  private waitingLength = 0;
  private isWanted = false;
  private end: StreamEnd | undefined;
  private grace: NodeJS.Timeout | undefined;
  private onRoom: (() => void) | undefined;

  constructor(
    readonly format: EventFormat,
    private readonly maxWaiting = MAX_WAITING,
  ) {
    super(
      format.carriesMessages ? { objectMode: true, highWaterMark: 1 } : { highWaterMark: 16 * 1024, encoding: 'utf8' },
    );
    this.enqueue(format.greeting);
  }

  /** @param frame in the stream's format */
  send(frame: string): void {
    if (this.end) return;
    // One that is too long by itself has to go through, or the client would be cut off at it for ever.
    if (this.waitingLength > 0 && this.waitingLength + frame.length > this.maxWaiting) this.finish('slow');
    else this.enqueue(frame);
  }

  /** Keeps the connection alive and, with an id, moves on the place at which the client would go on. */
  heartbeat(id?: string): void {
    if (!this.end && this.hasRoom()) this.enqueue(this.format.heartbeat(id));
  }

  /** Says why, and ends. A client that does not read that soon is disconnected. */
  finish(reason: StreamEnd): void {
    if (this.end) return;
    this.end = reason;
    this.enqueue(this.format.frame({ event: 'end', data: { reason, detail: END_REASONS[reason] } }));
    this.grace = setTimeout(() => this.destroy(), GRACE_MS).unref();
    this.onRoom?.();
  }

  /** Resolves when at most half of what may wait does so, or nothing ever will again. */
  room(): Promise<void> {
    if (this.hasRoom()) return Promise.resolve();
    return new Promise((resolve) => {
      this.onRoom = resolve;
    });
  }

  /** Why the server ended it, if it did. */
  get endedBy(): StreamEnd | undefined {
    return this.end;
  }

  get isOver(): boolean {
    return this.end !== undefined || this.destroyed;
  }

  override _read(): void {
    this.isWanted = true;
    this.drain();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearTimeout(this.grace);
    this.onRoom?.();
    callback(error);
  }

  private enqueue(frame: string): void {
    this.waiting.push(frame);
    this.waitingLength += frame.length;
    this.drain();
  }

  private drain(): void {
    while (this.isWanted) {
      const frame = this.waiting.shift();
      if (frame === undefined) break;
      this.waitingLength -= frame.length;
      this.isWanted = this.push(frame);
    }
    if (this.hasRoom()) this.onRoom?.();
    if (this.end && this.waiting.length === 0) this.push(null);
  }

  private hasRoom(): boolean {
    return this.isOver || this.waitingLength <= this.maxWaiting / 2;
  }
}
