import { setImmediate as nextTick } from 'node:timers/promises';
import { type ServerDuplexStream, status } from '@grpc/grpc-js';
import { Logger } from '@nestjs/common';
import { newId } from '../../common/context/ids.js';
import { resourceType } from '../resource-types.js';
import type { CompiledSnapshot } from '../snapshots/compiled-snapshot.js';
import { DeltaStream } from './delta-stream.js';
import type { DiscoveryMethod } from './discovery-services.js';
import type { ClaimHistory } from './claim-history.js';
import { proofOf } from './peer-proof.js';
import {
  type AttachedStream,
  type ProxyIdentity,
  type RefusalCode,
  type ServedStream,
  type StreamAuthenticator,
  type StreamHost,
  StreamRefusal,
} from './ports.js';
import type { ProxyShare, ProxyStreams, WeighedStream } from './proxy-streams.js';
import type { HandedOver, RefusalReason, ServerStats } from './server-stats.js';
import { SotwStream } from './sotw-stream.js';
import type { StreamObserver } from './stream-observer.js';
import { type DeltaRequest, readDeltaRequest, readSotwRequest, type SotwRequest } from './wire/discovery-request.js';
import { type NodeClaim, readNode, readNodeId } from './wire/node.js';
import { MalformedMessage } from './wire/protobuf.js';

export type DiscoveryCall = ServerDuplexStream<Buffer, Buffer>;

/** What all streams of a server share. */
export interface StreamContext {
  readonly authenticator: StreamAuthenticator;
  readonly host: StreamHost;
  readonly stats: ServerStats;
  readonly proxies: ProxyStreams;
}

/** Who keeps the streams. */
export interface StreamOwner {
  /** Called when the stream is told what its client is to have, also again. */
  served(stream: GrpcStream): void;
  over(stream: GrpcStream): void;
}

export const STATUS: Record<RefusalReason, status> = {
  unauthenticated: status.UNAUTHENTICATED,
  permission_denied: status.PERMISSION_DENIED,
  unavailable: status.UNAVAILABLE,
  invalid_argument: status.INVALID_ARGUMENT,
  resource_exhausted: status.RESOURCE_EXHAUSTED,
};

/** Frames given to the transport and not yet written out: one in the socket's hands and one behind it. */
const MAX_UNWRITTEN_FRAMES = 2;

const logger = new Logger('xds');

/** How long an authenticated peer may hold a stream open without saying who it is. */
export const FIRST_REQUEST_MS = 30_000;

/** A stream with nothing on the way that did not converge may wait for a last word of its client; after so long there is none. */
const QUIET_MS = 1_000;

/** A machine and the reader of its requests, whatever the variant. */
interface Machine {
  readonly stream: SotwStream | DeltaStream;
  readonly receive: (bytes: Buffer) => void;
}

/**
 * One gRPC call as an xDS stream. Its life: authenticated by metadata and connection alone, with nothing read; then a first request whose
 * node is the credential's; then attached to the host; and at the end, whichever way it ends, detached exactly once. Whatever is
 * thrown inside ends this stream and no other.
 */
export class GrpcStream implements WeighedStream {
  /** The peer's address and port. */
  readonly peer: string;
  private machine: Machine | null = null;
  private attached: AttachedStream | null = null;
  /** What the host set while it was being told of the stream, before there is a machine. */
  private early: { readonly snapshot: CompiledSnapshot | null; readonly history: ClaimHistory | undefined } | undefined;
  private firstRequestTimer: NodeJS.Timeout | undefined;
  private unwritten = 0;
  private unwrittenBytes = 0;
  /** Set once it counts against its proxy. */
  private share: ProxyShare | null = null;
  private isOver = false;
  readonly openedAt = performance.now();
  private heardAt = this.openedAt;
  /** Where between the least and the most time its end by age comes; from 0 to 1. */
  readonly chance = Math.random();

  constructor(
    private readonly call: DiscoveryCall,
    private readonly method: DiscoveryMethod,
    private readonly context: StreamContext,
    private readonly owner: StreamOwner,
  ) {
    this.peer = call.getPeer();
    for (const event of ['cancelled', 'close', 'error'] as const) call.on(event, () => this.finish());
  }

