import net from 'node:net';
import { performance } from 'node:perf_hooks';

/** One request as it goes over the wire. */
export interface Call {
  readonly bytes: Uint8Array;
  /** The status that it must be answered with. */
  readonly expected: number;
  /** What it is counted under. */
  readonly group: string;
}

/** What came of a run. Latencies are milliseconds from the moment that a request was due. */
export interface RunResult {
  readonly latencies: Readonly<Record<string, Float64Array>>;
  /** In words, with how often. */
  readonly failures: Readonly<Record<string, number>>;
  readonly answered: number;
  /** From the first request to the last answer. */
  readonly seconds: number;
  /** Whether it was given up, because far more was due than was answered. */
  readonly isGivenUp: boolean;
}

const PATIENCE_MS = 10_000;
/** A run is given up when this many seconds' worth of requests wait for a connection. */
const HOPELESS_SECONDS = 3;

interface Due {
  readonly call: Call;
  readonly at: number;
}

/**
 * Sends requests at a constant rate over connections that stay open, whatever the answers do: a request is due at its time, and when no
 * connection is free it waits, and that counts. (A client that sends the next request after the last answer asks less of a server that
 * stalls, and reports the stall as one slow request: "coordinated omission".)
 */
export class OpenLoop {
  private readonly port: number;
  private readonly free: Connection[] = [];
  private readonly all: Connection[] = [];
  private waiting: Due[] = [];
  private run: Run | undefined;
  private nextCheck = 0;

  constructor(port: number) {
    this.port = port;
  }

  async open(connections: number): Promise<void> {
    const opened: Promise<void>[] = [];
    for (let i = 0; i < connections; i += 1) {
      const connection = new Connection(this.port, (due, failure) => this.ended(connection, due, failure));
      this.all.push(connection);
      this.free.push(connection);
      opened.push(connection.open());
      // A listen queue holds so many.
      if (opened.length % 100 === 0) await Promise.all(opened);
    }
    await Promise.all(opened);
  }

  close(): void {
    for (const connection of this.all) connection.close();
  }

  /** Sends `rate` a second for so many seconds, the calls in turn, and resolves when the last is answered. */
  send(
    calls: readonly Call[],
    { rate, seconds }: { readonly rate: number; readonly seconds: number },
  ): Promise<RunResult> {
    if (this.run) throw new Error('one run at a time');
    const run = new Run(Math.max(1, Math.round(rate * seconds)));
    this.run = run;
    const tick = (): void => {
      const now = performance.now();
      const due = Math.min(run.total, Math.floor(((now - run.began) / 1000) * rate) + 1);
      while (run.sent < due) {
        const call = calls[run.sent % calls.length];
        if (call) this.dispatch({ call, at: run.began + (run.sent * 1000) / rate });
        run.sent += 1;
      }
      if (this.waiting.length > rate * HOPELESS_SECONDS) this.giveUp(run);
      this.loseLate(now);
      if (run.isOver) this.finish(run);
      else setTimeout(tick, 1);
    };
    tick();
    return run.result;
  }

  private dispatch(due: Due): void {
    const connection = this.free.shift();
    if (connection) connection.send(due);
    else this.waiting.push(due);
  }

  private loseLate(now: number): void {
    if (now < this.nextCheck) return;
    this.nextCheck = now + 250;
    for (const connection of this.all) connection.lose(now - PATIENCE_MS);
  }

  private giveUp(run: Run): void {
    run.giveUp(this.waiting.length);
    this.waiting = [];
  }

  private ended(connection: Connection, due: Due, failure: string | undefined): void {
    this.run?.count(due, failure);
    const next = this.waiting.shift();
    if (next) connection.send(next);
    else this.free.push(connection);
  }

  private finish(run: Run): void {
    this.run = undefined;
    run.finish();
  }
}

