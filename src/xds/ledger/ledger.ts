import { Logger } from '@nestjs/common';
import type { Clock } from '../../common/clock/clock.js';
import { type ProxyKey, proxyKeyText } from '../../infrastructure/index.js';
import type { ResourceKind } from '../resource-types.js';
import { LedgerStats } from './ledger-stats.js';
import type { ProgressSignal } from './progress-signal.js';
import {
  type AcknowledgementRow,
  type Changes,
  type ClockReading,
  type RefusedResponse,
  type StreamOpening,
  StreamRecord,
  type StreamRow,
} from './stream-record.js';

export interface LedgerBatch {
  /**
   * Given after an outage, or a write that took long, in which ends of streams may have been lost: the ids of all streams of this replica that live. Whatever
   * else the database takes for a live stream of this replica has ended.
   */
  readonly live?: readonly string[];
  /** The rows, once it is known what time it is at the database. */
  rows(clock: ClockReading): {
    readonly streams: readonly StreamRow[];
    readonly acknowledgements: readonly AcknowledgementRow[];
    /** Proxies whose status may have changed. */
    readonly presence: readonly ProxyKey[];
  };
}

/** Where the ledger is kept. */
export abstract class LedgerSink {
  /**
   * Writes all of the batch or nothing of it; writing the same again changes nothing.
   * @throws RowRefused where the batch holds something that can never be written, anything else where it may be tried again
   */
  abstract write(batch: LedgerBatch): Promise<void>;
}

/** The database takes the batch for wrong: what is in it, not the state that the database is in. */
export class RowRefused extends Error {
  override readonly name = 'RowRefused';
}

/** What happens on one stream; nothing here waits or throws. */
export interface StreamLedger {
  /** Whether all that happened so far is in the database. */
  readonly isWritten: boolean;
  /**
   * The snapshot that the stream is told to serve; null for none. Call it before the stream is told.
   * @param tried snapshots that the proxy may have been sent before
   * @returns whether that is to be written, or that it has the snapshot in full already
   */
  serving(hash: string | null, tried?: readonly string[]): boolean;
  sent(response: { readonly kind: ResourceKind; readonly version: string; readonly resources: number }): void;
  acked(response: { readonly kind: ResourceKind; readonly version: string }): void;
  nacked(response: RefusedResponse, error: { readonly code: number; readonly message: string }): void;
  converged(hash: string): void;
  diverged(): void;
  unmanaged(): void;
  /** Whether nothing is sent because of what the client claims. */
  frozen(isFrozen: boolean): void;
  ended(): void;
}

export interface LedgerSettings {
  /** How long changes are gathered before they are written. */
  readonly flushMs?: number;
  /** How long what was sent to a stream may wait for the answer, to be written with it. */
  readonly answerMs?: number;
  /** How long to wait after a write that failed. */
  readonly retryMs?: number;
  /** Streams written at once. */
  readonly maxBatch?: number;
}

/**
 * What proxies have taken and refused, gathered in memory and written in batches, off the way to the proxies. Per stream and type
 * only the newest response, ACK and NACK are kept, so a database that is slow or away costs no memory that grows: what came meanwhile
 * is written as its newest state once it is back.
 */
export class Ledger {
  private readonly log = new Logger(Ledger.name);
  readonly stats = new LedgerStats();
  private readonly settings: Required<LedgerSettings>;
  private readonly live = new Map<string, StreamRecord>();
  private readonly pending = new Set<StreamRecord>();
  /** What is being written. */
  private underWay: ReadonlyMap<StreamRecord, Changes> = new Map();
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> | undefined;
  private isFailing = false;
  private isStopped = false;
  private lastTime = 0;
  /** How much may wait behind a write that takes its time before what is superseded is left out. */
  private compactFrom: number;
  /** Whether ends of streams were left out since the last write. */
  private hasLeftOut = false;
  /** Streams written at once now; fewer than the most only while something that cannot be written is looked for. */
  private batchSize: number;