  /** Authenticates and then starts to read. Never rejects. */
  async open(): Promise<void> {
    // Whoever counts streams could not be told of its end before it knew of the stream.
    if (this.call.cancelled) this.finish();
    // Who opens calls by the thousand to cancel them (rapid reset) says so right behind; nobody is asked who that was.
    await nextTick();
    if (this.hasEnded()) return;
    try {
      const identity = await this.context.authenticator.authenticate(proofOf(this.call), this.peer);
      if (this.isOver) return;
      this.share = this.context.proxies.enter(identity, this);
      this.call.on('end', () => this.hangUp());
      this.firstRequestTimer = setTimeout(
        () => this.end('invalid_argument', 'no request came after the stream was opened'),
        FIRST_REQUEST_MS,
      );
      // From here on the call delivers; before, what the peer sent waited in the transport's window.
      this.call.on('data', (bytes: Buffer) => this.guarded(() => this.receive(bytes, identity)));
    } catch (error) {
      this.fail(error);
    }
  }

  get weight(): number {
    return this.unwrittenBytes + (this.machine?.stream.weight ?? 0);
  }

  /**
   * Whether nothing is under way that would be cut short: no response without its answer, no answer that other replicas do not know of,
   * and no children that parents wait for, unless they do not come.
   * @param now of the monotonic clock
   */
  isAtRest(now: number): boolean {
    if (!this.machine) return true;
    if (this.machine.stream.awaitsAnswer || this.attached?.isRecorded === false) return false;
    return this.machine.stream.hasConverged || now - this.heardAt > QUIET_MS;
  }

  /** Has the client go to another replica. */
  handOver(why: HandedOver, details: string): void {
    if (this.isOver) return;
    this.context.stats.handOver(why);
    this.terminate(STATUS.unavailable, details);
  }

  /** Ends the stream with a status. */
  end(reason: RefusalReason, details: string): void {
    if (this.isOver) return;
    this.context.stats.refused(reason);
    this.terminate(STATUS[reason], details);
  }

  private receive(bytes: Buffer, identity: ProxyIdentity): void {
    if (this.isOver) return;
    clearTimeout(this.firstRequestTimer);
    this.firstRequestTimer = undefined;
    this.heardAt = performance.now();
    this.machine ??= this.attach(bytes, identity);
    this.machine?.receive(bytes);
    if (!this.hasEnded()) this.share?.weigh(this);
  }

  /** Compares the node of the first request with the credential. Null where the stream ended over it. */
  private attach(bytes: Buffer, identity: ProxyIdentity): Machine | null {
    const request = this.method.variant === 'sotw' ? readSotwRequest(bytes) : readDeltaRequest(bytes);
    if (!request.node) throw new MalformedMessage('the first request of a stream must carry a node');
    const node = readNode(request.node);
    if (!this.isNodeOf(identity, node.id)) return null;
    this.attached = this.context.host.attach(this.servedStream(identity, node, claimsNothing(request, this.method)));
    this.context.stats.attached(this.method);
    if (this.hasEnded()) {
      this.detach();
      return null;
    }
    const machine = this.machineFor(identity, this.context.stats.counting(this.attached));
    if (this.early) machine.stream.serve(this.early.snapshot, this.early.history);
    this.early = undefined;
    return machine;
  }

  /** Compares a claimed node id with that of the credential, and ends the stream where they differ. */
  private isNodeOf(identity: ProxyIdentity, nodeId: string): boolean {
    if (nodeId === identity.nodeId) return true;
    const reason = 'the node id is not that of the credential';
    this.context.authenticator.refused(identity, reason, this.peer);
    this.end('permission_denied', reason);
    return false;
  }

  private servedStream(identity: ProxyIdentity, node: NodeClaim, isWithoutClaim: boolean): ServedStream {
    return {
      id: newId(),
      identity,
      variant: this.method.variant,
      peer: this.peer,
      node,
      claimsNothing: isWithoutClaim,
      serve: (snapshot, history) => {
        if (this.isOver) return;
        this.owner.served(this);
        if (this.machine) this.guarded(() => this.machine?.stream.serve(snapshot, history));
        else this.early = { snapshot, history };
      },
      acceptClaims: () => {
        if (!this.isOver) this.guarded(() => this.machine?.stream.acceptClaims());
      },
      offerAgain: () => {
        if (!this.isOver) this.guarded(() => this.machine?.stream.offerAgain());
      },
      end: (code: RefusalCode, details: string) => this.end(code, details),
    };
  }

