import { Inject, Injectable, Logger } from '@nestjs/common';
import type { RequestContext } from '../../common/context/request-context.js';
import { Database } from '../../common/database/database.js';
import { problems } from '../../common/errors/problem.js';
import { OLDEST, type OutboxPosition, readSettled } from '../../common/events/outbox-tail.js';
import type { Principal } from '../../tenancy/index.js';
import { EventClient } from './event-client.js';
import { EventFeed } from './event-feed.js';
import type { EventFormat } from './event-format.js';
import { EventFrames } from './event-frames.js';
import type { EventFilter } from './event-filter.js';
import { type DatedPosition, EventPositions } from './event-positions.js';
import { EventStats } from './event-stats.js';
import { EventStream } from './event-stream.js';
import { StreamCredentials } from './stream-credentials.js';

const HEARTBEAT_MS = 15_000;
/** Events that are read of the past at a time. */
const BATCH = 200;
/** Streams on one replica, of all tenants and of one: what waits for them is bounded so, too. */
const MAX_STREAMS = 1000;
const MAX_STREAMS_OF_TENANT = 200;
/** How old an id may be: an hour less than events are kept, so that none behind it was removed. */
const RESUMABLE_MS = 24 * 3_600_000;

/** Who asks, how that can be asked again, and where to go on. */
export interface EventRequest {
  readonly principal: Principal;
  /** Access token or API key. */
  readonly credential: string;
  readonly lastEventId?: string;
  /** What the client reads. */
  readonly format: EventFormat;
}

interface FollowOptions extends EventFilter {
  /** Where a stream without an id begins: with what happens from now on, or with the oldest event that is kept. */
  readonly begin: 'now' | 'oldest';
}

/** Streams of a tenant's events. */
@Injectable()
export class Events {
  readonly stats = new EventStats();
  private readonly log = new Logger(Events.name);

  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(EventFeed) private readonly feed: EventFeed,
    @Inject(EventPositions) private readonly positions: EventPositions,
    @Inject(EventFrames) private readonly frames: EventFrames,
    @Inject(StreamCredentials) private readonly credentials: StreamCredentials,
  ) {}

  /**
   * Follows the events that the principal may read. An id that is too old or of elsewhere is answered by a `reset` event: events may be
   * missing, so that the client has to read again what it follows, and the stream goes on from now.
   * @throws ProblemError 429 where too many streams are open, 503 before the outbox was read once
   */
  follow(ctx: RequestContext, request: EventRequest, options: FollowOptions): EventStream {
    const { principal, credential, lastEventId, format } = request;
    const { tenantId } = ctx;
    if (this.feed.listening(tenantId) >= MAX_STREAMS_OF_TENANT || this.feed.listening() >= MAX_STREAMS) {
      throw problems.tooManyRequests({
        detail: 'Too many streams are open; close some, or try later.',
        retryAfter: 10,
      });
    }
    const now = this.feed.position;
    const begin = lastEventId === undefined ? beginning(options, now) : this.resume(tenantId, lastEventId, now);
    const after = begin === 'lost' ? now : begin;
    const stream = new EventStream(format);
    this.stats.follow(stream);
    const client = new EventClient(stream, { principal, filter: options, after, frames: this.frames });
    const subscription = this.feed.subscribe(tenantId, client);
    const unwatch = this.credentials.watch(client, credential);
    const heartbeat = setInterval(() => this.heartbeat(client, tenantId), HEARTBEAT_MS).unref();
    stream.once('close', () => {
      subscription.unsubscribe();
      unwatch();
      clearInterval(heartbeat);
    });
    if (begin === 'lost') sendReset(stream, this.positions.idOf(tenantId, now));
    else if (lastEventId === undefined) stream.heartbeat(this.positions.idOf(tenantId, begin));
    void this.catchUp(client, { tenantId, ...options, after, until: subscription.from });
    return stream;
  }

  private resume(tenantId: string, lastEventId: string, now: DatedPosition): DatedPosition | 'lost' {
    const last = this.positions.read(tenantId, lastEventId);
    return last && now.at - last.at < RESUMABLE_MS ? last : 'lost';
  }

  /** Reads the past as fast as the client takes it, then lets the present through. */
  private async catchUp(
    client: EventClient,
    slice: { tenantId: string; subjectId?: string; after: OutboxPosition; until: OutboxPosition },
  ): Promise<void> {
    const { stream } = client;
    const { tenantId, subjectId, until } = slice;
    try {
      for (let { after } = slice; ;) {
        const narrow = { tenantId, ...(subjectId === undefined ? {} : { subjectId }) };
        const events = await this.database.system((tx) => readSettled(tx, { ...narrow, after, until, limit: BATCH }));
        for (const event of events) {
          await stream.room();
          client.show(event);
        }
        if (stream.isOver) return;
        const last = events.at(-1);
        if (!last || events.length < BATCH) break;
        after = last;
      }
      client.goLive();
    } catch (err) {
      this.log.warn({ err }, 'past events could not be read');
      // Without an end: the client connects again by itself.
      stream.destroy();
    }
  }

  private heartbeat(client: EventClient, tenantId: string): void {
    client.stream.heartbeat(client.isLive ? this.positions.idOf(tenantId, this.feed.position) : undefined);
  }
}

const beginning = ({ begin }: FollowOptions, now: DatedPosition): DatedPosition =>
  begin === 'now' ? now : { ...OLDEST, at: now.at };

function sendReset(stream: EventStream, id: string): void {
  const detail = 'Events may be missing: read again what you follow.';
  stream.send(stream.format.frame({ id, event: 'reset', data: { detail } }));
}
