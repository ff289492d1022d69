import { RESOURCE_TYPES, type ResourceKind, resourceType, resourceTypeOf } from '../resource-types.js';
import { CompiledSnapshot, type EncodedResource, type ResourceSet } from '../snapshots/compiled-snapshot.js';
import { framesOf } from './frame-cache.js';
import { isOpen, mayRemove, type Progress, SEND_ORDER, type Stage, stageOf } from './sequencer.js';
import type { StreamObserver, StreamSink } from './stream-observer.js';
import type { SubscriptionChange } from './subscription.js';
import { type Contents, TypeState } from './type-state.js';
import type { ErrorDetail } from './wire/discovery-request.js';

/** What a proxy without an assignment is to have: nothing, which is an answer only for one that claims nothing. */
export const NOTHING = new CompiledSnapshot('', []);

/** A response before it has a nonce. */
export interface Draft {
  readonly version: string;
  readonly contents: Contents;
  readonly isWholeSet: boolean;
  /** Numbers of resources in it, and of names that it removes. */
  readonly resources: number;
  readonly removed: number;
  /** Names the bytes but for the nonce, among all responses of the snapshot. */
  readonly key: string;
  encode(nonce: string): Buffer;
}

/** What the two variants have in common of a request. */
interface AnyRequest {
  readonly typeUrl: string;
  readonly responseNonce: string;
  readonly errorDetail: ErrorDetail | null;
}

/**
 * One xDS stream as a machine without transport: requests, the desired snapshot and writability go in, responses and events
 * come out, all synchronously. The invariants, each kept by one place in this file:
 *
 * - At most one response per type waits for its ACK; what is sent next is composed when it can be sent, from what is desired
 *   then. So a client that is slow or silent costs one pending state, the newest (`pump`; ARCHITECTURE.md, rule 5).
 * - A response is acknowledged or refused by its nonce alone, and refused exactly by the presence of `error_detail` (`settle`).
 * - Nothing is sent before there is a desired snapshot; with none, a client that claims resources is sent nothing (`target`).
 * - Content of a later stage waits for the earlier stages (`pump`, `sequencer.ts`).
 * - A parent that is sent with changed content takes its children with it, changed or not (`send`): Envoy warms it anew and
 *   waits for them (envoy-behaviour.md, "Order").
 */
export abstract class DiscoveryStream<Request extends AnyRequest> {
  private readonly types = new Map<ResourceKind, TypeState>();
  private desired: CompiledSnapshot | null | undefined;
  private isWritable = true;
  private isClosed = false;
  private isPumping = false;
  private mustPumpAgain = false;
  private isUnmanaged = false;
  private convergedOn: string | null = null;

  constructor(
    private readonly sink: StreamSink,
    private readonly observer: StreamObserver,
  ) {}

  /** Whether this variant can say of a type that a resource does not exist. */
  protected abstract tellsAbsence(kind: ResourceKind): boolean;
  /** Takes over the subscription, and a claim where it is the type's first request. */
  protected abstract subscribe(state: TypeState, request: Request, isFirst: boolean): SubscriptionChange;
  /** Whether a request that is not the type's first is to be ignored as a whole for its nonce. */
  protected abstract isStale(state: TypeState, request: Request): boolean;
  /** Called for a request that neither answers a response nor changes the subscription. */
  protected abstract repeated(state: TypeState, request: Request): void;
  /** Compares the claim of a type with what is desired, and records what the client has. */
  protected abstract resolveClaim(state: TypeState, desired: CompiledSnapshot): void;
  /** True where a claim turns out to be one of having nothing; the claim is then dropped. */
  protected abstract claimsNothing(state: TypeState): boolean;
  /** What to send now, null for nothing. Called only where nothing of the type is in flight. */
  protected abstract compose(state: TypeState, desired: CompiledSnapshot, removing: boolean): Draft | null;

