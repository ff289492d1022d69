import type { ResourceKind } from '../resource-types.js';
import type { ErrorDetail } from './wire/discovery-request.js';

/** Where a stream writes its responses. */
export interface StreamSink {
  /** Takes one encoded response. False: taken, but no more until the stream's `onWritable()` is called. */
  send(frame: Buffer): boolean;
}

/** A response as the ledger knows it. */
export interface ResponseReference {
  readonly kind: ResourceKind;
  /** State of the world: hash of the names and content sent. Incremental: the hash of the desired snapshot. */
  readonly version: string;
  readonly nonce: string;
  /** Hash of the snapshot that the response was a step towards; empty for a proxy without an assignment. */
  readonly snapshot: string;
}

export interface SentResponse extends ResponseReference {
  /** Resources in the response. */
  readonly resources: number;
  /** Names that an incremental response removes. */
  readonly removed: number;
  readonly bytes: number;
}

/**
 * What happens on a stream, in order. Called synchronously from inside the stream: an observer may call `serve()` in return,
 * and must not throw or block.
 */
export interface StreamObserver {
  subscribed(kind: ResourceKind, subscription: { readonly wildcard: boolean; readonly names: number }): void;
  sent(response: SentResponse): void;
  acked(response: ResponseReference): void;
  /**
   * Also told of a response that was refused before, once for each other snapshot that is desired while it stands: what that has of the
   * type is the same, and is not offered again.
   *
   * The message is the peer's own words: hostile, and it may carry secrets.
   * @param suspects names of the response that stand in the message
   */
  nacked(response: ResponseReference, error: ErrorDetail, suspects: readonly string[]): void;
  /** The client has proven to have all that it is to have of a type from before, so that nothing of it is sent. */
  unchanged?(kind: ResourceKind): void;
  /** The client has acknowledged, or proven to have, all it wants of this snapshot, and nothing is on the way or warming. */
  converged(snapshotHash: string): void;
  /** The stream was converged and no longer is. */
  diverged(): void;
  /** The client claims resources while it has no assignment: it is sent nothing, so that it keeps what it has. */
  unmanaged(): void;
  /**
   * The client claims content of a root type that is of no snapshot it may have been sent. Nothing is sent on the stream until
   * `acceptClaims()` is called, or something is to be served that explains it.
   */
  frozen(claim: ForeignClaim): void;
  /** What is to be served now explains what froze the stream; it goes on. */
  thawed(): void;
}

/** What a client claims to have that is not of any snapshot that its stream knows of. */
export interface ForeignClaim {
  readonly kind: ResourceKind;
  /** State of the world: the one version of the whole. Incremental: those versions of single resources that are not known. */
  readonly versions: readonly string[];
}
