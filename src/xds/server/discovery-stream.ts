import { RESOURCE_TYPES, type ResourceKind, resourceType, resourceTypeOf } from '../resource-types.js';
import { CompiledSnapshot, type EncodedResource, type ResourceSet } from '../snapshots/compiled-snapshot.js';
import { type ClaimHistory, type Doubts, KnownPast, NO_HISTORY } from './claim-history.js';
import { framesOf } from './frame-cache.js';
import { isOpen, mayRemove, type Progress, SEND_ORDER, type Stage, stageOf } from './sequencer.js';
import type { ForeignClaim, StreamObserver, StreamSink } from './stream-observer.js';
import type { SubscriptionChange } from './subscription.js';
import { suspectsIn } from './suspects.js';
import type { Contents } from './holdings.js';
import { rememberedByPair } from './remembered.js';
import { type InFlight, TypeState } from './type-state.js';
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
  /** Those of its resources that the client may not have as they are in it. */
  readonly changed: readonly EncodedResource[];
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
 * - Nothing is sent before there is a desired snapshot; with none, a client that claims resources is sent nothing, and neither is one
 *   that claims what nobody here knows (`target`).
 * - Content of a later stage waits for the earlier stages (`pump`, `sequencer.ts`).
 * - A parent that is sent with changed content takes its children with it, changed or not (`send`): Envoy warms it anew and
 *   waits for them (envoy-behaviour.md, "Order").
 */
export abstract class DiscoveryStream<Request extends AnyRequest> {
  private readonly types = new Map<ResourceKind, TypeState>();
  /** Children whose parents were sent here with changed content: whatever is claimed of them is from before, and waited for again. */
  private readonly renewed = new Map<ResourceKind, ReadonlySet<string>>();
  private desired: CompiledSnapshot | null | undefined;
  private isWritable = true;
  private isClosed = false;
  private isPumping = false;
  private mustPumpAgain = false;
  private history = NO_HISTORY;
  private readonly past = new KnownPast();
  private isUnmanaged = false;
  private isFrozen = false;
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
  protected abstract resolveClaim(state: TypeState, desired: CompiledSnapshot, history: ClaimHistory): void;
  /** The versions of a root type's claim that none of the snapshots explains; the list of them is the same object for many streams. */
  protected abstract foreignVersions(state: TypeState, known: readonly CompiledSnapshot[]): readonly string[];
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

  /**
   * Sets the snapshot that the client is to have; null where the proxy has no assignment.
   * @param history what claims that are still to come, or to be compared, are held against; and, where it has snapshots that the stream
   *   did not know of, what was acknowledged on it
   */
  serve(snapshot: CompiledSnapshot | null, history: ClaimHistory = NO_HISTORY): void {
    if (this.isClosed) return;
    const news = this.past.take(snapshot, history);
    // The claims of a new stream are still to be compared.
    if (this.desired !== undefined) this.doubt(news);
    this.desired = snapshot;
    this.history = history;
    if (snapshot) {
      for (const state of this.types.values()) state.desiredChanged(snapshot.resources(state.kind));
      this.reportStanding(snapshot);
      if (this.isFrozen) this.thaw(snapshot);
    }
    this.pump();
  }

  /** Offers once more what the client refused, for a reason that may be gone (a port in use, a missing file). */
  offerAgain(): void {
    for (const state of this.types.values()) state.offerAgain();
    this.pump();
  }

  /** Somebody's word that the client may be given what is desired, whatever it claims to have. */
  acceptClaims(): void {
    this.history = { ...this.history, known: null };
    this.isFrozen = false;
    this.pump();
  }

  /** The sink takes responses again. */
  onWritable(): void {
    this.isWritable = true;
    this.pump();
  }

  /** Whether a response is on the way that the client has not answered. */
  get awaitsAnswer(): boolean {
    for (const { inFlight } of this.types.values()) if (inFlight) return true;
    return false;
  }

  /** Whether the client has acknowledged, or proven to have, all it wants of what is desired, and nothing is warming. */
  get hasConverged(): boolean {
    return this.convergedOn !== null;
  }

