import type { Given } from '../client/history.ts';
import type { Kind } from '../client/kinds.ts';
import type { Reference } from '../client/names.ts';

/** A stored snapshot: versions by name; secrets have none, for a snapshot holds their names alone. */
export interface Snapshot {
  readonly hash: string;
  readonly kinds: Readonly<Record<Kind, ReadonlyMap<string, string>>>;
}

/** What a proxy was to be served from some time on, as the database had it. */
export interface Served {
  readonly at: number;
  /** Of the snapshot; null without an assignment. */
  readonly hash: string | null;
  /** The last that it acknowledged in full. */
  readonly good: string | null;
  /** Snapshots that it may have been sent since; '*' for any. */
  readonly tried: readonly string[];
}

/** Everything that a judge takes for true, all of it from rows of the database and from what was asked of the API. */
export interface Facts {
  /** Oldest first. */
  served(proxy: string): readonly Served[];
  snapshot(hash: string): Snapshot | undefined;
  /** What a resource refers to. */
  references(version: string): readonly Reference[];
  /** Whether endpoints are those of a version with some of the overrides that were asked for at any time. */
  isOverridden(proxy: string, set: Given, version: string): boolean;
  /** Whether they are as that version and all overrides that are in effect now make them. */
  isOverriddenNow(proxy: string, set: Given, version: string): boolean;
  /** Whether a secret of the proxy's tenant was to hold this at any time, and whether it is to hold it now. */
  isSecret(proxy: string, secret: Given): boolean;
  isSecretNow(proxy: string, secret: Given): boolean;
  /** What was committed before this time was surely seen at that time. */
  surelySeen(at: number): number;
}

const NONE: ReadonlyMap<string, string> = new Map();

/** What a proxy without an assignment is served. */
export const NOTHING: Snapshot = {
  hash: '',
  kinds: { cluster: NONE, endpoint: NONE, secret: NONE, listener: NONE, route: NONE },
};

/** Whether a snapshot has the resource as it was given, or might have had it so with what was laid over it. */
export function has(facts: Facts, proxy: string, snapshot: Snapshot, kind: Kind, given: Given): boolean {
  const version = snapshot.kinds[kind].get(given[0]);
  if (version === undefined) return false;
  if (kind === 'secret') return facts.isSecret(proxy, given);
  return version === given[1] || (kind === 'endpoint' && facts.isOverridden(proxy, given, version));
}

/** The same, with what is laid over it now. */
export function hasNow(facts: Facts, proxy: string, snapshot: Snapshot, kind: Kind, given: Given): boolean {
  const version = snapshot.kinds[kind].get(given[0]);
  if (version === undefined) return false;
  if (kind === 'secret') return facts.isSecretNow(proxy, given);
  return kind === 'endpoint' ? facts.isOverriddenNow(proxy, given, version) : version === given[1];
}
