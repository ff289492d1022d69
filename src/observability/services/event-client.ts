import { type OutboxPosition, type PlacedEvent, standsBehind } from '../../common/events/outbox-tail.js';
import { allows, type Principal, visitorOf } from '../../tenancy/index.js';
import { type EventFilter, matches, permissionOf } from './event-filter.js';
import type { FeedListener } from './event-feed.js';
import type { EventFrames } from './event-frames.js';
import type { EventStream } from './event-stream.js';

/** Events that may come while the past is still being read. */
const MAX_HELD = 1000;

export interface EventClientSettings {
  readonly filter: EventFilter;
  /** What stands before it the client has been told, maybe by a replica that was further on than this one. */
  readonly after: OutboxPosition;
  readonly principal: Principal;
  readonly frames: EventFrames;
}

/** One client: shows it what matches its filter and its principal may read, the past first. */
export class EventClient implements FeedListener {
  private held: PlacedEvent[] | undefined = [];
  private principal: Principal;

  constructor(
    readonly stream: EventStream,
    private readonly settings: EventClientSettings,
  ) {
    this.principal = settings.principal;
  }

  /** From the feed. */
  event(event: PlacedEvent): void {
    if (!this.held) this.show(event);
    else if (this.held.push(event) > MAX_HELD) this.stream.finish('slow');
  }

  end(): void {
    this.stream.finish('shutdown');
  }

  show(event: PlacedEvent): void {
    const { filter, frames, after } = this.settings;
    if (!standsBehind(event, after)) return;
    if (!matches(filter, event) || !allows(this.principal.permissions, permissionOf(event.type))) return;
    this.stream.send(frames.of(event, this.stream.format));
  }

  /** The past is told: what came meanwhile follows, and from now on everything at once. */
  goLive(): void {
    const held = this.held ?? [];
    this.held = undefined;
    for (const event of held) this.show(event);
  }

  get isLive(): boolean {
    return this.held === undefined;
  }

  get tenantId(): string {
    return this.principal.tenant.id;
  }

  /** Whether the client may go on, after its credential was looked at again. */
  renew(known: Principal | undefined): void {
    const { tenant } = this.principal;
    const principal = known?.tenant.id === tenant.id ? known : known && visitorOf(known, tenant);
    if (principal) this.principal = principal;
    else this.stream.finish('credential');
  }
}
