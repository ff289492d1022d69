import { type ResourceKind, resourceType } from '../resource-types.js';
import type { EncodedResource, ResourceSet } from '../snapshots/compiled-snapshot.js';
import {
  ABSENT,
  type Changes,
  changesBetween,
  type Contents,
  type HeldVersion,
  holdAll,
  Holdings,
  UNKNOWN,
} from './holdings.js';
import { remembered, rememberedByPair } from './remembered.js';
import { Subscription, weightOf } from './subscription.js';
import type { ErrorDetail } from './wire/discovery-request.js';

/** The one response of a type that waits for its ACK. */
export interface InFlight {
  readonly nonce: string;
  readonly version: string;
  readonly contents: Contents;
  /** True where the response is the whole set of its type, so that what it does not name is gone once it is acknowledged. */
  readonly isWholeSet: boolean;
  /** What was desired of the type when it was composed, and the hash of the snapshot that it was desired by. */
  readonly desired: ResourceSet;
  readonly snapshot: string;
}

/** What a first request claims to have from before: a version of the whole (state of the world), or one per name. */
export type Claim = string | ReadonlyMap<string, string>;

/** Content that the client refused, and what was desired at that time: until that changes it is not offered again (R17). */
interface Refusal {
  readonly desired: ResourceSet;
  readonly contents: Map<string, HeldVersion>;
  readonly response: InFlight;
  readonly error: ErrorDetail;
  /** Hash of the last snapshot that is known to be refused because of it. */
  snapshot: string;
}

/**
 * One type on one stream: what the client wants, what it is known to have, and what is on the way. Only acknowledged
 * responses, and claims with proof, count as had.
 */
export class TypeState {
  readonly subscription: Subscription;
  /**
   * True where a response is owed even if it says nothing new: a first wildcard must be answered although there is nothing (R7),
   * or Envoy does not start.
   */
  mustAnswer = false;
  claim: Claim | null = null;
  private claimWeight = 0;
  /** Nonce of the newest response, whether answered or not. */
  lastNonce = '';
  /** Number of the newest response's frame; see `FrameCache`. */
  lastSequence = 0;
  private readonly holdings = new Holdings();
  private pending: InFlight | null = null;
  private refusal: Refusal | null = null;
  /** Made when it is needed: of most streams it never is. */
  private forced: Set<string> | null = null;
  /** How often the subscription changed, and had when the response that waits for its ACK was sent. */
  private subscriptionChanges = 0;
  private sentAt = 0;
  private memo: { readonly desired: ResourceSet; readonly changes: Changes } | null = null;

  /** @param tellsAbsence whether this type of this variant has a way to say "there is no such resource" */
  constructor(
    readonly kind: ResourceKind,
    private readonly tellsAbsence: boolean,
  ) {
    this.subscription = new Subscription(resourceType(kind).isRoot);
  }

  /** What the client has, as far as the server can know. */
  get held(): Pick<Holdings, 'get' | 'keys' | 'shared'> {
    return this.holdings;
  }

  get inFlight(): InFlight | null {
    return this.pending;
  }

  /** True where the client is known to have nothing of this type. */
  get isEmptyHanded(): boolean {
    for (const [, { version }] of this.holdings.entries()) if (version !== ABSENT) return false;
    return true;
  }

  /** About how many bytes it remembers for this client alone. */
  get weight(): number {
    return this.subscription.weight + this.claimWeight;
  }

  get isRefused(): boolean {
    return this.refusal !== null;
  }

  /** True where the client has what is desired under this name, acknowledged or proven. */
  holds(resource: EncodedResource): boolean {
    return this.holdings.get(resource.name)?.version === resource.version;
  }

  /** The same of many, worked out once for all streams that have the same. */
  holdsAll(resources: readonly EncodedResource[]): boolean {
    const { shared } = this.holdings;
    return shared ? holdAll(shared, resources) : resources.every((resource) => this.holds(resource));
  }

  /** By kind, the names of what those of the resources wait for that the client does not have. */
  childrenOfMissing(resources: readonly EncodedResource[]): ReadonlyMap<ResourceKind, ReadonlySet<string>> {
    const { shared } = this.holdings;
    return shared
      ? sharedChildrenOfMissing(shared, resources)
      : childrenOf(resources.filter((one) => !this.holds(one)));
  }

  /** Has the resource sent again, also unchanged: the client asked again (R9), or re-warms what depends on it (R11). */
  resend(name: string): void {
    if (!this.subscription.covers(name) || !this.isConcerned(name)) return;
    this.forced ??= new Set();
    this.forced.add(name);
    this.memo = null;
  }

  /** Takes the versions that a client says in its first request to have, by name. */
  claimed(versions: ReadonlyMap<string, string>): void {
    this.claim = versions;
    // Its names are remembered after the claim is resolved.
    this.claimWeight = weightOfClaim(versions);
  }