class Run {
  readonly began = performance.now();
  total: number;
  sent = 0;
  isGivenUp = false;
  readonly result: Promise<RunResult>;
  private readonly latencies = new Map<string, number[]>();
  private readonly failures = new Map<string, number>();
  private answered = 0;
  private failed = 0;
  private lastAnswer = performance.now();
  private resolve: (result: RunResult) => void = () => undefined;

  constructor(total: number) {
    this.total = total;
    this.result = new Promise((resolve) => (this.resolve = resolve));
  }

  get isOver(): boolean {
    return this.answered + this.failed >= this.total;
  }

  count({ call, at }: Due, failure: string | undefined): void {
    this.lastAnswer = performance.now();
    if (failure !== undefined) {
      this.failed += 1;
      const words = `${call.group}: ${failure}`;
      this.failures.set(words, (this.failures.get(words) ?? 0) + 1);
      return;
    }
    this.answered += 1;
    const known = this.latencies.get(call.group);
    if (known) known.push(this.lastAnswer - at);
    else this.latencies.set(call.group, [this.lastAnswer - at]);
  }

  /** What was due and waits is a failure, and nothing more becomes due. */
  giveUp(late: number): void {
    this.isGivenUp = true;
    this.failed += late;
    this.failures.set('given up, too many waited', late);
    this.total = this.sent;
  }

  finish(): void {
    const latencies: Record<string, Float64Array> = {};
    for (const [group, values] of this.latencies) latencies[group] = Float64Array.from(values);
    this.resolve({
      latencies,
      failures: Object.fromEntries(this.failures),
      answered: this.answered,
      seconds: (this.lastAnswer - this.began) / 1000,
      isGivenUp: this.isGivenUp,
    });
  }
}

/** One connection, one request at a time; of the answers only what is needed to tell where they end. */
class Connection {
  private readonly port: number;
  private readonly ended: (due: Due, failure: string | undefined) => void;
  private socket: net.Socket | undefined;
  private due: Due | undefined;
  private head: Buffer = Buffer.alloc(0);
  /** Bytes of the body that are still to come; undefined while the head is. */
  private missing: number | undefined;
  private status = 0;

  constructor(port: number, ended: (due: Due, failure: string | undefined) => void) {
    this.port = port;
    this.ended = ended;
  }

  open(): Promise<void> {
    const socket = net.connect({ host: '127.0.0.1', port: this.port, noDelay: true });
    this.socket = socket;
    // The end that follows is what counts.
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => this.take(chunk));
    socket.on('close', () => {
      if (this.socket !== socket) return;
      this.socket = undefined;
      this.done('the connection was closed');
    });
    return new Promise((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
  }

  close(): void {
    this.socket?.destroy();
  }

  send(due: Due): void {
    this.due = due;
    // One that was closed while nothing was sent is opened again; the kernel keeps the bytes until it is.
    if (!this.socket) void this.open().catch(() => undefined);
    this.socket?.write(due.call.bytes);
  }

  /** Gives up what was due before a moment. */
  lose(before: number): void {
    if (!this.due || this.due.at > before) return;
    this.socket?.destroy();
    this.socket = undefined;
    this.done('no answer in time');
  }

  private take(chunk: Buffer): void {
    if (!this.due) return this.close();
    if (this.missing === undefined) {
      const bytes = this.head.length === 0 ? chunk : Buffer.concat([this.head, chunk]);
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0) {
        this.head = bytes;
        return;
      }
      const head = bytes.toString('latin1', 0, end);
      this.status = Number(head.slice(9, 12));
      this.missing = this.status === 204 ? 0 : Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? NaN);
      this.missing -= bytes.length - end - 4;
    } else {
      this.missing -= chunk.length;
    }
    if (this.missing === 0) this.done(this.status === this.due.call.expected ? undefined : `status ${this.status}`);
    else if (!(this.missing > 0)) this.close();
  }

  private done(failure: string | undefined): void {
    const { due } = this;
    this.due = undefined;
    this.missing = undefined;
    this.head = Buffer.alloc(0);
    if (due) this.ended(due, failure);
  }
}
