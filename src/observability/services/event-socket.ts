import type { RawData, WebSocket } from 'ws';
import type { ProblemError } from '../../common/errors/problem.js';
import { asProblem } from '../../common/http/problem.filter.js';
import { END_REASONS, type EventStream, type StreamEnd } from './event-stream.js';

/** Close codes of RFC 6455 §7.4.1; a refusal is 4000 and the status that HTTP would answer. */
const CLOSE_CODES: Readonly<Record<StreamEnd, number>> = { shutdown: 1001, slow: 1013, credential: 4401 };
const INTERNAL_ERROR = 1011;
const REFUSED = 4000;
/** The most that a close frame can say, in bytes (RFC 6455 §5.5). */
const MAX_REASON = 123;
/** Bytes of answers to pings that may wait for a client that sends them and does not read. */
const MAX_ANSWERS = 64 * 1024;

interface EventSocketSettings {
  /** The stream that the first message asks for. */
  readonly begin: (message: unknown) => Promise<EventStream>;
  /** Milliseconds until the first message has to be there. */
  readonly startWithin: number;
  /** Milliseconds between two pings; a peer that has not answered by the next one is dead. */
  readonly pingEvery: number;
}

/**
 * The connection of one client that follows events over WebSocket. A frame is handed on only once the one before it has left the process,
 * so that what a slow client does not read waits in its stream, which is bounded.
 */
export class EventSocket {
  private stream: EventStream | undefined;
  private isBeginning = false;
  private isAlive = true;
  private readonly ping: NodeJS.Timeout;
  private readonly patience: NodeJS.Timeout;

  constructor(
    private readonly socket: WebSocket,
    private readonly settings: EventSocketSettings,
  ) {
    this.patience = setTimeout(() => this.close(REFUSED + 408, 'No first message came.'), settings.startWithin).unref();
    this.ping = setInterval(() => this.lookAtPeer(), settings.pingEvery).unref();
    socket.on('pong', () => (this.isAlive = true));
    socket.on('ping', () => {
      if (socket.bufferedAmount > MAX_ANSWERS) socket.terminate();
    });
    socket.on('message', (data, isBinary) => this.read(data, isBinary));
    socket.once('close', () => this.end());
  }

  /** Whether it is not known yet who this is. */
  get isWaiting(): boolean {
    return this.stream === undefined;
  }

  /** Begins the stream, with what the first message says or without one. */
  async begin(message: unknown): Promise<void> {
    if (this.isBeginning) {
      this.refuse('Nothing is expected after the first message.');
      return;
    }
    this.isBeginning = true;
    clearTimeout(this.patience);
    try {
      const stream = await this.settings.begin(message);
      if (this.socket.readyState !== this.socket.OPEN) stream.destroy();
      else await this.tell(stream);
    } catch (error) {
      const { status } = asProblem(error).definition;
      this.close(status === 500 ? INTERNAL_ERROR : REFUSED + status, reasonOf(asProblem(error)));
    }
  }

  close(code: number, reason: string): void {
    this.socket.close(code, shortened(reason));
  }

  private read(data: RawData, isBinary: boolean): void {
    const message = isBinary ? undefined : parsed(textOf(data));
    if (message === undefined) this.refuse('Messages are JSON objects in text frames.');
    else void this.begin(message);
  }

  /** Says that a message cannot be understood, and ends. */
  private refuse(reason: string): void {
    this.close(REFUSED + 400, reason);
  }

  private async tell(stream: EventStream): Promise<void> {
    this.stream = stream;
    // It broke off, or the client did not read what was left: it connects again and goes on by its last id.
    stream.once('close', () => {
      if (!stream.readableEnded) this.socket.terminate();
    });
    try {
      for await (const frame of stream) await this.send(String(frame));
    } catch {
      this.socket.terminate();
      return;
    }
    const { endedBy = 'shutdown' } = stream;
    this.close(CLOSE_CODES[endedBy], END_REASONS[endedBy]);
  }

  /** Resolves when the frame has left the process. */
  private send(frame: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.send(frame, (error) => (error ? reject(error) : resolve()));
    });
  }

  private lookAtPeer(): void {
    if (!this.isAlive) {
      this.socket.terminate();
      return;
    }
    this.isAlive = false;
    if (this.socket.readyState === this.socket.OPEN) this.socket.ping();
  }

  private end(): void {
    clearTimeout(this.patience);
    clearInterval(this.ping);
    this.stream?.destroy();
  }
}

function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function textOf(data: RawData): string {
  const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as ArrayBuffer);
  return bytes.toString('utf8');
}

/** The first finding says more than the sentence that there are some. */
function reasonOf({ options, message }: ProblemError): string {
  return options.errors?.[0]?.detail ?? message;
}

function shortened(text: string): string {
  let end = text.length;
  while (Buffer.byteLength(text.slice(0, end)) > MAX_REASON) end -= 1;
  return text.slice(0, end);
}