  constructor(
    private readonly sink: LedgerSink,
    private readonly signal: ProgressSignal,
    private readonly clock: Clock,
    settings: LedgerSettings = {},
  ) {
    this.settings = { flushMs: 200, answerMs: 1_000, retryMs: 1_000, maxBatch: 2_000, ...settings };
    this.batchSize = this.settings.maxBatch;
    this.compactFrom = 2 * this.settings.maxBatch;
  }

  /** Begins the record of a stream. */
  open(opening: StreamOpening): StreamLedger {
    const record = new StreamRecord(opening, this.now());
    this.live.set(opening.id, record);
    this.changed(record);
    const converged = (hash: string | null): void => {
      if (record.convergedOn(hash, this.now())) this.changed(record);
    };
    const isWritten = (): boolean => !this.pending.has(record) && !this.underWay.has(record);
    return {
      get isWritten() {
        return isWritten();
      },
      serving: (hash, tried) => {
        const isChanged = record.serving(hash, tried);
        if (isChanged) this.changed(record);
        return isChanged;
      },
      sent: ({ kind, version, resources }) => {
        record.sent(kind, version, resources, this.now());
        this.changed(record);
      },
      acked: ({ kind, version }) => {
        record.acked(kind, version, this.now());
        this.changed(record);
      },
      nacked: (response, error) => {
        record.nacked(response, error, this.now());
        this.changed(record);
      },
      // A proxy without an assignment converges on nothing, which is no snapshot.
      converged: (hash) => converged(hash === '' ? null : hash),
      diverged: () => converged(null),
      unmanaged: () => {
        record.unmanaged();
        this.changed(record);
      },
      frozen: (isFrozen) => {
        record.frozen(isFrozen);
        this.changed(record);
      },
      ended: () => this.ended(record),
    };
  }

  /** Has the state of every live stream written again: others may have taken this replica for dead meanwhile. */
  reassert(): void {
    for (const record of this.live.values()) {
      record.touch();
      this.changed(record);
    }
  }

  /** Writes what is pending now. @returns when it is written, or has failed and will be tried again */
  async flush(): Promise<void> {
    await this.writeSome(this.pending);
  }