  /** About how many bytes it remembers for its client alone. */
  get weight(): number {
    let weight = 0;
    for (const state of this.types.values()) weight += state.weight;
    return weight;
  }

  /** Ends the machine: nothing is sent or reported after it. */
  close(): void {
    this.isClosed = true;
    this.types.clear();
  }

  /** True where the parents of a child are held as desired, so that nothing waits for the child to come again (R10, R11). */
  protected isProven(child: EncodedResource, desired: CompiledSnapshot): boolean {
    if (this.renewed.get(child.kind)?.has(child.name)) return false;
    if (!mayBeProven(child, desired)) return false;
    return desired.parents(child).every((parent) => this.types.get(parent.kind)?.holds(parent) ?? false);
  }

  /** True where all children of a kind are proven for which that is possible. */
  protected areProven(kind: ResourceKind, desired: CompiledSnapshot): boolean {
    if (this.renewed.has(kind)) return false;
    for (const [parentKind, parents] of desired.parentsOfKind(kind)) {
      if (!this.types.get(parentKind)?.holdsAll(parents)) return false;
    }
    return true;
  }

  /** Does not rely on what was acknowledged before where the client may have been sent something else since, on another stream. */
  private doubt(news: Doubts): void {
    for (const state of this.types.values()) {
      for (const snapshot of news.snapshots) state.doubt(snapshot.resources(state.kind));
      if (news.isAnything) state.doubt(null);
    }
  }

  /** Takes the request as the answer to the response that it names. True where it was one. */
  private settle(state: TypeState, request: Request): boolean {
    const response = state.inFlight;
    if (!response || request.responseNonce !== response.nonce) return false;
    if (request.errorDetail) {
      state.refused(response, request.errorDetail, (this.desired ?? NOTHING).resources(state.kind));
      this.reportRefusal(state, response, request.errorDetail);
      if (this.desired) this.reportStanding(this.desired);
    } else {
      const { version, nonce, snapshot } = response;
      state.acknowledged(response);
      this.observer.acked({ kind: state.kind, version, nonce, snapshot });
    }
    return true;
  }

  private reportRefusal(state: TypeState, response: InFlight, error: ErrorDetail, snapshot = response.snapshot): void {
    const { version, nonce, contents } = response;
    this.observer.nacked({ kind: state.kind, version, nonce, snapshot }, error, suspectsIn(error, contents.keys()));
  }

  /** Content that was refused as a part of one snapshot is not offered again as a part of another, which is refused by that. */
  private reportStanding(desired: CompiledSnapshot): void {
    for (const state of this.types.values()) {
      const refusal = state.refusalOf(desired.hash);
      if (refusal) this.reportRefusal(state, refusal.response, refusal.error, desired.hash);
    }
  }

