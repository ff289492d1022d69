import type { ResourceKind } from '../resource-types.js';
import type { RefusalCode } from './ports.js';
import type { StreamObserver } from './stream-observer.js';

export type StreamVariant = 'sotw' | 'delta';

/** Why a stream was refused or ended by the server. */
export type RefusalReason = RefusalCode | 'invalid_argument' | 'resource_exhausted';

/** Why a stream was not even looked at. */
export type TurnedAway = 'full' | 'waiting' | 'loop_delay' | 'draining';

/** Why the server let go of a stream that it served, so that it comes again elsewhere; `late` where it was in the middle of something. */
export type HandedOver = 'age' | 'drain' | 'drain_late';

/** Plain counters of the xDS server since its start, for whoever publishes metrics. Written by the server only. */
export class ServerStats {
  /** Streams that are attached now. */
  readonly openStreams: Record<StreamVariant, number> = { sotw: 0, delta: 0 };
  /** Streams that were ever attached. */
  readonly attachedStreams: Record<StreamVariant, number> = { sotw: 0, delta: 0 };
  /** Streams that are taken and not served yet. */
  waitingStreams = 0;
  connections = 0;
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

  attached(variant: StreamVariant): void {
    this.openStreams[variant]++;
    this.attachedStreams[variant]++;
  }

  detached(variant: StreamVariant): void {
    this.openStreams[variant]--;
  }

  refused(reason: RefusalReason): void {
    add(this.refusals, reason);
  }

  turnAway(why: TurnedAway): void {
    add(this.turnedAway, why);
  }

  handOver(why: HandedOver): void {
    add(this.handedOver, why);
  }

  /** Counts what an observer is told, and tells it. */
  counting(observer: StreamObserver): StreamObserver {
    return {
      subscribed: (kind, subscription) => observer.subscribed(kind, subscription),
      sent: (response) => {
        add(this.responses, response.kind);
        add(this.resources, response.kind, response.resources);
        add(this.responseBytes, response.kind, response.bytes);
        observer.sent(response);
      },
      acked: (response) => {
        add(this.acks, response.kind);
        observer.acked(response);
      },
      nacked: (response, error, suspects) => {
        add(this.nacks, response.kind);
        observer.nacked(response, error, suspects);
      },
      converged: (hash) => observer.converged(hash),
      diverged: () => observer.diverged(),
      unmanaged: () => observer.unmanaged(),
      frozen: (claim) => observer.frozen(claim),
      thawed: () => observer.thawed(),
    };
  }
}

function add<Key>(counters: Map<Key, number>, key: Key, amount = 1): void {
  counters.set(key, (counters.get(key) ?? 0) + amount);
}
