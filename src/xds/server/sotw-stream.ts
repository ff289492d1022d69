import { createHash } from 'node:crypto';
import { type ResourceKind, resourceType } from '../resource-types.js';
import type { CompiledSnapshot, EncodedResource, ResourceSet } from '../snapshots/compiled-snapshot.js';
import { type ClaimHistory } from './claim-history.js';
import { DiscoveryStream, type Draft, NOTHING } from './discovery-stream.js';
import { remembered, rememberedByPair } from './remembered.js';
import type { SubscriptionChange } from './subscription.js';
import {
  ABSENT,
  type Changes,
  type Contents,
  contentsOfSet,
  GONE,
  type Holding,
  holdingOf,
  UNKNOWN,
} from './holdings.js';
import type { Claim, TypeState } from './type-state.js';
import type { SotwRequest } from './wire/discovery-request.js';
import { encodeSotwResponse } from './wire/discovery-response.js';

/**
 * The state-of-the-world variant (xDS protocol, "Basic Protocol Overview" and "Resource Types"): a request carries the whole
 * subscription of its type, and a response of a root type is the whole set, so that absence removes. Of other types absence
 * means nothing, so a response to named resources is only sent where it has something to give.
 */
export class SotwStream extends DiscoveryStream<SotwRequest> {
  protected override tellsAbsence(kind: ResourceKind): boolean {
    return resourceType(kind).isRoot;
  }

  /** R2: a request that answers an older response is of an older state of the client, which will answer the newer one too. */
  protected override isStale(state: TypeState, request: SotwRequest): boolean {
    return request.responseNonce !== state.lastNonce;
  }

  protected override subscribe(state: TypeState, request: SotwRequest, isFirst: boolean): SubscriptionChange {
    const change = state.subscription.replace(request.resourceNames);
    if (isFirst && request.versionInfo !== '') state.claim = request.versionInfo;
    const isNamedRoot = isFirst && resourceType(state.kind).isRoot && state.subscription.names.size > 0;
    // The version that a client holds after it gave up a name covers more than it has, and could prove nothing when it comes
    // back (case 19 needs no response, but allows one).
    const isNarrowed = change.changed && narrows(state);
    if (change.wildcardStarted || isNamedRoot || isNarrowed) state.mustAnswer = true;
    return change;
  }

  /** R11: an Envoy that re-warms a cluster or listener asks with the names, version and nonce of before, and waits. */
  protected override repeated(state: TypeState): void {
    if (resourceType(state.kind).isRoot || state.inFlight || state.isRefused || state.lastNonce === '') return;
    for (const name of state.held.keys()) state.resend(name);
  }

  /**
   * R10: a reconnecting client sends its last version without a nonce. Versions are hashes of names and content, so an equal
   * one proves that it has what is desired, unless it was sent something else since; any other proves nothing, but what it is of is not
   * taken away before its users have changed.
   * A client that gave up children keeps their version and claims it when it asks for them again, although they are gone; so that
   * proves something only where it has had a reason to keep them ever since it is known to have had them.
   */
  protected override resolveClaim(state: TypeState, desired: CompiledSnapshot, history: ClaimHistory): void {
    const claim = state.claim;
    state.claim = null;
    const set = desired.resources(state.kind);
    const contents = wholeContents(state, set);
    if (claim === null) return;
    if (claim !== versionOf(contents) || !this.isBelieved(state, contents, { desired, history })) {
      this.retainClaimed(state, claim, [desired, ...(history.known ?? history.doubts)]);
      return;
    }
    state.accept(contents);
    state.mustAnswer = false;
  }

  /** A version may also be of what lies between two snapshots, where the old ones were kept until their users were gone. */
  protected override foreignVersions(state: TypeState, known: readonly CompiledSnapshot[]): readonly string[] {
    const { claim } = state;
    if (typeof claim !== 'string' || claim === versionOf(wholeContents(state, NOTHING.resources(state.kind))))
      return [];
    return claimedContents(state, claim, known) ? [] : [claim];
  }