  private takeSubscription(state: TypeState, request: Request, was: { isFirst: boolean; isAnswer: boolean }): void {
    // An observer that was told of an ACK or NACK may have ended the stream.
    if (this.isClosed) return;
    const change = this.subscribe(state, request, was.isFirst);
    if (change.changed) {
      state.subscriptionChanged(change.dropped);
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
      if (!isDue(state, target.resources(kind))) continue;
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
      if (this.isHeldByClaims(this.desired)) return null;
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

  /** Whether the client comes from elsewhere. One that was unmanaged when it was assigned something was seen to, and is not asked about. */
  private isHeldByClaims(desired: CompiledSnapshot): boolean {
    const { known } = this.history;
    if (this.isFrozen) return true;
    if (known === null || this.isUnmanaged || !this.hasClaims()) return false;
    const foreign = this.foreignClaim(explaining(desired, this.history));
    if (!foreign) return false;
    this.isFrozen = true;
    this.observer.frozen(foreign);
    return true;
  }

  private hasClaims(): boolean {
    for (const { claim } of this.types.values()) if (claim !== null) return true;
    return false;
  }

  /** What is desired later may explain what the client claims. */
  private thaw(desired: CompiledSnapshot): void {
    const { known } = this.history;
    if (known !== null && this.foreignClaim([desired, ...known])) return;
    this.isFrozen = false;
    this.observer.thawed();
  }

  private foreignClaim(known: readonly CompiledSnapshot[]): ForeignClaim | null {
    for (const state of this.types.values()) {
      if (state.claim === null || !resourceType(state.kind).isRoot) continue;
      const versions = this.foreignVersions(state, known);
      if (versions.length > 0) return { kind: state.kind, versions };
    }
    return null;
  }

  /** Roots first, because a child's claim is believed only where its parents are held. */
  private resolveClaims(desired: CompiledSnapshot): void {
    if (!this.hasClaims()) return;
    for (const isRoot of [true, false]) {
      for (const state of this.types.values()) {
        if (state.claim === null || resourceType(state.kind).isRoot !== isRoot) continue;
        this.resolveClaim(state, desired, this.history);
        if (!state.isEmptyHanded && !isDue(state, desired.resources(state.kind))) this.observer.unchanged?.(state.kind);
      }
    }
  }

  private send(state: TypeState, draft: Draft, target: CompiledSnapshot): void {
    const frame = framesOf(target).frame(draft.key, state.lastSequence, draft);
    const { version, isWholeSet } = draft;
    const { contents } = frame;
    this.renewChildren(state, draft.changed);
    const desired = target.resources(state.kind);
    const snapshot = target.hash;
    state.sent({ nonce: frame.nonce, version, contents, isWholeSet, desired, snapshot }, frame.sequence);
    this.isWritable = this.sink.send(frame.bytes);
    this.observer.sent({
      kind: state.kind,
      version,
      nonce: frame.nonce,
      snapshot,
      resources: draft.resources,
      removed: draft.removed,
      bytes: frame.bytes.length,
    });
  }

  private renewChildren(state: TypeState, changed: readonly EncodedResource[]): void {
    for (const [kind, names] of state.childrenOfMissing(changed)) {
      const child = this.types.get(kind);
      if (child) for (const name of names) child.resend(name);
      // What was claimed is compared once, at the first request for the kind.
      if (!child || child.claim !== null) this.renewed.set(kind, united(this.renewed.get(kind) ?? names, names));
    }
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
      // Looked at first: between a response and its ACK, which is most of the time.
      if (state.inFlight) return false;
      const progress = progressOf(state, desired.resources(type.kind));
      if (!progress.isUpToDate || !progress.isTrimmed) return false;
      if (type.isRoot && !this.isWarm(state, desired)) return false;
    }
    return true;
  }

  /** Whether nothing of a root type waits for its children. */
  private isWarm(state: TypeState, desired: CompiledSnapshot): boolean {
    const { wildcard } = state.subscription;
    if (!wildcard) return this.areWarm(state.wanted(desired.resources(state.kind)), desired);
    for (const [kind, children] of desired.childrenOf(state.kind)) {
      if (!this.types.get(kind)?.holdsAll(children)) return false;
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

/** False of what nobody can prove to have: whoever asks for what nothing waits for has a parent from before, which may wait. */
export const mayBeProven = (child: EncodedResource, desired: CompiledSnapshot): boolean =>
  desired.parents(child).length > 0 || (child.kind !== 'endpoint' && child.kind !== 'route');

/** The snapshots that a claim may be of. */
const explaining = rememberedByPair((desired: CompiledSnapshot, { known }: ClaimHistory) => [
  desired,
  ...(known ?? []),
]);

const united = rememberedByPair((a: ReadonlySet<string>, b: ReadonlySet<string>): ReadonlySet<string> => {
  const both = new Set([...a, ...b]);
  return both.size === a.size ? a : both;
});

/** Whether anything may have to be sent. */
function isDue(state: TypeState, desired: ResourceSet): boolean {
  const { upserts, missing, removals } = state.changesTo(desired);
  return state.mustAnswer || upserts.length > 0 || missing.length > 0 || removals.length > 0;
}

function progressOf(state: TypeState, desired: ResourceSet): Progress {
  const { upserts, missing, removals } = state.changesTo(desired);
  return {
    kind: state.kind,
    isUpToDate: !state.inFlight && !state.mustAnswer && upserts.length === 0 && missing.length === 0,
    isTrimmed: removals.length === 0,
  };
}
