import { addTo } from '../../common/metrics/add-to.js';
import type { ResourceKind } from '../resource-types.js';
import type { RefusalCode } from './ports.js';
import type { StreamObserver } from './stream-observer.js';

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
    return {
      subscribed: (kind, subscription) => observer.subscribed(kind, subscription),
      sent: (response) => {
        addTo(this.responses, response.kind);
        addTo(this.resources, response.kind, response.resources);
        addTo(this.responseBytes, response.kind, response.bytes);
        observer.sent(response);
      },
      acked: (response) => {
        addTo(this.acks, response.kind);
        observer.acked(response);
      },
      nacked: (response, error, suspects) => {
        addTo(this.nacks, response.kind);
        observer.nacked(response, error, suspects);
      },
      unchanged: (kind) => {
        addTo(this.unchanged, kind);
        observer.unchanged?.(kind);
      },
      converged: (hash) => observer.converged(hash),
      diverged: () => observer.diverged(),
      unmanaged: () => observer.unmanaged(),
      frozen: (claim) => observer.frozen(claim),
      thawed: () => observer.thawed(),
    };
  }
}