  protected override claimsNothing(state: TypeState): boolean {
    const nothing = wholeContents(state, NOTHING.resources(state.kind));
    if (!resourceType(state.kind).isRoot || state.claim !== versionOf(nothing)) return false;
    state.claim = null;
    state.accept(nothing);
    state.mustAnswer = false;
    return true;
  }

  protected override compose(state: TypeState, desired: CompiledSnapshot, removing: boolean): Draft | null {
    const set = desired.resources(state.kind);
    const changes = state.changesTo(set);
    const { upserts, removals, missing } = changes;
    const isOffered = (name: string): boolean => state.isOffered(name, set.get(name)?.version ?? ABSENT);
    const isDue =
      upserts.some((resource) => isOffered(resource.name)) ||
      missing.some(isOffered) ||
      (removing && removals.some(isOffered));
    if (!isDue && !state.mustAnswer) return null;

    const { kind } = state;
    const isWholeSet = resourceType(kind).isRoot;
    const contents = isWholeSet
      ? removing
        ? wholeContents(state, set)
        : withRetained(wholeContents(state, set), state, changes)
      : offered(wholeContents(state, set), state, isOffered);
    const resources = contentsOf(contents);
    const versionInfo = versionOf(contents);
    return {
      version: versionInfo,
      contents,
      isWholeSet,
      resources: resources.length,
      removed: 0,
      changed: removing || !isWholeSet ? upserts : [...upserts, ...retained(state, changes)],
      key: `sotw/${kind}/${versionInfo}`,
      encode: (nonce) => encodeSotwResponse({ kind, versionInfo, nonce, resources }),
    };
  }

  /** Of a version that is that of what is desired. */
  private isBelieved(
    state: TypeState,
    contents: Contents,
    { desired, history }: { readonly desired: CompiledSnapshot; readonly history: ClaimHistory },
  ): boolean {
    const { isComplete, doubts, had } = history;
    if (!isComplete) return false;
    const claim = versionOf(contents);
    const isRoot = resourceType(state.kind).isRoot;
    const wanted = [...state.wanted(desired.resources(state.kind))];
    for (const past of isRoot || !had ? doubts : [...doubts, had]) {
      if (versionOf(wholeContents(state, past.resources(state.kind))) !== claim) return false;
      const isKept = (child: EncodedResource): boolean =>
        desired.parents(child).length === 0 || past.parents(child).length > 0;
      if (!wanted.every(isKept)) return false;
    }
    return isRoot || wanted.every((resource) => this.isProven(resource, desired));
  }

  /** Of a root type, where absence removes: has the client keep what it may have until its turn comes, and sends it all the same. */
  private retainClaimed(state: TypeState, claim: Claim, known: readonly CompiledSnapshot[]): void {
    const claimed = resourceType(state.kind).isRoot ? claimedContents(state, claim, known) : undefined;
    const held = [...(claimed ?? [])].filter(([, { content }]) => content !== null);
    state.accept(new Map(held.map(([name, { content }]) => [name, { version: UNKNOWN, content }])));
  }
}

/** All that the subscription asks for: of a wildcard what there is, and each name, ABSENT where there is none. */
function wholeContents(state: TypeState, set: ResourceSet): Contents {
  const { wildcard, names, sharedNames } = state.subscription;
  const isSet =
    (wildcard || names.size === set.size) && (sharedNames ? areInShared(set, sharedNames) : areIn(set, names));
  if (isSet) return contentsOfSet(set);
  const missing = [...names].filter((name) => !set.has(name));
  const contents = new Map<string, Holding>(missing.map((name) => [name, GONE]));
  for (const resource of state.wanted(set)) contents.set(resource.name, holdingOf(resource));
  return sorted(contents);
}