  /** Records what a client proved to have, or claims without proof, before anything was sent to it. */
  accept(contents: Contents): void {
    const { wildcard, names, sharedNames } = this.subscription;
    const covered = wildcard ? contents : sharedNames ? sharedPartOf(contents, sharedNames) : partOf(contents, names);
    this.holdings.apply(covered, 'kept');
    this.memo = null;
  }

  /**
   * The client may have been sent another set meanwhile, on another stream: what that set has otherwise is unknown.
   * @param set null where nobody remembers what it was
   */
  doubt(set: ResourceSet | null): void {
    const names = new Set([...this.holdings.keys(), ...(set?.keys() ?? [])]);
    for (const name of names) {
      const held = this.holdings.get(name);
      const isSame = set !== null && (held?.version ?? ABSENT) === (set.get(name)?.version ?? ABSENT);
      if (isSame || !this.subscription.covers(name)) continue;
      this.holdings.set(name, { version: UNKNOWN, content: held?.content ?? null });
      this.memo = null;
    }
  }

  /**
   * Forgets what the subscription no longer covers: the client has dropped it, so asking again is new (case 20).
   * @param dropped the only names that this can be; null for any
   */
  subscriptionChanged(dropped: readonly string[] | null): void {
    this.subscriptionChanges += 1;
    const gone: string[] = [];
    for (const name of dropped ?? [...this.holdings.keys(), ...(this.forced ?? [])]) {
      const isCovered = this.subscription.covers(name);
      const isUntold = this.holdings.get(name)?.version === ABSENT && !this.subscription.names.has(name);
      if (!isCovered || isUntold) gone.push(name);
      if (!isCovered) this.forced?.delete(name);
    }
    this.holdings.forget(gone);
    this.memo = null;
  }

  /** The desired snapshot changed: a refusal is over when this type's content did. */
  desiredChanged(desired: ResourceSet): void {
    if (this.refusal && !equalContent(this.refusal.desired, desired)) this.refusal = null;
  }

  /**
   * A refusal that stands for a snapshot other than the one that was refused: what that has of the type is the same, and not offered.
   * Each snapshot is given once; null where there is nothing to be said.
   */
  refusalOf(snapshot: string): Pick<Refusal, 'response' | 'error'> | null {
    if (!this.refusal || this.refusal.snapshot === snapshot) return null;
    this.refusal.snapshot = snapshot;
    return this.refusal;
  }

  /** Somebody's word that what was refused may be tried again: the reason was not in the content. */
  offerAgain(): void {
    this.refusal = null;
    this.memo = null;
  }

  /** What is missing to `desired`; refused content included. */
  changesTo(desired: ResourceSet): Changes {
    if (this.memo?.desired !== desired) {
      const shared = this.sharedChanges(desired);
      const known = this.memo && equalContent(this.memo.desired, desired) ? this.memo.changes : null;
      this.memo = { desired, changes: shared ? this.withForced(shared, desired) : (known ?? this.compare(desired)) };
    }
    return this.memo.changes;
  }

  /** False for content that the client refused and nobody changed or asked for since. */
  isOffered(name: string, version: HeldVersion): boolean {
    return this.refusal?.contents.get(name) !== version || this.isForced(name);
  }

  sent(response: InFlight, sequence: number): void {
    this.pending = response;
    this.lastNonce = response.nonce;
    this.lastSequence = sequence;
    this.mustAnswer = false;
    this.sentAt = this.subscriptionChanges;
    if (this.forced) for (const name of response.contents.keys()) this.forced.delete(name);
    if (this.forced?.size === 0) this.forced = null;
    this.memo = null;
  }

  /** The client has what the response said. */
  acknowledged(response: InFlight): void {
    this.pending = null;
    if (response.isWholeSet) this.refusal = null;
    if (this.refusal) for (const name of response.contents.keys()) this.refusal.contents.delete(name);
    if (this.refusal?.contents.size === 0) this.refusal = null;
    this.take(response);
    this.memo = null;
  }

  /**
   * The client refused the response. An Envoy may have applied any part of it, so from now on nothing is known of any name
   * that it sent or removed, whatever the client claims later (ARCHITECTURE.md, rule 7). Its content is not offered again
   * unless something else is desired by now.
   */
  refused(response: InFlight, error: ErrorDetail, desired: ResourceSet): void {
    this.pending = null;
    const names = new Set(response.contents.keys());
    if (response.isWholeSet) for (const name of this.holdings.keys()) names.add(name);
    const refused = this.refusal?.contents ?? new Map<string, HeldVersion>();
    for (const name of names) {
      if (!this.subscription.covers(name)) continue;
      this.holdings.set(name, { version: UNKNOWN, content: this.holdings.get(name)?.content ?? null });
      refused.set(name, response.contents.get(name)?.version ?? ABSENT);
    }
    if (equalContent(response.desired, desired)) {
      this.refusal = { desired, contents: refused, response, error, snapshot: response.snapshot };
    }
    this.memo = null;
  }

