import { type ProxyKey, proxyKeyText } from '../../infrastructure/index.js';
import type { ServedStream } from '../server/ports.js';
import { CRASH_MS } from './arrival.js';
import type { EndedStream } from './arrivals.js';
import type { HeadChanges } from './head-changes.js';

/** A stream that is kept in step with its proxy's head. */
export interface ReconciledStream {
  readonly stream: ServedStream;
  /**
   * Told what the stream will be told to serve, right before, and what its proxy may have been sent before that; and again what it serves,
   * while its proxy may have been sent anything else. Whether anything of it is still to be written.
   */
  readonly beforeServe: (hash: string | null, tried: readonly string[]) => boolean;
  /** Told that it will serve something else, right before, and when that was decided; undefined for what it is served first. */
  readonly onChange?: (changedAt: number | undefined) => void;
  /** Told that what the client claims is no reason any more to send it nothing. */
  readonly onTakenOver: () => void;
}

/** What the reconciler knows of a stream. */
export interface Entry extends ReconciledStream {
  /** Names the proxy. */
  readonly key: string;
  /** What the stream was told to serve; undefined before the first time. */
  served: string | null | undefined;
  /** What it was told that its proxy may have been sent. */
  tried: readonly string[];
  credentialEpoch: number;
  /** Of the secrets that it was served; undefined before the first time. */
  secretsRev: number | undefined;
  /** Of the endpoint overrides that it was served; undefined before the first time. */
  overridesRev: number | undefined;
  overridesInEffect: number | undefined;
  /** When what it serves was last offered again; undefined before the first look. */
  offeredAt: number | null | undefined;
  isTakenOver: boolean;
}

/** The streams of this replica by proxy, and for a short while the last one that each proxy had. */
export class AttachedStreams {
  private readonly entries = new Map<ServedStream, Entry>();
  private readonly byProxy = new Map<string, Set<Entry>>();
  /** The last stream of each proxy that ended a short while ago, oldest first. */
  private readonly ended = new Map<string, EndedStream & { readonly at: number }>();
  private round: Iterator<Entry> = this.entries.values();
  private turnsOwed = 0;

  add(attached: ReconciledStream): Entry {
    const { identity } = attached.stream;
    const entry: Entry = {
      ...attached,
      key: proxyKeyText(identity),
      served: undefined,
      tried: [],
      secretsRev: undefined,
      overridesRev: undefined,
      overridesInEffect: undefined,
      credentialEpoch: identity.credentialEpoch,
      offeredAt: undefined,
      isTakenOver: false,
    };
    this.entries.set(attached.stream, entry);
    const others = this.byProxy.get(entry.key);
    if (others) others.add(entry);
    else this.byProxy.set(entry.key, new Set([entry]));
    return entry;
  }

  /** @returns what it was, undefined where it is gone already */
  remove(stream: ServedStream): Entry | undefined {
    const entry = this.entries.get(stream);
    if (!entry) return undefined;
    this.entries.delete(stream);
    const ofProxy = this.byProxy.get(entry.key);
    ofProxy?.delete(entry);
    if (ofProxy?.size === 0) this.byProxy.delete(entry.key);
    this.remember(entry);
    return entry;
  }

  has(entry: Entry): boolean {
    return this.entries.get(entry.stream) === entry;
  }

  /** The proxy's stream before, where it ended here a short while ago. */
  endedBefore({ key }: Entry): EndedStream | undefined {
    return this.ended.get(key);
  }

  /** Those whose targets may have changed. */
  *concernedBy(changed: HeadChanges['changed']): Iterable<Entry> {
    if (changed === 'unknown') {
      yield* this.entries.values();
      return;
    }
    for (const proxy of changed.proxies) yield* this.byProxy.get(proxyKeyText(proxy)) ?? [];
    if (changed.tenants.length === 0) return;
    const all = new Set(changed.tenants);
    for (const entry of this.entries.values()) if (all.has(entry.stream.identity.tenantId)) yield entry;
  }

  /** As many as a share of the round owes a turn, so that all have had one after the whole of it. */
  *nextInTurn(share: number): Iterable<Entry> {
    this.turnsOwed = Math.min(this.turnsOwed + this.entries.size * share, this.entries.size);
    for (; this.turnsOwed >= 1; this.turnsOwed -= 1) {
      let next = this.round.next();
      if (next.done === true) {
        this.round = this.entries.values();
        next = this.round.next();
      }
      if (next.done === true) return;
      yield next.value;
    }
  }

  private remember({ key, stream, served }: Entry): void {
    // One that was served nothing yet says nothing of what its process had.
    if (served === undefined) return;
    const now = performance.now();
    this.ended.delete(key);
    this.ended.set(key, { bootId: stream.node.bootId, hash: served, at: now });
    for (const [oldest, { at }] of this.ended) {
      // Who goes later did not go because of what it was sent.
      if (now - at < CRASH_MS) return;
      this.ended.delete(oldest);
    }
  }
}

export function distinctProxies(entries: Iterable<Entry>): ProxyKey[] {
  const proxies = new Map<string, ProxyKey>();
  for (const { key, stream } of entries) proxies.set(key, stream.identity);
  return [...proxies.values()];
}
