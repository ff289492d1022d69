import type { CompiledSnapshot } from '../snapshots/compiled-snapshot.js';
import type { ClaimHistory } from './claim-history.js';
import type { StreamObserver } from './stream-observer.js';
import type { NodeClaim } from './wire/node.js';

/** Whom a credential stands for. The tenant comes from here and from nowhere else. */
export interface ProxyIdentity {
  readonly tenantId: string;
  readonly proxyId: string;
  /** The `node.id` that the proxy has to claim. */
  readonly nodeId: string;
  readonly credentialId: string;
  readonly credentialEpoch: number;
}

export type RefusalCode = 'unauthenticated' | 'permission_denied' | 'unavailable';

/** Thrown by a {@link StreamAuthenticator}: ends the stream with the status of that name. The reason is shown to the peer. */
export class StreamRefusal extends Error {
  override readonly name = 'StreamRefusal';

  constructor(
    readonly code: RefusalCode,
    readonly reason: string,
  ) {
    super(reason);
  }
}

/** What a peer proves itself with. Where there is a token it alone decides. */
export interface PeerProof {
  /** The bearer token of the stream's metadata. */
  readonly token: string | undefined;
  /** DER of the client certificate of the connection, whose key the peer has. */
  certificate(): Buffer | undefined;
}

/** Decides who may open a stream, before anything that the peer sends is parsed. */
export abstract class StreamAuthenticator {
  /**
   * @param peer the peer's address, for the audit
   * @throws StreamRefusal
   */
  abstract authenticate(proof: PeerProof, peer: string): Promise<ProxyIdentity>;

  /** Told of a refusal that the stream itself decided, such as a node id that is not the credential's. */
  abstract refused(identity: ProxyIdentity, reason: string, peer: string): void;
}

/** An authenticated stream as its host sees it. */
export interface ServedStream {
  /** A UUIDv7, new for every stream, so that ids are in the order of attaching. */
  readonly id: string;
  readonly identity: ProxyIdentity;
  readonly variant: 'sotw' | 'delta';
  /** The peer's address and port. */
  readonly peer: string;
  readonly node: NodeClaim;
  /** True where the first request of an ADS stream claims nothing from before: that of a new process, or of one that never acknowledged anything. */
  readonly claimsNothing: boolean;
  /** Sets what the proxy is to have; null where it has no assignment. Before the first call nothing is answered. */
  serve(snapshot: CompiledSnapshot | null, history?: ClaimHistory): void;
  /** Lets a stream go on that is frozen by what its client claims. */
  acceptClaims(): void;
  /** Offers once more what the proxy refused of the snapshot that it is served. */
  offerAgain(): void;
  /** Ends the stream with a status. The observer's `detached()` follows. */
  end(code: RefusalCode, details: string): void;
}

/** What a host is told of one stream. `detached()` comes exactly once and last. */
export interface AttachedStream extends StreamObserver {
  /** Whether all that it was told is where other replicas read it, so that the proxy can go to one of them and is sent nothing again. */
  readonly isRecorded: boolean;
  detached(): void;
}

/** Knows what each proxy is to have. */
export abstract class StreamHost {
  /**
   * Takes over a stream that is authenticated and whose node is known. It may call `stream.serve()` at once or later, and
   * again whenever the snapshot changes, until `detached()`.
   */
  abstract attach(stream: ServedStream): AttachedStream;
}
