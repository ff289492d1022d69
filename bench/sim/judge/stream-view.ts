import type { Claim, Given, HistoryEvent } from '../client/history.ts';
import { isRoot, type Kind, KINDS, type Protocol } from '../client/kinds.ts';

export type Event<What extends HistoryEvent['what']> = Extract<HistoryEvent, { readonly what: What }>;

/** Why something may be sent that the proxy has already. */
export type Cause =
  'its parent changed' | 'it was asked for again' | 'less was asked for' | 'other names were asked for';

interface Known {
  readonly version: string;
  readonly by: 'claim' | 'ack';
}

/** What was acknowledged last of a kind, in state of the world. */
export interface Acknowledged {
  readonly version: string;
  readonly contents: ReadonlyMap<string, string>;
  readonly names: ReadonlySet<string>;
}

/** One stream as its server can see it: what was asked for, claimed and acknowledged on it, and what waits for an answer. */
export class StreamView {
  readonly openedAt: number;
  /** Kinds that were asked for, with the names. */
  readonly names = new Map<Kind, Set<string>>();
  /** All that was asked for at any time. */
  readonly everAsked = new Set<string>();
  private readonly protocol: Protocol;
  private readonly known = new Map<string, Known>();
  private readonly causes = new Map<string, Cause>();
  private readonly pending = new Map<string, Event<'got'>>();
  /** What was refused and has not been acknowledged since, whatever version of it. */
  private readonly refused = new Set<string>();

  constructor(protocol: Protocol, openedAt: number) {
    this.protocol = protocol;
    this.openedAt = openedAt;
  }

  asked({ kind, names, added, dropped, claim }: Event<'asked'>, acknowledged: Acknowledged | undefined): void {
    this.names.set(kind, new Set(names));
    for (const name of names) this.everAsked.add(keyOf(kind, name));
    for (const name of dropped) this.known.delete(keyOf(kind, name));
    if (claim) {
      this.believe(kind, claim, acknowledged);
      return;
    }
    // Asked for again although nothing changed: for all of them.
    const again = added.length + dropped.length === 0 ? names : added;
    for (const name of again) this.causes.set(keyOf(kind, name), 'it was asked for again');
    if (this.protocol === 'sotw' && dropped.length > 0) this.causes.set(kind, 'less was asked for');
  }

  got(event: Event<'got'>): void {
    this.pending.set(event.nonce, event);
  }

  /** @returns what was acknowledged, in state of the world */
  answered({ nonce, isRefusal }: Event<'answered'>): Acknowledged | undefined {
    const response = this.pending.get(nonce);
    this.pending.delete(nonce);
    if (!response) return undefined;
    const { kind, version, resources, removed } = response;
    if (this.protocol === 'sotw' && isRoot(kind)) this.forget(kind);
    for (const name of removed) this.known.delete(keyOf(kind, name));
    for (const [name, hash] of resources) {
      const key = keyOf(kind, name);
      if (isRefusal) {
        this.known.delete(key);
        this.refused.add(key);
      } else {
        this.known.set(key, { version: hash, by: 'ack' });
        this.refused.delete(key);
      }
    }
    if (isRefusal) return undefined;
    const contents = new Map(resources.map(([name, hash]) => [name, hash]));
    return { version, contents, names: new Set(this.names.get(kind)) };
  }

  isKnown(kind: Kind, [name, version]: Given): boolean {
    return this.known.get(keyOf(kind, name))?.version === version;
  }

  isAcknowledged(kind: Kind, [name, version]: Given): boolean {
    const known = this.known.get(keyOf(kind, name));
    return known?.by === 'ack' && known.version === version;
  }

  wasRefused(kind: Kind, name: string): boolean {
    return this.refused.has(keyOf(kind, name));
  }

  /** Names of a kind that the server knows the client to have. */
  knownNames(kind: Kind): string[] {
    const prefix = keyOf(kind, '');
    return [...this.known.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  }

  isWaiting(kinds: readonly Kind[]): boolean {
    return [...this.pending.values()].some(({ kind }) => kinds.includes(kind));
  }

  /** What happened is a reason to send these once more. */
  cause(kind: Kind, name: string, cause: Cause): void {
    this.causes.set(keyOf(kind, name), cause);
  }

  /** The reason to send one again, of its own or of its kind. */
  takeCause(kind: Kind, name: string): Cause | undefined {
    for (const key of [keyOf(kind, name), kind]) {
      const cause = this.causes.get(key);
      if (!cause) continue;
      this.causes.delete(key);
      return cause;
    }
    return undefined;
  }

  private believe(kind: Kind, { version, versions }: Claim, acknowledged: Acknowledged | undefined): void {
    if (this.protocol === 'delta') {
      for (const [name, each] of versions) this.known.set(keyOf(kind, name), { version: each, by: 'claim' });
      return;
    }
    if (version === '' || acknowledged?.version !== version) return;
    for (const [name, each] of acknowledged.contents) this.known.set(keyOf(kind, name), { version: each, by: 'claim' });
    const names = this.names.get(kind) ?? new Set();
    const isSame = names.size === acknowledged.names.size && [...names].every((name) => acknowledged.names.has(name));
    if (!isSame) this.causes.set(kind, 'other names were asked for');
  }

  private forget(kind: Kind): void {
    for (const name of this.knownNames(kind)) this.known.delete(keyOf(kind, name));
  }
}

export const keyOf = (kind: Kind, name: string): string => `${kind}/${name}`;

/** What a process has, as it applied what it was sent. */
export class Holdings {
  private readonly protocol: Protocol;
  private readonly kinds = new Map<Kind, Map<string, Given>>(KINDS.map((kind) => [kind, new Map()]));

  constructor(protocol: Protocol) {
    this.protocol = protocol;
  }

  of(kind: Kind): ReadonlyMap<string, Given> {
    return this.kinds.get(kind) ?? new Map();
  }

  /** @returns names that are gone by it */
  apply({ kind, resources, removed, refused }: Event<'got'>, isWanted: (name: string) => boolean): string[] {
    const held = this.kinds.get(kind) ?? new Map<string, Given>();
    const given = new Set(resources.map(([name]) => name));
    const isWhole = this.protocol === 'sotw' && isRoot(kind);
    const gone = isWhole
      ? [...held.keys()].filter((name) => !given.has(name))
      : removed.filter((name) => held.has(name));
    for (const name of gone) held.delete(name);
    for (const resource of resources) {
      if (!refused.includes(resource[0]) && isWanted(resource[0])) held.set(resource[0], resource);
    }
    return gone;
  }

  drop(kind: Kind, names: readonly string[]): void {
    for (const name of names) this.kinds.get(kind)?.delete(name);
  }

  clear(): void {
    for (const held of this.kinds.values()) held.clear();
  }
}
