import { REQUEST_LIMITS, tooManyNames } from './wire/discovery-request.js';

const WILDCARD = '*';

/** What a request changed in a subscription. */
export interface SubscriptionChange {
  /** True where anything changed at all. */
  readonly changed: boolean;
  /** True where the client now wants everything and did not before: such a request is answered even with nothing. */
  readonly wildcardStarted: boolean;
  /** Names that the client asked for again, or that fell back to the wildcard: to be sent even if unchanged. */
  readonly resend: readonly string[];
}

/**
 * What a client wants of one type (xDS protocol, "How the client specifies what resources to return"): names, everything
 * (`*`), or both. A type that has legacy wildcards (Listener and Cluster) reads a stream's first request without names as
 * `*`, until the client names anything for the first time; after that an empty list is empty.
 */
export class Subscription {
  private explicit: ReadonlySet<string> = new Set<string>();
  private everything = false;
  /** True until the client has named anything, `*` included. */
  private unnamed = true;
  private started = false;

  constructor(private readonly hasLegacyWildcard: boolean) {}

  get wildcard(): boolean {
    return this.everything;
  }

  /** Names that were asked for by name, in the order of asking; `*` is not among them. */
  get names(): ReadonlySet<string> {
    return this.explicit;
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
    const next = new Set(names);
    const everything = legacy ? this.hasLegacyWildcard : next.delete(WILDCARD);
    this.unnamed = legacy;
    return this.become(next, everything, []);
  }

  /**
   * Incremental: a request carries changes. A name that is both subscribed and unsubscribed stays subscribed.
   * @throws MalformedMessage over the bound of names.
   */
  change(subscribe: readonly string[], unsubscribe: readonly string[]): SubscriptionChange {
    const first = !this.started;
    let everything = this.everything;
    if (subscribe.length === 0) {
      if (first && unsubscribe.length === 0) everything = this.hasLegacyWildcard;
    } else if (this.unnamed) {
      // The first name ends a legacy wildcard; a client that wants both says `*` with it, as Envoy does.
      everything = false;
      this.unnamed = false;
    }
    const next = new Set(this.explicit);
    const resend: string[] = [];
    for (const name of unsubscribe) {
      if (name === WILDCARD) everything = false;
      else {
        // Under a wildcard the client has dropped what it is still to have (R5), whether it ever named it or not.
        next.delete(name);
        resend.push(name);
      }
    }
    for (const name of subscribe) {
      if (name === WILDCARD) everything = true;
      else {
        next.add(name);
        if (!first) resend.push(name);
      }
    }
    return this.become(next, everything, resend);
  }

  private become(names: ReadonlySet<string>, everything: boolean, resend: readonly string[]): SubscriptionChange {
    if (names.size > REQUEST_LIMITS.names) throw tooManyNames();
    const wildcardStarted = everything && !this.everything;
    const changed = !this.started || everything !== this.everything || !equalSets(names, this.explicit);
    this.started = true;
    this.explicit = names;
    this.everything = everything;
    return { changed, wildcardStarted, resend: resend.filter((name) => this.covers(name)) };
  }
}

function equalSets(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  if (a.size !== b.size) return false;
  for (const name of a) if (!b.has(name)) return false;
  return true;
}
