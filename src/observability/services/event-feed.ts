import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Database, type Transaction } from '../../common/database/database.js';
import { problems } from '../../common/errors/problem.js';
import { type PlacedEvent, readSettled, settledEnd } from '../../common/events/outbox-tail.js';
import { addTo } from '../../common/metrics/add-to.js';
import type { DatedPosition } from './event-positions.js';

export interface FeedListener {
  event(event: PlacedEvent): void;
  /** The process ends. */
  end(): void;
}

export interface FeedSubscription {
  /** The listener gets every event of its tenant behind this place, and none before it. */
  readonly from: DatedPosition;
  unsubscribe(): void;
}

/** How long an event that is settled may wait to be told. */
const POLL_MS = 250;
const BATCH = 500;

/** Reads the outbox once per replica and hands each event to the listeners of its tenant. */
@Injectable()
export class EventFeed implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger(EventFeed.name);
  private readonly listeners = new Map<string, Set<FeedListener>>();
  private current: DatedPosition | undefined;
  private timer: NodeJS.Timeout | undefined;
  private reading: Promise<void> = Promise.resolve();
  private isStopped = false;
  private isBlind = false;
  /** When events were last read, in monotonic milliseconds. */
  private readAt = performance.now();
  /** Events of all tenants since this replica began to read, by type. */
  readonly seen = new Map<string, number>();
  /** Of those `proxy.quarantined`, by reason. */
  readonly quarantined = new Map<string, number>();

  constructor(@Inject(Database) private readonly database: Database) {}

  onApplicationBootstrap(): void {
    this.readNow();
  }

  /** The phase before the one in which the database closes. */
  async beforeApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    for (const listeners of this.listeners.values()) for (const listener of [...listeners]) listener.end();
    await this.reading;
  }

  /** Up to where everything was handed over. @throws ProblemError 503 before the first look at the database */
  get position(): DatedPosition {
    if (this.current && !this.isStopped) return this.current;
    throw problems.unavailable({ detail: 'Events cannot be followed here yet; try again shortly.', retryAfter: 1 });
  }

  /** For how many milliseconds events may have waited to be told. */
  get lag(): number {
    return Math.max(0, performance.now() - this.readAt);
  }

  /** How many listen, for one tenant or for all. */
  listening(tenantId?: string): number {
    if (tenantId !== undefined) return this.listeners.get(tenantId)?.size ?? 0;
    return [...this.listeners.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** @throws ProblemError 503 before the first look at the database */
  subscribe(tenantId: string, listener: FeedListener): FeedSubscription {
    const from = this.position;
    const listeners = this.listeners.get(tenantId) ?? new Set();
    this.listeners.set(tenantId, listeners.add(listener));
    const unsubscribe = (): void => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.listeners.get(tenantId) === listeners) this.listeners.delete(tenantId);
    };
    return { from, unsubscribe };
  }

  private readNow(): void {
    this.reading = this.read().then((count) => {
      if (this.isStopped) return;
      this.timer = setTimeout(() => this.readNow(), count === BATCH ? 0 : POLL_MS).unref();
    });
  }

  private async read(): Promise<number> {
    const began = performance.now();
    try {
      const { events, at, end } = await this.database.system((tx) => this.look(tx));
      for (const event of events) this.handOver(event);
      const last = events.at(-1);
      this.current = { ...(last ? { xid: last.xid, id: last.id } : end), at };
      this.isBlind = false;
      if (events.length < BATCH) this.readAt = began;
      return events.length;
    } catch (err) {
      if (!this.isBlind) this.log.warn({ err }, 'events cannot be read; it is tried again');
      this.isBlind = true;
      return 0;
    }
  }

  private async look(tx: Transaction): Promise<{ events: PlacedEvent[]; at: number; end: Omit<DatedPosition, 'at'> }> {
    const end = this.current ?? (await settledEnd(tx));
    const events = this.current ? await readSettled(tx, { after: end, limit: BATCH }) : [];
    const [row] = await tx.query<{ now: Date }>('select now()');
    return { events, at: row?.now.getTime() ?? 0, end: { xid: end.xid, id: end.id } };
  }

  private handOver(event: PlacedEvent): void {
    addTo(this.seen, event.type);
    if (event.type === 'proxy.quarantined') addTo(this.quarantined, String(event.payload['reason']));
    for (const listener of this.listeners.get(event.tenantId) ?? []) listener.event(event);
  }
}
