import { createHash } from 'node:crypto';
import { type ResourceKind, resourceType } from '../resource-types.js';
import type { CompiledSnapshot, EncodedResource } from '../snapshots/compiled-snapshot.js';
import { type ClaimHistory } from './claim-history.js';
import { DiscoveryStream, type Draft, mayBeProven } from './discovery-stream.js';
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
import { remembered, rememberedByPair } from './remembered.js';
import type { TypeState } from './type-state.js';
import type { DeltaRequest } from './wire/discovery-request.js';
import { encodeDeltaResponse } from './wire/discovery-response.js';

/**
 * The incremental variant (xDS protocol, "Incremental xDS"): requests carry changes of the subscription, responses carry what
 * is new or changed and the names of what is gone.
 */
export class DeltaStream extends DiscoveryStream<DeltaRequest> {
  /** R13: the removal of an extension's configuration breaks the filter that waits for it, so it is left where it is. */
  protected override tellsAbsence(kind: ResourceKind): boolean {
    return kind !== 'extensionConfig';
  }

  /** R3: the subscription part of a request counts whatever its nonce; an ACK is matched by nonce alone. */
  protected override isStale(): boolean {
    return false;
  }

  protected override subscribe(state: TypeState, request: DeltaRequest, isFirst: boolean): SubscriptionChange {
    const change = state.subscription.change(request.subscribe, request.unsubscribe);
    if (isFirst) state.claimed(request.initialResourceVersions);
    if (change.wildcardStarted && !(isFirst && request.initialResourceVersions.size > 0)) state.mustAnswer = true;
    return change;
  }

  protected override repeated(): void {
    // Nothing: an incremental client that wants a resource again names it.
  }

  /**
   * R10: equal versions of a root type are believed; of a child only where its parents are held as desired, for a parent
   * that changed waits for its children again. Everything else that the client claims, or may have been sent, is unknown, also where what
   * is desired may have been sent before: what is desired can change again before it is sent. What is gone is removed when its turn comes.
   * A removal is never the first answer: the ACK of one comes behind all that the client asks for when it comes back, its users included.
   */
  protected override resolveClaim(state: TypeState, desired: CompiledSnapshot, history: ClaimHistory): void {
    const claims = claimedVersions(state);
    state.claim = null;
    const { kind } = state;
    const isAsAll = claims.size === 0 || resourceType(kind).isRoot || this.areProven(kind, desired);
    const contents = isAsAll
      ? resolvedOfAll(kind, { claims, desired, history })
      : resolved(kind, { claims, desired, history }, (child) => this.isProven(child, desired));
    state.accept(contents);
    if (resourceType(state.kind).isRoot && state.changesTo(desired.resources(state.kind)).removals.length > 0)
      state.mustAnswer = true;
  }

  protected override foreignVersions(state: TypeState, known: readonly CompiledSnapshot[]): readonly string[] {
    return foreignIn(claimedVersions(state), known)(state.kind);
  }

  protected override claimsNothing(state: TypeState): boolean {
    if (claimedVersions(state).size > 0) return false;
    state.claim = null;
    return true;
  }

  protected override compose(state: TypeState, desired: CompiledSnapshot, removing: boolean): Draft | null {
    const changes = state.changesTo(desired.resources(state.kind));
    if (state.isRefused) return draftOf(state, desired, { changes, removing });
    const known = drafts[removing ? 'removing' : 'keeping'];
    const isOwed = state.mustAnswer;
    let one = known.get(changes);
    // Kinds and snapshots that have nothing in common but that they are empty have the same changes.
    if (one?.kind !== state.kind || one.desired !== desired || one.isOwed !== isOwed) {
      one = { kind: state.kind, desired, isOwed, draft: draftOf(state, desired, { changes, removing }) };
      known.set(changes, one);
    }
    return one.draft;
  }
}

interface Resolving {
  readonly claims: ReadonlyMap<string, string>;
  readonly desired: CompiledSnapshot;
  readonly history: ClaimHistory;
}

