import { addTo } from '../../common/metrics/add-to.js';
import type { ResourceKind } from '../resource-types.js';
import type { RefusalCode } from './ports.js';
import type { ForeignClaim, ResponseReference, SentResponse, StreamObserver } from './stream-observer.js';

export type StreamVariant = 'sotw' | 'delta';

/** What a stream is of: one type, or all. */
type StreamKind = ResourceKind | 'all';

interface Opened {
  readonly variant: StreamVariant;
  /** Null for all. */
  readonly kind: ResourceKind | null;
}

/** Why a stream was refused or ended by the server. */
export type RefusalReason = RefusalCode | 'invalid_argument' | 'resource_exhausted';

/** Why a stream was not even looked at. */
export const TURNED_AWAY = ['full', 'waiting', 'loop_delay', 'draining'] as const;
export type TurnedAway = (typeof TURNED_AWAY)[number];

/** Why the server let go of a stream that it served, so that it comes again elsewhere; `late` where it was in the middle of something. */
export const HANDED_OVER = ['age', 'drain', 'drain_late'] as const;
export type HandedOver = (typeof HANDED_OVER)[number];

/** Plain counters of the xDS server since its start, for whoever publishes metrics. Written by the server only. */
export class ServerStats {
  /** Streams that are attached now. */
  readonly openStreams: Record<StreamVariant, number> = { sotw: 0, delta: 0 };
  /** The same, by what they are of. */
  readonly openStreamsOf: Record<StreamVariant, Map<StreamKind, number>> = { sotw: new Map(), delta: new Map() };
  /** Streams that were ever attached. */
  readonly attachedStreams: Record<StreamVariant, number> = { sotw: 0, delta: 0 };
  /** Streams whose clients read more slowly than there is to write: nothing is composed for them until they have read. */
  slowReaders = 0;
  /** Types of which a client came back with all that it is to have, so that nothing was sent. */
  readonly unchanged = new Map<ResourceKind, number>();
  /** Streams that are taken and not served yet. */
  waitingStreams = 0;
  /** Connections that were closed at once because there were too many. */
  refusedConnections = 0;
  readonly turnedAway = new Map<TurnedAway, number>();
  readonly handedOver = new Map<HandedOver, number>();
  readonly refusals = new Map<RefusalReason, number>();
  readonly responses = new Map<ResourceKind, number>();
  readonly resources = new Map<ResourceKind, number>();
  readonly responseBytes = new Map<ResourceKind, number>();
  readonly acks = new Map<ResourceKind, number>();
  readonly nacks = new Map<ResourceKind, number>();

  attached({ variant, kind }: Opened): void {
    this.openStreams[variant]++;
    this.attachedStreams[variant]++;
    addTo(this.openStreamsOf[variant], kind ?? 'all');
  }

  detached({ variant, kind }: Opened): void {
    this.openStreams[variant]--;
    addTo(this.openStreamsOf[variant], kind ?? 'all', -1);
  }

  refused(reason: RefusalReason): void {
    addTo(this.refusals, reason);
  }

  turnAway(why: TurnedAway): void {
    addTo(this.turnedAway, why);
  }

  handOver(why: HandedOver): void {
    addTo(this.handedOver, why);
  }

  /** Counts what an observer is told, and tells it. */
  counting(observer: StreamObserver): StreamObserver {
    return new CountingObserver(this, observer);
  }
}

/** A class, for each of ten thousand streams has one. */
class CountingObserver implements StreamObserver {
  constructor(
    private readonly stats: ServerStats,
    private readonly observer: StreamObserver,
  ) {}

  subscribed(...[kind, subscription]: Parameters<StreamObserver['subscribed']>): void {
    this.observer.subscribed(kind, subscription);
  }

  sent(response: SentResponse): void {
    addTo(this.stats.responses, response.kind);
    addTo(this.stats.resources, response.kind, response.resources);
    addTo(this.stats.responseBytes, response.kind, response.bytes);
    this.observer.sent(response);
  }

  acked(response: ResponseReference): void {
    addTo(this.stats.acks, response.kind);
    this.observer.acked(response);
  }

  nacked(...[response, error, suspects]: Parameters<StreamObserver['nacked']>): void {
    addTo(this.stats.nacks, response.kind);
    this.observer.nacked(response, error, suspects);
  }

  unchanged(kind: ResourceKind): void {
    addTo(this.stats.unchanged, kind);
    this.observer.unchanged?.(kind);
  }

  converged(hash: string): void {
    this.observer.converged(hash);
  }

  diverged(): void {
    this.observer.diverged();
  }

  unmanaged(): void {
    this.observer.unmanaged();
  }

  frozen(claim: ForeignClaim): void {
    this.observer.frozen(claim);
  }

  thawed(): void {
    this.observer.thawed();
  }
}
