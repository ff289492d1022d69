import { Logger } from '@nestjs/common';
import type { Clock } from '../../common/clock/clock.js';
import { DatabaseClock } from '../ledger/database-clock.js';
import type { ClusterLatency, ClusterLoad, TrafficSource } from './traffic.js';
import { MINUTE_MS, type ProxyMinute, TrafficMinutes } from './traffic-minutes.js';
import type { TrafficStats } from './traffic-stats.js';

/** Where traffic is kept. */
export abstract class TrafficSink {
  /** What time it is there, in milliseconds since the epoch. */
  abstract time(): Promise<number>;
  /**
   * Writes all of it or nothing; writing the same again changes nothing.
   * @returns how many rows
   * @throws TrafficRefused where it can never be written, anything else where it may be tried again
   */
  abstract write(minutes: readonly ProxyMinute[]): Promise<number>;
}

/** The database takes the rows for wrong. */
export class TrafficRefused extends Error {
  override readonly name = 'TrafficRefused';
}

export interface TrafficWriterSettings {
  /** How often it is looked for minutes that have ended. */
  readonly everyMs?: number;
  /** Rows written at once. */
  readonly maxRows?: number;
  readonly maxBytes?: number;
}

/** How long minutes that ended may wait for the database; rollups count on it. */
const LATE_MS = 10 * MINUTE_MS;
/** Memory for what waits: ten minutes of some thousand proxies. */
const MAX_BYTES = 256 * 1024 * 1024;

/**
 * Adds up what proxies report, in memory, and writes each minute once it is over, off the way of the streams: a database that is slow
 * costs memory up to a bound, and then evidence, which is counted; never a stream.
 */
export class TrafficWriter {
  private readonly log = new Logger(TrafficWriter.name);
  private readonly settings: Required<TrafficWriterSettings>;
  private readonly minutes: TrafficMinutes;
  private readonly databaseClock = new DatabaseClock();
  /** Database's time less monotonic time. */
  private offset: number;
  /** Taken out, and not written yet. */
  private taken: ProxyMinute[] = [];
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private isFailing = false;

  constructor(
    private readonly sink: TrafficSink,
    readonly stats: TrafficStats,
    private readonly clock: Clock,
    settings: TrafficWriterSettings = {},
  ) {
    this.settings = { everyMs: 5_000, maxRows: 2_000, maxBytes: MAX_BYTES, ...settings };
    this.offset = clock.now() - clock.monotonic();
    this.minutes = new TrafficMinutes(() => this.now(), stats, this.settings.maxBytes);
  }

  /** Reads the clock of the database first: what is reported before would be of another minute. */
  async start(): Promise<void> {
    await this.readClock();
    this.schedule();
  }

  /** Writes what there is, the minute that is running too, once, and no more after that. */
  async stop(): Promise<void> {
    clearTimeout(this.timer);
    await this.running;
    clearTimeout(this.timer);
    await this.flush(Infinity);
  }

  addLoads(source: TrafficSource, loads: readonly ClusterLoad[]): void {
    this.minutes.addLoads(source, loads);
  }

  addLatencies(source: TrafficSource, latencies: readonly ClusterLatency[]): void {
    this.minutes.addLatencies(source, latencies);
  }

  /** Writes all minutes that ended before a time; now unless told. @returns when that is done, or has failed and will be tried again */
  async flush(endedBefore?: number): Promise<void> {
    try {
      await this.readClock();
      await this.writeAll(endedBefore ?? this.now());
      if (this.isFailing) this.log.log('traffic is written again');
      this.isFailing = false;
    } catch (err) {
      if (!this.isFailing) this.log.warn({ err }, 'traffic cannot be written; it is kept for a while');
      this.isFailing = true;
    }
    this.count();
  }

  private schedule(): void {
    this.timer = setTimeout(() => {
      this.running = this.flush().then(() => this.schedule());
    }, this.settings.everyMs).unref();
  }

  private now(): number {
    return this.clock.monotonic() + this.offset;
  }

  private async readClock(): Promise<void> {
    const asked = this.clock.monotonic();
    const time = await this.sink.time();
    const { database, monotonic } = this.databaseClock.read(time, asked, this.clock.monotonic());
    this.offset = database - monotonic;
  }

  private async writeAll(endedBefore: number): Promise<void> {
    for (;;) {
      if (this.taken.length === 0) this.taken = this.minutes.take(endedBefore, this.settings.maxRows);
      this.taken = this.withoutLate(this.taken);
      if (this.taken.length === 0) return;
      await this.write(this.taken);
      this.taken = [];
    }
  }

  private async write(minutes: readonly ProxyMinute[]): Promise<void> {
    try {
      this.stats.rowsWritten += await this.sink.write(minutes);
    } catch (error) {
      if (!(error instanceof TrafficRefused)) throw error;
      this.log.error({ err: error.cause }, 'traffic is refused by the database, and dropped');
      this.stats.drop('refused', rowsOf(minutes));
    }
  }

  private withoutLate(minutes: ProxyMinute[]): ProxyMinute[] {
    const oldest = this.now() - LATE_MS - MINUTE_MS;
    const kept = minutes.filter(({ startsAt }) => startsAt >= oldest);
    if (kept.length < minutes.length) this.stats.drop('late', rowsOf(minutes) - rowsOf(kept));
    return kept;
  }

  private count(): void {
    const oldest = this.taken[0]?.startsAt ?? this.minutes.oldest;
    this.stats.backlogBytes = this.minutes.bytes;
    this.stats.flushLag = oldest === undefined ? 0 : Math.max(0, this.now() - oldest - MINUTE_MS) / 1000;
  }
}

const rowsOf = (minutes: readonly ProxyMinute[]): number =>
  minutes.reduce((rows, { loads, latencies }) => rows + loads.size + latencies.size, 0);