  /**
   * Takes one request. A type that EFMS does not serve gets no answer and does no harm (case 31).
   * @throws MalformedMessage over the bound of names.
   */
  onRequest(request: Request): void {
    const type = resourceTypeOf(request.typeUrl);
    if (this.isClosed || !type) return;
    let state = this.types.get(type.kind);
    const isFirst = !state;
    if (state && this.isStale(state, request)) return;
    if (!state) {
      state = new TypeState(type.kind, this.tellsAbsence(type.kind));
      this.types.set(type.kind, state);
    }
    const isAnswer = this.settle(state, request);
    this.takeSubscription(state, request, { isFirst, isAnswer });
    this.pump();
  }

  /** Sets the snapshot that the client is to have; null where the proxy has no assignment. */
  serve(snapshot: CompiledSnapshot | null): void {
    if (this.isClosed) return;
    this.desired = snapshot;
    if (snapshot) for (const state of this.types.values()) state.desiredChanged(snapshot.resources(state.kind));
    this.pump();
  }

  /** Offers once more what the client refused, for a reason that may be gone (a port in use, a missing file). */
  offerAgain(): void {
    for (const state of this.types.values()) state.offerAgain();
    this.pump();
  }

  /** The sink takes responses again. */
  onWritable(): void {
    this.isWritable = true;
    this.pump();
  }

  /** Ends the machine: nothing is sent or reported after it. */
  close(): void {
    this.isClosed = true;
    this.types.clear();
  }

  /** True where all parents of a child are held as desired, so that nothing waits for the child to come again (R10, R11). */
  protected isProven(child: EncodedResource, desired: CompiledSnapshot): boolean {
    return desired.parents(child).every((parent) => this.types.get(parent.kind)?.holds(parent) ?? false);
  }

  /** Takes the request as the answer to the response that it names. True where it was one. */
  private settle(state: TypeState, request: Request): boolean {
    const response = state.inFlight;
    if (!response || request.responseNonce !== response.nonce) return false;
    const reference = { kind: state.kind, version: response.version, nonce: response.nonce };
    if (request.errorDetail) {
      state.refused(response, (this.desired ?? NOTHING).resources(state.kind));
      this.observer.nacked(reference, request.errorDetail);
    } else {
      state.acknowledged(response);
      this.observer.acked(reference);
    }
    return true;
  }

  private takeSubscription(state: TypeState, request: Request, was: { isFirst: boolean; isAnswer: boolean }): void {
    // An observer that was told of an ACK or NACK may have ended the stream.
    if (this.isClosed) return;
    const change = this.subscribe(state, request, was.isFirst);
    if (change.changed) {
      state.subscriptionChanged();
      const { wildcard, names } = state.subscription;
      this.observer.subscribed(state.kind, { wildcard, names: names.size });
    } else if (!was.isAnswer) {
      this.repeated(state, request);
    }
    for (const name of change.resend) state.resend(name);
  }

  /** Sends whatever can be sent. Safe to call from an observer, which happens when a NACK makes the host serve another snapshot. */
  private pump(): void {
    this.mustPumpAgain = true;
    if (this.isPumping) return;
    this.isPumping = true;
    try {
      while (this.mustPumpAgain) {
        this.mustPumpAgain = false;
        this.pumpOnce();
      }
    } finally {
      this.isPumping = false;
    }
  }

  private pumpOnce(): void {
    const target = this.target();
    if (target) this.sendTowards(target);
    this.reportConvergence();
  }

  private sendTowards(target: CompiledSnapshot): void {
    for (const kind of SEND_ORDER) {
      const state = this.types.get(kind);
      if (!state || state.inFlight) continue;
      // An observer that was told of the last response may have ended the stream, or changed what is desired.
      if (!this.isWritable || this.isClosed || this.mustPumpAgain) break;
      const stage = this.stage(target);
      if (!isOpen(kind, stage)) continue;
      const draft = this.compose(state, target, mayRemove(kind, stage));
      if (draft) this.send(state, draft, target);
    }
  }

