import type { EncodedResource, ResourceSet } from '../snapshots/compiled-snapshot.js';
import { remembered, rememberedByPair } from './remembered.js';

/** The client was told that the resource does not exist. */
export const ABSENT = Symbol('absent');
/** Nobody knows what the client has under this name: it refused a response with it, or claims what it cannot prove. */
export const UNKNOWN = Symbol('unknown');

export type HeldVersion = string | typeof ABSENT | typeof UNKNOWN;

/** What a client has under one name, as far as the server can know. */
export interface Holding {
  readonly version: HeldVersion;
  /** The last content that the client is known to have acknowledged; null where it only claimed a version. */
  readonly content: EncodedResource | null;
}

/** Names with what a response says about each; a name that it removes is ABSENT. Never changed once it is made. */
export type Contents = ReadonlyMap<string, Holding>;

/** What a client has under a name that it was told there is nothing under. */
export const GONE: Holding = { version: ABSENT, content: null };

const NOTHING: Contents = new Map<string, Holding>();
/** Names that a step may forget and be remembered for others; clients give up what was removed, which is little as a rule. */
const MOST_FORGOTTEN = 16;

/** One object per resource, whatever the number of streams that hold it. */
export const holdingOf = remembered((resource: EncodedResource): Holding => ({
  version: resource.version,
  content: resource,
}));

/** All of a set, as it is; one map for all who have it. */
export const contentsOfSet = remembered(
  (set: ResourceSet): Contents => new Map([...set.values()].map((resource) => [resource.name, holdingOf(resource)])),
);

/**
 * What one client has of one type: a map that is shared by all streams in the same state, and what is different on this one. Ten thousand
 * proxies of one configuration go through the same steps, and each step is worked out once: what follows from a shared map and a shared
 * response is a shared map again.
 */
export class Holdings {
  private base: Contents = NOTHING;
  private own: Map<string, Holding | null> | null = null;

  /** The whole, where nothing is different on this stream: what was worked out for it holds for every stream that has the same. */
  get shared(): Contents | null {
    return this.own ? null : this.base;
  }

  get(name: string): Holding | undefined {
    const own = this.own?.get(name);
    return own === undefined ? this.base.get(name) : (own ?? undefined);
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  *entries(): Iterable<[string, Holding]> {
    for (const entry of this.base) if (!this.own?.has(entry[0])) yield entry;
    for (const [name, holding] of this.own ?? []) if (holding) yield [name, holding];
  }

  *keys(): Iterable<string> {
    for (const [name] of this.entries()) yield name;
  }

  set(name: string, holding: Holding): void {
    this.differ(name, holding, this.base.get(name));
  }

  delete(name: string): void {
    this.differ(name, null, this.base.get(name) ?? null);
  }

  clear(): void {
    this.base = NOTHING;
    this.own = null;
  }

  /** Has nothing under these names any more. */
  forget(names: readonly string[]): void {
    if (this.own || names.length > MOST_FORGOTTEN) for (const name of names) this.delete(name);
    else this.base = without(this.base, names);
  }

  /** Has these in place of what it had under their names; what is ABSENT there is no holding at all if it is `forgotten`. */
  apply(contents: Contents, absent: 'kept' | 'forgotten'): void {
    if (!this.own) {
      this.base = applied[absent](this.base, contents);
      return;
    }
    for (const [name, holding] of contents) {
      if (holding.version === ABSENT && absent === 'forgotten') this.delete(name);
      else this.set(name, holding);
    }
    if (this.isJust(contents)) {
      this.base = contents;
      this.own = null;
    }
  }

  /** Whether a response is all that is held, so that it can be shared again with those who were sent the same. */
  private isJust(contents: Contents): boolean {
    if (!this.own || 2 * contents.size < this.base.size) return false;
    let held = 0;
    for (const [name, holding] of this.entries()) {
      if (contents.get(name) !== holding) return false;
      held += 1;
    }
    return held === contents.size;
  }

  private differ(name: string, holding: Holding | null, inBase: Holding | null | undefined): void {
    if (holding === inBase) {
      this.own?.delete(name);
      if (this.own?.size === 0) this.own = null;
      return;
    }
    this.own ??= new Map();
    this.own.set(name, holding);
  }
}

/** What has the contents in place of what is under their names. */
const applied = {
  kept: rememberedByPair((base: Contents, contents: Contents) => merged(base, contents, 'kept')),
  forgotten: rememberedByPair((base: Contents, contents: Contents) => merged(base, contents, 'forgotten')),
};

function merged(base: Contents, contents: Contents, absent: 'kept' | 'forgotten'): Contents {
  const isForgotten = ({ version }: Holding): boolean => absent === 'forgotten' && version === ABSENT;
  const isSame = [...contents].every(([name, holding]) =>
    isForgotten(holding) ? !base.has(name) : base.get(name) === holding,
  );
  if (isSame) return base;
  // Nothing but the response itself, so that all who were sent it have the same object from here on, wherever they come from.
  const isAll = contents.size >= base.size && [...base.keys()].every((name) => contents.has(name));
  if (isAll && ![...contents.values()].some(isForgotten)) return contents;
  const next = new Map(base);
  for (const [name, holding] of contents) {
    if (isForgotten(holding)) next.delete(name);
    else next.set(name, holding);
  }
  return next;
}

/** What is left of a map without some names, by the names. */
const forgotten = remembered((_base: Contents) => new Map<string, Contents>());

function without(base: Contents, names: readonly string[]): Contents {
  const there = names.filter((name) => base.has(name));
  if (there.length === 0) return base;
  const after = forgotten(base);
  const key = there.join('\0');
  let next = after.get(key);
  if (!next) {
    const rest = new Map(base);
    for (const name of there) rest.delete(name);
    after.set(key, (next = rest));
  }
  return next;
}

/** What stands between what a client has and what it is to have. */
export interface Changes {
  /** New, changed, unknown, or to be sent again. */
  readonly upserts: readonly EncodedResource[];
  /** Held by the client, and no longer to be. */
  readonly removals: readonly string[];
  /** Asked for by name, not there, and the client has not been told. */
  readonly missing: readonly string[];
}

/**
 * What stands between a shared map and a set, worked out once for each pair; of everything that is in the set, or of these names alone, all
 * of which are in the map.
 */
export const changesBetween = {
  everything: rememberedByPair((held: Contents, desired: ResourceSet) => compare(held, desired, 'everything')),
  these: rememberedByPair((held: Contents, desired: ResourceSet) => compare(held, desired, 'these')),
};

function compare(held: Contents, desired: ResourceSet, wanted: 'everything' | 'these'): Changes {
  const upserts =
    wanted === 'everything'
      ? [...desired.values()].filter(({ name, version }) => held.get(name)?.version !== version)
      : [...held].flatMap(([name, { version }]) => {
          const resource = desired.get(name);
          return resource && resource.version !== version ? resource : [];
        });
  const removals = [...held].flatMap(([name, { version }]) => (version !== ABSENT && !desired.has(name) ? name : []));
  return { upserts, removals, missing: [] };
}

/** Whether a shared map has all of these as they are; worked out once for each pair. */
export const holdAll = rememberedByPair((held: Contents, resources: readonly EncodedResource[]): boolean =>
  resources.every(({ name, version }) => held.get(name)?.version === version),
);