  private machineFor(identity: ProxyIdentity, observer: StreamObserver): Machine {
    const sink = { send: (frame: Buffer): boolean => this.write(frame) };
    /** Envoys repeat their node with every request unless told not to; it must stay the one of the first. */
    const isSameNode = ({ node }: { readonly node: Buffer | null }): boolean =>
      !node || this.isNodeOf(identity, readNodeId(node));
    if (this.method.variant === 'sotw') {
      const stream = new SotwStream(sink, observer);
      const receive = (bytes: Buffer): void => {
        const request = typed(readSotwRequest(bytes), this.method);
        if (isSameNode(request)) stream.onRequest(request);
      };
      return { stream, receive };
    }
    const stream = new DeltaStream(sink, observer);
    const receive = (bytes: Buffer): void => {
      const request = typed(readDeltaRequest(bytes), this.method);
      if (isSameNode(request)) stream.onRequest(request);
    };
    return { stream, receive };
  }

  private write(frame: Buffer): boolean {
    if (++this.unwritten === MAX_UNWRITTEN_FRAMES) this.context.stats.slowReaders++;
    this.unwrittenBytes += frame.length;
    this.share?.weigh(this);
    this.call.write(frame, () => {
      this.unwrittenBytes -= frame.length;
      const wasFull = this.unwritten-- === MAX_UNWRITTEN_FRAMES;
      if (!wasFull || this.isOver) return;
      this.context.stats.slowReaders--;
      this.guarded(() => this.machine?.stream.onWritable());
    });
    return this.unwritten < MAX_UNWRITTEN_FRAMES;
  }

  private guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.fail(error);
    }
  }

  private fail(error: unknown): void {
    if (this.isOver) return;
    if (error instanceof StreamRefusal) this.end(error.code, error.reason);
    else if (error instanceof MalformedMessage) this.end('invalid_argument', error.message);
    else {
      logger.error(error);
      this.terminate(status.INTERNAL, 'internal error');
    }
  }

  /** The client will send no more: it is done. */
  private hangUp(): void {
    if (this.isOver) return;
    this.finish();
    this.call.end();
  }

  private terminate(code: status, details: string): void {
    this.finish();
    // grpc-js sends the status of an 'error' event once what is written has gone out.
    this.call.emit('error', { code, details });
  }

  /** What is called here, and the host from inside `attach`, may end the stream behind the back of the type checker. */
  private hasEnded(): boolean {
    return this.isOver;
  }

  private finish(): void {
    if (this.isOver) return;
    this.isOver = true;
    if (this.unwritten >= MAX_UNWRITTEN_FRAMES) this.context.stats.slowReaders--;
    clearTimeout(this.firstRequestTimer);
    this.machine?.stream.close();
    this.machine = null;
    if (this.attached) this.detach();
    this.share?.leave(this);
    this.owner.over(this);
  }

  private detach(): void {
    const attached = this.attached;
    this.attached = null;
    this.context.stats.detached(this.method);
    try {
      attached?.detached();
    } catch (error) {
      logger.error(error);
    }
  }
}

/**
 * Of a first request: whether it says that its client has nothing from before (envoy-behaviour.md, "Connecting and reconnecting"). One on a
 * service of one type says nothing of its client as a whole, which may open several.
 */
function claimsNothing(request: SotwRequest | DeltaRequest, { kind }: DiscoveryMethod): boolean {
  if (kind !== null) return false;
  return 'versionInfo' in request ? request.versionInfo === '' : request.initialResourceVersions.size === 0;
}

/** On ADS every request says its type (case 2); a service of one type implies it, and takes no other. */
function typed<Request extends { readonly typeUrl: string }>(request: Request, { kind }: DiscoveryMethod): Request {
  const { typeUrl } = request;
  if (kind === null) {
    if (typeUrl === '') throw new MalformedMessage('a request on ADS must carry a type_url');
    return request;
  }
  const own = resourceType(kind).typeUrl;
  if (typeUrl !== '' && typeUrl !== own) throw new MalformedMessage(`this service serves ${own} only; use ADS`);
  return typeUrl === own ? request : { ...request, typeUrl: own };
}