  /** The snapshot to work towards, with all claims resolved against it; null where nothing may be sent. */
  private target(): CompiledSnapshot | null {
    if (this.isClosed || this.desired === undefined) return null;
    if (this.desired) {
      this.resolveClaims(this.desired);
      return this.desired;
    }
    // Without an assignment nothing is ever taken away: not what the client claims, and not what it was sent before.
    for (const state of this.types.values()) {
      const claims = state.claim !== null && !this.claimsNothing(state);
      if (!claims && !state.inFlight && state.isEmptyHanded) continue;
      if (claims && !this.isUnmanaged) {
        this.isUnmanaged = true;
        this.observer.unmanaged();
      }
      return null;
    }
    return NOTHING;
  }

  /** Roots first, because a child's claim is believed only where its parents are held. */
  private resolveClaims(desired: CompiledSnapshot): void {
    for (const isRoot of [true, false]) {
      for (const state of this.types.values()) {
        if (state.claim !== null && resourceType(state.kind).isRoot === isRoot) this.resolveClaim(state, desired);
      }
    }
  }

  private send(state: TypeState, draft: Draft, target: CompiledSnapshot): void {
    const frame = framesOf(target).frame(draft.key, state.lastSequence, (nonce) => draft.encode(nonce));
    const { version, contents, isWholeSet } = draft;
    for (const { content: parent } of contents.values()) {
      if (!parent || state.holds(parent)) continue;
      for (const child of parent.children) this.types.get(child.kind)?.resend(child.name);
    }
    const desired = target.resources(state.kind);
    state.sent({ nonce: frame.nonce, version, contents, isWholeSet, desired }, frame.sequence);
    this.isWritable = this.sink.send(frame.bytes);
    this.observer.sent({
      kind: state.kind,
      version,
      nonce: frame.nonce,
      resources: draft.resources,
      removed: draft.removed,
      bytes: frame.bytes.length,
    });
  }

  private stage(target: CompiledSnapshot): Stage {
    return stageOf([...this.types.values()].map((state) => progressOf(state, target.resources(state.kind))));
  }

  private reportConvergence(): void {
    if (this.isClosed) return;
    const hash = this.isConverged() ? (this.desired?.hash ?? null) : null;
    if (hash === this.convergedOn) return;
    this.convergedOn = hash;
    if (hash === null) this.observer.diverged();
    else this.observer.converged(hash);
  }

  /** SPEC.md §4.6: all that the client subscribes to is acknowledged, both root types among it, and nothing warms. */
  private isConverged(): boolean {
    const desired = this.desired;
    if (!desired) return false;
    for (const type of RESOURCE_TYPES) {
      const state = this.types.get(type.kind);
      if (!state) {
        if (type.isRoot) return false;
        continue;
      }
      const progress = progressOf(state, desired.resources(type.kind));
      if (!progress.isUpToDate || !progress.isTrimmed) return false;
      if (type.isRoot && !this.areWarm(state.wanted(desired.resources(type.kind)), desired)) return false;
    }
    return true;
  }

  /** Whether all children that these resources wait for are held. A child that the snapshot lacks keeps nothing waiting. */
  private areWarm(parents: Iterable<EncodedResource>, desired: CompiledSnapshot): boolean {
    for (const parent of parents) {
      for (const { kind, name } of parent.children) {
        const child = desired.resources(kind).get(name);
        if (child && !this.types.get(kind)?.holds(child)) return false;
      }
    }
    return true;
  }
}

function progressOf(state: TypeState, desired: ResourceSet): Progress {
  const { upserts, missing, removals } = state.changesTo(desired);
  return {
    kind: state.kind,
    isUpToDate: !state.inFlight && !state.mustAnswer && upserts.length === 0 && missing.length === 0,
    isTrimmed: removals.length === 0,
  };
}