/** What a client that claims this has, as far as it is known. */
function resolved(
  kind: ResourceKind,
  { claims, desired, history }: Resolving,
  isProven: (resource: EncodedResource) => boolean,
): Contents {
  const contents = new Map<string, Holding>();
  for (const sent of [desired, ...history.doubts]) {
    for (const name of sent.resources(kind).keys()) contents.set(name, NOT_KNOWN);
  }
  for (const [name, version] of claims) {
    const resource = desired.resources(kind).get(name);
    const isBelieved =
      history.isComplete &&
      resource?.version === version &&
      history.doubts.every(
        (doubt) => doubt.resources(kind).get(name)?.version === version && hasParentsOf(doubt, resource, desired),
      ) &&
      (resourceType(kind).isRoot || isProven(resource));
    contents.set(name, isBelieved ? holdingOf(resource) : NOT_KNOWN);
  }
  const set = desired.resources(kind);
  const isJustSet = contents.size === set.size && [...contents.values()].every(({ content }) => content !== null);
  return isJustSet ? contentsOfSet(set) : contents;
}

/** False where a parent from before, which is not desired, may wait for the child: it answers no more of its type until it has it. */
function hasParentsOf(doubt: CompiledSnapshot, child: EncodedResource, desired: CompiledSnapshot): boolean {
  return doubt
    .parents(child)
    .every(({ kind, name, version }) => desired.resources(kind).get(name)?.version === version);
}

/** The same of a client that has all parents: worked out once for all of which that is true. */
function resolvedOfAll(kind: ResourceKind, { claims, desired, history }: Resolving): Contents {
  return resolvedOnce(desired, history)(claims)(kind);
}

const resolvedOnce = rememberedByPair((desired: CompiledSnapshot, history: ClaimHistory) =>
  remembered((claims: ReadonlyMap<string, string>) =>
    byKind((kind) => resolved(kind, { claims, desired, history }, (child) => mayBeProven(child, desired))),
  ),
);

const foreignIn = rememberedByPair((claims: ReadonlyMap<string, string>, known: readonly CompiledSnapshot[]) =>
  byKind((kind): readonly string[] => {
    const sets = known.map((snapshot) => snapshot.resources(kind));
    return [...claims]
      .filter(([name, version]) => !sets.some((set) => set.get(name)?.version === version))
      .map(([, version]) => version);
  }),
);

/** A function of a kind that is worked out once for each. */
function byKind<Result>(workOut: (kind: ResourceKind) => Result): (kind: ResourceKind) => Result {
  const results = new Map<ResourceKind, Result>();
  return (kind) => {
    let result = results.get(kind);
    if (result === undefined) results.set(kind, (result = workOut(kind)));
    return result;
  };
}

interface KnownDraft {
  readonly kind: ResourceKind;
  readonly desired: CompiledSnapshot;
  readonly isOwed: boolean;
  readonly draft: Draft | null;
}

/** By the changes that they are of, which streams in the same state share. */
const drafts = { removing: new WeakMap<Changes, KnownDraft>(), keeping: new WeakMap<Changes, KnownDraft>() };

function draftOf(
  state: TypeState,
  desired: CompiledSnapshot,
  { changes, removing }: { readonly changes: Changes; readonly removing: boolean },
): Draft | null {
  const { kind } = state;
  const resources = changes.upserts.filter(({ name, version }) => state.isOffered(name, version));
  const removed = [...changes.missing, ...(removing ? changes.removals : [])].filter((name) =>
    state.isOffered(name, ABSENT),
  );
  if (resources.length === 0 && removed.length === 0 && !state.mustAnswer) return null;

  const contents = new Map<string, Holding>();
  for (const resource of resources) contents.set(resource.name, holdingOf(resource));
  for (const name of removed) contents.set(name, GONE);
  return {
    version: desired.hash,
    contents,
    isWholeSet: false,
    resources: resources.length,
    removed: removed.length,
    changed: resources,
    key: `delta/${kind}/${digestOf(contents)}`,
    encode: (nonce) => encodeDeltaResponse({ kind, systemVersionInfo: desired.hash, nonce, resources, removed }),
  };
}

/** What nobody knows of a name: nothing, or anything. */
const NOT_KNOWN: Holding = { version: UNKNOWN, content: null };

const NO_VERSIONS: ReadonlyMap<string, string> = new Map();

function claimedVersions({ claim }: TypeState): ReadonlyMap<string, string> {
  return claim instanceof Map ? claim : NO_VERSIONS;
}

/** Names what a response says; streams that need the same step share its frame. */
function digestOf(contents: ReadonlyMap<string, Holding>): string {
  const hash = createHash('sha256');
  for (const [name, { content }] of contents) hash.update(`${name}\0${content?.version ?? ''}\n`);
  return hash.digest('base64');
}
