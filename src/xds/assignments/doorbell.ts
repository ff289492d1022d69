import { Logger } from '@nestjs/common';
import pg from 'pg';
import type { Database } from '../../common/database/database.js';

const CHANNEL = 'efms_heads';

export interface DoorbellSettings {
  /** Credentials of `efms_system` for a connection of its own; absent where no other replica can ring. */
  readonly listenUrl?: string;
  /** The shortest time between two notifications that this replica sends. */
  readonly minIntervalMs?: number;
  /** The first wait before connecting again; doubled with each failure up to `maxRetryMs`, and jittered. */
  readonly retryMs?: number;
  readonly maxRetryMs?: number;
}

/** Plain counters, for whoever publishes metrics. */
class DoorbellStats {
  /** Notifications that this replica sent. */
  rung = 0;
  /** Those that it could not send. */
  lost = 0;
  /** Notifications that it received, its own too. */
  heard = 0;
  /** Whether notifications are received; undefined where nobody else can send any. */
  isListening: boolean | undefined;
}

/**
 * "Look at the heads now", to every replica. It says nothing of what changed, and it may get lost: whoever is woken reads the
 * heads, and reads them at an interval anyway (ARCHITECTURE.md, rules 1 and 2). A notification is sent in a transaction of its own
 * after the one that it tells of, because NOTIFY makes all commits of a cluster wait for each other, and at most ten times a second.
 */
export class Doorbell {
  private readonly log = new Logger(Doorbell.name);
  readonly stats = new DoorbellStats();
  private readonly listeners = new Set<() => void>();
  private readonly settings: Required<Omit<DoorbellSettings, 'listenUrl'>>;
  private readonly listenUrl: string | undefined;
  private sending: NodeJS.Timeout | undefined;
  private sentAt = -Infinity;
  private client: pg.Client | undefined;
  private retry: NodeJS.Timeout | undefined;
  private failures = 0;
  private isStarted = false;

  constructor(
    private readonly database: Pick<Database, 'system'>,
    { listenUrl, ...settings }: DoorbellSettings = {},
  ) {
    this.listenUrl = listenUrl;
    this.settings = { minIntervalMs: 100, retryMs: 100, maxRetryMs: 10_000, ...settings };
  }

  /** Starts to listen to other replicas, in the background. */
  start(): void {
    if (this.isStarted) return;
    this.isStarted = true;
    void this.connect();
  }

  /** Neither rings nor listens from here on. */
  async stop(): Promise<void> {
    this.isStarted = false;
    clearTimeout(this.sending);
    this.sending = undefined;
    clearTimeout(this.retry);
    const { client } = this;
    this.client = undefined;
    await client?.end().catch(() => undefined);
  }

  /** Calls `listener` whenever any replica rings, this one included. @returns what stops that */
  onRing(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Wakes this replica at once and the others soon. Call it after commit only. */
  ring(): void {
    this.wake();
    if (!this.isStarted || this.sending) return;
    const wait = Math.max(0, this.sentAt + this.settings.minIntervalMs - performance.now());
    this.sending = setTimeout(() => void this.notify(), wait).unref();
  }

  private wake(): void {
    for (const listener of this.listeners) listener();
  }

  private async notify(): Promise<void> {
    this.sending = undefined;
    this.sentAt = performance.now();
    try {
      await this.database.system((tx) => tx.query(`notify ${CHANNEL}`));
      this.stats.rung += 1;
    } catch (error) {
      this.stats.lost += 1;
      this.log.debug({ err: error }, 'a doorbell was lost');
    }
  }

  private async connect(): Promise<void> {
    if (!this.isStarted || this.listenUrl === undefined) return;
    this.stats.isListening ??= false;
    const client = new pg.Client({
      connectionString: this.listenUrl,
      application_name: 'efms doorbell',
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
    });
    this.client = client;
    client.on('notification', () => {
      this.stats.heard += 1;
      this.wake();
    });
    client.on('error', (error) => this.lost(client, error));
    client.on('end', () => this.lost(client, new Error('the connection ended')));
    try {
      await client.connect();
      await client.query(`listen ${CHANNEL}`);
    } catch (error) {
      this.lost(client, error);
      return;
    }
    this.failures = 0;
    this.stats.isListening = true;
    // Whatever was rung while nobody listened.
    this.wake();
  }

  private lost(client: pg.Client, error: unknown): void {
    if (client !== this.client) return;
    this.client = undefined;
    this.stats.isListening = false;
    client.end().catch(() => undefined);
    if (this.failures === 0) this.log.warn({ err: error }, 'the doorbell is not heard until the database is back');
    const wait = Math.min(this.settings.maxRetryMs, this.settings.retryMs * 2 ** Math.min(this.failures, 16));
    this.failures += 1;
    this.retry = setTimeout(() => void this.connect(), wait * (0.5 + Math.random() / 2)).unref();
  }
}