  /** Nothing is asked for by name: what is held is all that there is to know of the subscription. */
  private get wantsEverything(): boolean {
    return this.subscription.wildcard && this.subscription.names.size === 0;
  }

  private take({ contents, isWholeSet }: InFlight): void {
    const { names, wildcard } = this.subscription;
    if (isWholeSet) this.holdings.clear();
    // A removal needs remembering only where the name is still asked for by name.
    if (this.wantsEverything) this.holdings.apply(contents, 'forgotten');
    else if (!wildcard && this.sentAt === this.subscriptionChanges) this.holdings.apply(contents, 'kept');
    else {
      for (const [name, holding] of contents) {
        const isGone = holding.version === ABSENT && !names.has(name);
        if (isGone || !this.subscription.covers(name)) this.holdings.delete(name);
        else this.holdings.set(name, holding);
      }
    }
  }

  private isForced(name: string): boolean {
    return this.forced?.has(name) ?? false;
  }

  /** Whether there is anything to say again. Under a wildcard a client can give up any name, and none may be remembered for that. */
  private isConcerned(name: string): boolean {
    const isInFlight = this.pending?.contents.has(name) ?? false;
    return isInFlight || this.subscription.names.has(name) || this.holdings.has(name);
  }

  /** Where what is held says all of the subscription, what follows from it holds for every stream that has the same. */
  private sharedChanges(desired: ResourceSet): Changes | null {
    const { shared } = this.holdings;
    const { names, wildcard } = this.subscription;
    if (!shared || (wildcard ? names.size > 0 : names.size !== shared.size)) return null;
    const changes = changesBetween[wildcard ? 'everything' : 'these'](shared, desired);
    return this.tellsAbsence ? changes : { ...changes, removals: [] };
  }

  /** The changes, and what is to be sent again although the client has it, or was told that it is not there. */
  private withForced(changes: Changes, desired: ResourceSet): Changes {
    if (!this.forced) return changes;
    const upserts = [...changes.upserts];
    const missing = [...changes.missing];
    for (const name of this.forced) {
      const resource = desired.get(name);
      if (resource && this.holds(resource)) upserts.push(resource);
      const isUntold = this.holdings.get(name)?.version === ABSENT && this.subscription.names.has(name);
      if (!resource && this.tellsAbsence && isUntold) missing.push(name);
    }
    return { upserts, removals: changes.removals, missing };
  }

  private compare(desired: ResourceSet): Changes {
    const upserts: EncodedResource[] = [];
    const removals: string[] = [];
    const missing: string[] = [];
    for (const resource of this.wanted(desired)) {
      if (!this.holds(resource) || this.isForced(resource.name)) upserts.push(resource);
    }
    if (this.tellsAbsence) {
      for (const [name, holding] of this.holdings.entries()) {
        if (holding.version !== ABSENT && !desired.has(name)) removals.push(name);
      }
      for (const name of this.subscription.names) {
        const held = this.holdings.get(name)?.version;
        const isUntold = held === undefined || (held === ABSENT && this.isForced(name));
        if (isUntold && !desired.has(name)) missing.push(name);
      }
    }
    return { upserts, removals, missing };
  }

  /** The resources of a set that the subscription covers, in name order for a wildcard. */
  *wanted(desired: ResourceSet): Iterable<EncodedResource> {
    if (this.subscription.wildcard) {
      yield* desired.values();
      return;
    }
    for (const name of this.subscription.names) {
      const resource = desired.get(name);
      if (resource) yield resource;
    }
  }
}

/** What of the contents is under one of the names. */
function partOf(contents: Contents, names: ReadonlySet<string>): Contents {
  const covered = [...contents].filter(([name]) => names.has(name));
  return covered.length === contents.size ? contents : new Map(covered);
}

/** The same, worked out once for all streams that asked for the same. */
const sharedPartOf = rememberedByPair(partOf);

function childrenOf(parents: readonly EncodedResource[]): ReadonlyMap<ResourceKind, ReadonlySet<string>> {
  const names = new Map<ResourceKind, Set<string>>();
  for (const { children } of parents) {
    for (const { kind, name } of children) names.set(kind, (names.get(kind) ?? new Set()).add(name));
  }
  return names;
}

const sharedChildrenOfMissing = rememberedByPair((held: Contents, resources: readonly EncodedResource[]) =>
  childrenOf(resources.filter(({ name, version }) => held.get(name)?.version !== version)),
);

const weightOfClaim = remembered(
  (versions: ReadonlyMap<string, string>): number => weightOf(versions.keys()) + weightOf(versions.values()),
);

/**
 * Whether two sets have the same names and versions. Remembered by pair: a publication is compared with the one before it once,
 * and not once per stream.
 */
const equalContent = rememberedByPair(
  (a: ResourceSet, b: ResourceSet): boolean =>
    a === b || (a.size === b.size && [...a.values()].every(({ name, version }) => b.get(name)?.version === version)),
);