function areIn(set: ResourceSet, names: ReadonlySet<string>): boolean {
  for (const name of names) if (!set.has(name)) return false;
  return true;
}

const areInShared = rememberedByPair(areIn);

/** Whether the subscription gave up some of what the client has, and not all. */
function narrows({ held, subscription }: TypeState): boolean {
  let [kept, lost] = [0, 0];
  for (const name of held.keys()) {
    if (subscription.covers(name)) kept += 1;
    else lost += 1;
  }
  return kept > 0 && lost > 0;
}

/** What the client has and is no longer to have, as it has it. */
function retained({ held }: TypeState, { removals }: Changes): EncodedResource[] {
  return removals.flatMap((name) => held.get(name)?.content ?? []);
}

const unions = new WeakMap<Contents, WeakMap<readonly string[], Contents>>();

/** The union of old and new: what the client has and the desired snapshot lacks stays until it may go. Worked out once for those that have the same. */
function withRetained(contents: Contents, state: TypeState, changes: Changes): Contents {
  const { removals } = changes;
  if (removals.length === 0) return contents;
  let known = unions.get(contents);
  if (!known) unions.set(contents, (known = new WeakMap()));
  let union = known.get(removals);
  if (!union) {
    const old = retained(state, changes).map((resource) => [resource.name, holdingOf(resource)] as const);
    known.set(removals, (union = sorted(new Map([...contents, ...old]))));
  }
  return union;
}

/** What is in either; where both have a name, what the first has under it. */
function union(contents: Contents, old: Contents): Contents {
  return contents === old ? contents : sorted(new Map([...old, ...contents]));
}

/** What may be left out is, where the client refused it. */
function offered(contents: Contents, state: TypeState, isOffered: (name: string) => boolean): Contents {
  if (!state.isRefused) return contents;
  return new Map([...contents].filter(([name]) => isOffered(name)));
}

/**
 * What a version is of: a set of one of these snapshots, or what lies between some of them, where the old ones were kept until their users
 * were gone; undefined where none explains it.
 */
function claimedContents(state: TypeState, claim: Claim, known: readonly CompiledSnapshot[]): Contents | undefined {
  const sets = known.map((snapshot) => wholeContents(state, snapshot.resources(state.kind)));
  let looked = 0;
  for (const contents of waysThrough(sets)) {
    if (versionOf(contents) === claim) return contents;
    if (++looked === MAX_WAYS) break;
  }
  return undefined;
}

/** All pairs of as many as are remembered for a proxy, and some more; of four snapshots or fewer everything. */
const MAX_WAYS = 512;

/** What a client may have that was given some of these sets, one after the other in any order; the shortest ways first. */
function* waysThrough(sets: readonly Contents[]): Generator<Contents, void, void> {
  let ways: readonly { readonly contents: Contents | null; readonly through: readonly Contents[] }[] = [
    { contents: null, through: [] },
  ];
  while (ways.length > 0) {
    const longer: (typeof ways)[number][] = [];
    for (const { contents, through } of ways) {
      for (const set of sets) {
        if (through.includes(set)) continue;
        const older = contents ? union(contents, set) : set;
        yield older;
        longer.push({ contents: older, through: [...through, set] });
      }
    }
    ways = longer;
  }
}

function sorted(contents: Contents): Contents {
  return new Map([...contents].sort(([a], [b]) => (a < b ? -1 : 1)));
}

const contentsOf = remembered((contents: Contents): readonly EncodedResource[] =>
  [...contents.values()].flatMap(({ content }) => content ?? []),
);

/**
 * `version_info`: SHA-256 over names and versions in name order, absent names included, so that it is equal on every replica
 * and proves, when a client comes back with it, what that client has.
 */
export const versionOf = remembered((contents: Contents): string => {
  const hash = createHash('sha256');
  for (const [name, holding] of contents) hash.update(`${name}\0${holding.content?.version ?? ''}\n`);
  return hash.digest('hex');
});