  /** Writes what is left, once, and no more after that. */
  async stop(): Promise<void> {
    do await this.flush();
    while (this.pending.size > 0 && !this.isFailing);
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  /** Streams with something to be written. */
  get backlog(): number {
    return this.pending.size;
  }

  private ended(record: StreamRecord): void {
    if (!this.live.delete(record.opening.id)) return;
    record.ended(this.now());
    this.changed(record);
  }

  private changed(record: StreamRecord): void {
    this.pending.add(record);
    if (this.writing && this.pending.size > this.compactFrom) {
      this.compact();
      this.compactFrom = Math.max(this.compactFrom, 2 * this.pending.size);
    }
    this.stats.waitingSince ??= performance.now();
    this.schedule(this.pauseMs);
  }

  private schedule(delayMs: number): void {
    if (this.timer || this.writing || this.isStopped) return;
    this.timer = setTimeout(() => void this.writeSome(this.due()), delayMs).unref();
  }

  /** What need not wait: a push to ten thousand streams is written once, with the ACKs, and not in the middle of it too. */
  private *due(): Iterable<StreamRecord> {
    const since = this.clock.monotonic() - this.settings.answerMs;
    for (const record of this.pending) if (!record.isAwaitedSince(since)) yield record;
  }

  private async writeSome(records: Iterable<StreamRecord>): Promise<void> {
    while (this.writing) await this.writing;
    if (this.pending.size === 0) return;
    clearTimeout(this.timer);
    this.timer = undefined;
    const taken = this.take(records);
    const isFull = taken.size >= this.batchSize;
    this.writing = (taken.size === 0 ? Promise.resolve() : this.write(taken)).finally(() => {
      this.writing = undefined;
      if (this.pending.size > 0) this.schedule(isFull && !this.isFailing ? 0 : this.pauseMs);
    });
    await this.writing;
  }

  private get pauseMs(): number {
    return this.isFailing ? this.settings.retryMs : this.settings.flushMs;
  }

  private take(records: Iterable<StreamRecord>): Map<StreamRecord, Changes> {
    const taken = new Map<StreamRecord, Changes>();
    for (const record of records) {
      if (taken.size >= this.batchSize) break;
      this.pending.delete(record);
      taken.set(record, record.take());
    }
    return taken;
  }

  private async write(taken: ReadonlyMap<StreamRecord, Changes>): Promise<void> {
    this.underWay = taken;
    await this.writeAll(taken, this.pending.size);
    this.underWay = new Map();
  }

  private async writeAll(taken: ReadonlyMap<StreamRecord, Changes>, left: number): Promise<void> {
    const began = performance.now();
    const mustTellLive = this.isFailing || this.hasLeftOut;
    this.hasLeftOut = false;
    try {
      await this.sink.write({
        rows: (clock) => rowsOf(taken, clock),
        ...(mustTellLive ? { live: [...this.live.keys()] } : {}),
      });
    } catch (error) {
      this.hasLeftOut ||= mustTellLive;
      if (error instanceof RowRefused && taken.size === 1) {
        this.log.error({ err: error.cause }, 'what a stream did cannot be written; it is left out of the ledger');
        this.stats.refused += 1;
        if (this.backlog === 0) this.stats.waitingSince = undefined;
        return;
      }
      for (const [record, changes] of taken) {
        record.restore(changes);
        this.pending.add(record);
      }
      if (error instanceof RowRefused) {
        // Halved until the record is found that spoils the batch of all others.
        this.batchSize = Math.ceil(taken.size / 2);
        return;
      }
      this.compact();
      this.stats.failures += 1;
      if (!this.isFailing) this.log.warn({ err: error }, 'the ledger cannot be written; its newest state is kept');
      this.isFailing = true;
      return;
    }
    if (this.isFailing) this.log.log('the ledger is written again');
    this.isFailing = false;
    this.compactFrom = 2 * this.settings.maxBatch;
    this.stats.written += taken.size;
    this.stats.writes.count(performance.now() - began);
    // What came during the write is younger than its beginning.
    if (left === 0) this.stats.waitingSince = this.backlog > 0 ? began : undefined;
    this.batchSize = Math.min(this.batchSize * 2, this.settings.maxBatch);
    this.signal.emit(distinctProxies(taken.keys()));
  }

  /** Of the streams of a proxy that ended while nothing could be written only the newest is kept, or flapping proxies would fill the memory. */
  private compact(): void {
    const newest = new Map<string, StreamRecord>();
    for (const record of this.pending) {
      if (!record.isEnded) continue;
      const key = proxyKeyText(record.opening);
      const known = newest.get(key);
      const isNewest = !known || known.isOlderThan(record);
      if (isNewest) newest.set(key, record);
      const dropped = isNewest ? known : record;
      if (!dropped) continue;
      this.pending.delete(dropped);
      this.hasLeftOut = true;
      this.stats.superseded += 1;
    }
  }

  /** Monotonic milliseconds that rise with each call, so that of two events it is always known which came later. */
  private now(): number {
    this.lastTime = Math.max(this.clock.monotonic(), this.lastTime + 0.001);
    return this.lastTime;
  }
}

function rowsOf(taken: ReadonlyMap<StreamRecord, Changes>, clock: ClockReading): ReturnType<LedgerBatch['rows']> {
  const streams: StreamRow[] = [];
  const acknowledgements: AcknowledgementRow[] = [];
  const present: StreamRecord[] = [];
  for (const [record, changes] of taken) {
    if (changes.stream) streams.push(record.streamRow(clock, !changes.presence));
    for (const kind of changes.kinds) acknowledgements.push(record.acknowledgementRow(kind, clock));
    if (changes.presence) present.push(record);
  }
  return { streams, acknowledgements, presence: distinctProxies(present) };
}

function distinctProxies(records: Iterable<StreamRecord>): ProxyKey[] {
  const proxies = new Map<string, ProxyKey>();
  for (const record of records) {
    const { tenantId, proxyId } = record.opening;
    proxies.set(proxyKeyText(record.opening), { tenantId, proxyId });
  }
  return [...proxies.values()];
}
