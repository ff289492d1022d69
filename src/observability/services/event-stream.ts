import { Readable } from 'node:stream';

/** Characters that may wait for one client. */
const MAX_WAITING = 256 * 1024;
/** How long a client may take to read what waits and the end. */
const GRACE_MS = 10_000;

export type StreamEnd = 'slow' | 'credential' | 'shutdown';

const REASONS: Readonly<Record<StreamEnd, string>> = {
  slow: 'Events came faster than they were read; connect again with the last id.',
  credential: 'The credential has expired, was revoked, or allows nothing of this any more.',
  shutdown: 'This server stops; connect again with the last id.',
};

/** One message of a stream. */
interface StreamMessage {
  readonly id?: string;
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The bytes of a message; made once, they serve any number of streams. */
export function frameOf({ id, event, data }: StreamMessage): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/**
 * The server's side of one event stream (HTML Standard, "Server-sent events"), a Readable of its bytes. What waits for the client is
 * bounded: one that reads too slowly gets what waits and an `end` event behind it, and goes on by the last id that it has read.
 */
export class EventStream extends Readable {
  private readonly waiting: string[] = [];
  private waitingLength = 0;
  private isWanted = false;
  private isEnding = false;
  private grace: NodeJS.Timeout | undefined;
  private onRoom: (() => void) | undefined;

  constructor(private readonly maxWaiting = MAX_WAITING) {
    super({ highWaterMark: 16 * 1024, encoding: 'utf8' });
    // The first bytes send the headers. Milliseconds until a client connects again.
    this.enqueue('retry: 2000\n\n');
  }

  /** @param frame what `frameOf` made */
  send(frame: string): void {
    if (this.isEnding) return;
    // One that is too long by itself has to go through, or the client would be cut off at it for ever.
    if (this.waitingLength > 0 && this.waitingLength + frame.length > this.maxWaiting) this.finish('slow');
    else this.enqueue(frame);
  }

  /** Keeps the connection alive and, with an id, moves on the place at which the client would go on. */
  heartbeat(id?: string): void {
    if (!this.isEnding && this.hasRoom()) this.enqueue(id === undefined ? ':\n\n' : `:\nid: ${id}\n\n`);
  }

  /** Says why, and ends. A client that does not read that soon is disconnected. */
  finish(reason: StreamEnd): void {
    if (this.isEnding) return;
    this.isEnding = true;
    this.enqueue(frameOf({ event: 'end', data: { reason, detail: REASONS[reason] } }));
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

  get isOver(): boolean {
    return this.isEnding || this.destroyed;
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
    if (this.isEnding && this.waiting.length === 0) this.push(null);
  }

  private hasRoom(): boolean {
    return this.isOver || this.waitingLength <= this.maxWaiting / 2;
  }
}
