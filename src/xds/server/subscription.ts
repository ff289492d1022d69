import { remembered } from './remembered.js';
import { REQUEST_LIMITS, tooManyNames } from './wire/discovery-request.js';

const WILDCARD = '*';
const NO_NAMES: ReadonlySet<string> = new Set();

/** What a request changed in a subscription. */
export interface SubscriptionChange {
  /** True where anything changed at all. */
  readonly changed: boolean;
  /** True where the client now wants everything and did not before: such a request is answered even with nothing. */
  readonly wildcardStarted: boolean;
  /** Names that are no longer asked for by name; null where the wildcard ended, or all have to be looked at. */
  readonly dropped: readonly string[] | null;
  /** Names that the client asked for again, or that fell back to the wildcard: to be sent even if unchanged. */
  readonly resend: readonly string[];
}

const UNCHANGED: SubscriptionChange = { changed: false, wildcardStarted: false, dropped: [], resend: [] };

/**
 * What a client wants of one type (xDS protocol, "How the client specifies what resources to return"): names, everything
 * (`*`), or both. A type that has legacy wildcards (Listener and Cluster) reads a stream's first request without names as
 * `*`, until the client names anything for the first time; after that an empty list is empty.
 */
export class Subscription {
  private explicit = NO_NAMES;
  /** The same names, once they are this stream's alone; until then nobody may change them. */
  private own: Set<string> | null = null;
  private everything = false;
  /** True until the client has named anything, `*` included. */
  private unnamed = true;
  private started = false;
  private bytes = 0;

  constructor(private readonly hasLegacyWildcard: boolean) {}

  get wildcard(): boolean {
    return this.everything;
  }

  /** Names that were asked for by name, in the order of asking; `*` is not among them. */
  get names(): ReadonlySet<string> {
    return this.explicit;
  }

  /** The names, where all streams that asked for the same have the same object: what was worked out for it holds for all of them. */
  get sharedNames(): ReadonlySet<string> | null {
    return this.own ? null : this.explicit;
  }

  /** About how many bytes its names take. */
  get weight(): number {
    return this.bytes;
  }

  covers(name: string): boolean {
    return this.everything || this.explicit.has(name);
  }

  /**
   * State of the world: every request carries the whole subscription.
   * @throws MalformedMessage over the bound of names.
   */
  replace(names: readonly string[]): SubscriptionChange {
    const legacy = this.unnamed && names.length === 0;
    const next = namesOf(names);
    const everything = legacy ? this.hasLegacyWildcard : next.hasWildcard;
    this.unnamed = legacy;
    // An ACK.
    if (this.started && this.everything === everything && this.explicit === next.names) return UNCHANGED;
    if (next.names.size > REQUEST_LIMITS.names) throw tooManyNames();
    const isChanged = !equalSets(next.names, this.explicit);
    this.share(next);
    return this.become(everything, { isChanged, dropped: null, resend: [] });
  }

  /**
   * Incremental: a request carries changes. A name that is both subscribed and unsubscribed stays subscribed.
   * @throws MalformedMessage over the bound of names.
   */
  change(subscribe: readonly string[], unsubscribe: readonly string[]): SubscriptionChange {
    const first = !this.started;
    // An ACK.
    if (!first && subscribe.length + unsubscribe.length === 0) return UNCHANGED;
    let everything = this.everything;
    if (subscribe.length === 0) {
      if (first && unsubscribe.length === 0) everything = this.hasLegacyWildcard;
    } else if (this.unnamed) {
      // The first name ends a legacy wildcard; a client that wants both says `*` with it, as Envoy does.
      everything = false;
      this.unnamed = false;
    }
    const { names: added, hasWildcard } = namesOf(subscribe);
    if (hasWildcard) everything = true;
    if (first && unsubscribe.length === 0) {
      if (added.size > REQUEST_LIMITS.names) throw tooManyNames();
      this.share(namesOf(subscribe));
      return this.become(everything, { isChanged: added.size > 0, dropped: [], resend: [] });
    }
    // Under a wildcard the client has dropped what it is still to have (R5), whether it ever named it or not.
    const given = unsubscribe.filter((name) => name !== WILDCARD);
    if (given.length < unsubscribe.length && !hasWildcard) everything = false;
    const dropped = [...new Set(given)].filter((name) => !added.has(name) && this.explicit.has(name));
    const gained = [...added].filter((name) => !this.explicit.has(name));
    if (this.explicit.size - dropped.length + gained.length > REQUEST_LIMITS.names) throw tooManyNames();
    const isChanged = dropped.length + gained.length > 0;
    if (isChanged) this.alter(dropped, gained);
    return this.become(everything, { isChanged, dropped, resend: first ? given : [...given, ...added] });
  }

  private share({ names, weight }: Names): void {
    this.explicit = names;
    this.own = null;
    this.bytes = weight;
  }

  /** In place: a client of many names changes a few at a time. */
  private alter(dropped: readonly string[], gained: readonly string[]): void {
    this.own ??= new Set(this.explicit);
    for (const name of dropped) this.own.delete(name);
    for (const name of gained) this.own.add(name);
    this.explicit = this.own;
    this.bytes += weightOf(gained) - weightOf(dropped);
  }

  private become(
    everything: boolean,
    names: Pick<SubscriptionChange, 'dropped' | 'resend'> & { readonly isChanged: boolean },
  ): SubscriptionChange {
    const wildcardStarted = everything && !this.everything;
    const wildcardEnded = !everything && this.everything;
    const changed = !this.started || wildcardStarted || wildcardEnded || names.isChanged;
    this.started = true;
    this.everything = everything;
    return {
      changed,
      wildcardStarted,
      dropped: wildcardEnded ? null : names.dropped,
      resend: names.resend.filter((name) => this.covers(name)),
    };
  }
}

/** What a name costs beside its characters: its place in sets and maps. */
const NAME_OVERHEAD = 64;

/** About how many bytes texts take that a client makes the server remember. */
export function weightOf(texts: Iterable<string>): number {
  let bytes = 0;
  for (const text of texts) bytes += text.length + NAME_OVERHEAD;
  return bytes;
}

interface Names {
  /** Without `*`. */
  readonly names: ReadonlySet<string>;
  readonly hasWildcard: boolean;
  readonly weight: number;
}

/** What is in a list; worked out once for all who share it. */
const namesOf = remembered((list: readonly string[]): Names => {
  const names = new Set(list);
  const hasWildcard = names.delete(WILDCARD);
  return { names: names.size === 0 ? NO_NAMES : names, hasWildcard, weight: weightOf(names) };
});

function equalSets(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const name of a) if (!b.has(name)) return false;
  return true;
}
