import type { Given, HistoryEvent } from '../client/history.ts';
import { isRoot, type Kind, KINDS, type Protocol } from '../client/kinds.ts';
import { type Facts, has, hasNow, type Snapshot } from './facts.ts';
import { type Acknowledged, type Event, Holdings, keyOf, StreamView } from './stream-view.ts';
import { Window } from './window.ts';

/** What EFMS promises of everything that it sends (README.md beside this folder). */
export type Promised = 'assigned' | 'whole' | 'in order' | 'in use' | 'not repeated' | 'asked for' | 'true' | 'at last';

export interface Violation {
  readonly proxy: string;
  readonly at: number;
  readonly promise: Promised;
  readonly words: string;
}

const FIRST_GROUP: readonly Kind[] = ['cluster', 'endpoint', 'secret'];
const SECOND_GROUP: readonly Kind[] = ['listener', 'route'];

/**
 * Judges one proxy by its own history: everything that it was sent is held against what it was to be served. It takes the history in
 * pieces, as it comes; what it finds is in `violations`, and why things were sent in `reasons`.
 */
export class Judge {
  readonly violations: Violation[] = [];
  /** Resources that were sent, by why. */
  readonly reasons = new Map<string, number>();
  responses = 0;
  private readonly proxy: string;
  private readonly protocol: Protocol;
  private readonly facts: Facts;
  private readonly window: Window;
  private readonly holdings: Holdings;
  private stream: StreamView | undefined;
  private acknowledged = new Map<Kind, Acknowledged>();
  /** Kinds of which something was refused since it last had a snapshot in full: what it has of them is its own doing. */
  private readonly refused = new Set<Kind>();
  private at = 0;

  constructor(proxy: string, protocol: Protocol, facts: Facts) {
    this.proxy = proxy;
    this.protocol = protocol;
    this.facts = facts;
    this.window = new Window(facts, proxy);
    this.holdings = new Holdings(protocol);
  }

  take(event: HistoryEvent): void {
    this.at = event.at;
    switch (event.what) {
      case 'opened':
        this.stream = new StreamView(this.protocol, event.at);
        break;
      case 'asked':
        this.stream?.asked(event, this.acknowledged.get(event.kind));
        this.dropUnwanted(event);
        break;
      case 'got':
        this.got(event);
        break;
      case 'answered': {
        const acknowledged = this.stream?.answered(event);
        if (acknowledged) this.acknowledged.set(event.kind, acknowledged);
        this.lookForRest();
        break;
      }
      case 'ended':
      case 'fell silent':
        this.stream = undefined;
        break;
      case 'restarted':
        this.stream = undefined;
        this.holdings.clear();
        this.acknowledged = new Map();
        this.refused.clear();
        this.window.restart(event.at);
    }
  }

  /** In what the proxy differs from what it is to have by now, in words; nothing where it has that. */
  standing(): string[] {
    const { newest } = this.window;
    if (!newest) return ['what it is to be served is not known'];
    if (!this.stream) return ['it has no stream'];
    const named = (kind: Kind): ReadonlySet<string> => this.stream?.names.get(kind) ?? new Set();
    return KINDS.flatMap((kind) => {
      const held = this.holdings.of(kind);
      const wanted = [...newest.kinds[kind].keys()].filter((name) => isRoot(kind) || named(kind).has(name));
      const missing = wanted.filter((name) => {
        const given = held.get(name);
        return !given || !hasNow(this.facts, this.proxy, newest, kind, given);
      });
      const more = [...held.keys()].filter((name) => !newest.kinds[kind].has(name));
      return [
        ...missing.map((name) => `${kind} ${name} is ${describe(held.get(name))}`),
        ...more.map((name) => `${kind} ${name} is still there`),
      ];
    });
  }

  private dropUnwanted({ kind, names }: Event<'asked'>): void {
    if (isRoot(kind)) return;
    const wanted = new Set(names);
    this.holdings.drop(
      kind,
      [...this.holdings.of(kind).keys()].filter((name) => !wanted.has(name)),
    );
  }

  private got(event: Event<'got'>): void {
    const { stream } = this;
    if (!stream) return;
    this.responses += 1;
    this.checkNames(stream, event);
    const candidates = this.explain(event);
    if (candidates.length > 0) {
      this.checkOrder(stream, event, candidates);
      this.account(stream, event, candidates);
    }
    const before = [...this.holdings.of(event.kind).keys()];
    const isWanted = (name: string): boolean =>
      isRoot(event.kind) || (stream.names.get(event.kind)?.has(name) ?? false);
    const gone = this.holdings.apply(event, isWanted);
    stream.got(event);
    if (event.refused.length > 0) this.refused.add(event.kind);
    if (candidates.length > 0) {
      if (gone.length > 0) this.checkRemoval(stream, event, { gone, candidates });
      this.checkWhole(event, before, candidates);
    }
    this.checkUse();
    this.lookForRest();
  }

  private checkNames(stream: StreamView, { kind, resources, misnamed }: Event<'got'>): void {
    for (const name of misnamed) this.blame('true', `${kind} ${name} came under a version that is not its own`);
    if (isRoot(kind)) return;
    for (const [name] of resources) {
      if (!stream.everAsked.has(keyOf(kind, name))) this.blame('asked for', `${kind} ${name} was never asked for`);
    }
  }

  /** The snapshots of which the response can be a part. */
  private explain(event: Event<'got'>): Snapshot[] {
    const { kind, version, resources, removed } = event;
    const possible = this.window.snapshots(this.at);
    if (this.protocol === 'delta') {
      const one = possible.find(({ hash }) => hash === version);
      if (!one) {
        const isOld = this.window.hasEver(version, this.at);
        this.blame(
          'assigned',
          `${kind} of ${short(version)}, ${isOld ? 'which was over' : 'which was never assigned'}`,
        );
        return [];
      }
      for (const given of resources) {
        if (!this.has(one, kind, given))
          this.blame('assigned', `${kind} ${describe(given)} is not of ${short(version)}`);
      }
      for (const name of removed) {
        if (one.kinds[kind].has(name)) this.blame('assigned', `${kind} ${name} is removed, and of ${short(version)}`);
      }
      return [one];
    }
    const candidates = possible.filter((snapshot) => this.isWholeOf(snapshot, event));
    if (candidates.length === 0) {
      const [newest] = possible;
      const strange = newest ? resources.filter((given) => !this.has(newest, kind, given)).map(describe) : [];
      this.blame(
        'assigned',
        `${kind} of no assigned snapshot; not of the newest: ${strange.join(', ') || 'what is missing'}`,
      );
    }
    return candidates;
  }

  /** State of the world: all of the snapshot, or of a root kind also what the client had and is to keep for a while. */
  private isWholeOf(snapshot: Snapshot, { kind, resources }: Event<'got'>): boolean {
    const given = new Set(resources.map(([name]) => name));
    if (isRoot(kind) && ![...snapshot.kinds[kind].keys()].every((name) => given.has(name))) return false;
    return resources.every((resource) => {
      if (this.has(snapshot, kind, resource)) return true;
      const isKept = isRoot(kind) && !snapshot.kinds[kind].has(resource[0]);
      return isKept && this.isOfWindow(kind, resource);
    });
  }

  /** Listeners and routes come when clusters, endpoints and secrets are there and acknowledged. */
  private checkOrder(stream: StreamView, event: Event<'got'>, candidates: readonly Snapshot[]): void {
    if (!SECOND_GROUP.includes(event.kind) || event.resources.length + event.removed.length === 0) return;
    if (stream.isWaiting(FIRST_GROUP)) {
      this.blame('in order', `${event.kind} came before the answer to clusters, endpoints or secrets`);
      return;
    }
    const missing = (snapshot: Snapshot): string[] =>
      FIRST_GROUP.flatMap((kind) => this.missingOf(stream, kind, snapshot));
    if (candidates.some((snapshot) => missing(snapshot).length === 0)) return;
    const words = candidates[0] ? missing(candidates[0]).join(', ') : '';
    this.blame('in order', `${event.kind} came before ${words}`);
  }

  /** What is gone was used by nothing any more: listeners go with those that replace them, everything else after all users. */
  private checkRemoval(
    stream: StreamView,
    { kind }: Event<'got'>,
    { gone, candidates }: { readonly gone: readonly string[]; readonly candidates: readonly Snapshot[] },
  ): void {
    if (kind === 'listener') return;
    const unready = (snapshot: Snapshot): string[] => [
      ...SECOND_GROUP.flatMap((each) => (each === kind ? [] : this.missingOf(stream, each, snapshot))),
      ...[...this.holdings.of('listener').keys()].filter((name) => !snapshot.kinds.listener.has(name)),
    ];
    const isAsked = stream.names.has('listener');
    if (!isAsked || candidates.some((snapshot) => unready(snapshot).length === 0)) return;
    const words = candidates[0] ? unready(candidates[0]).join(', ') : '';
    this.blame('in order', `${kind} ${gone.join(', ')} went before ${words}`);
  }

  /** What a proxy asked for of a kind and does not have as a snapshot has it. */
  private missingOf(stream: StreamView, kind: Kind, snapshot: Snapshot): string[] {
    const names = stream.names.get(kind);
    if (!names) return [];
    const wanted = [...snapshot.kinds[kind].keys()].filter((name) => isRoot(kind) || names.has(name));
    const held = this.holdings.of(kind);
    return wanted.flatMap((name) => {
      const given = held.get(name);
      return given && this.has(snapshot, kind, given) ? [] : [`${kind} ${name}`];
    });
  }

  /** After a response all that the proxy has of its kind is of one snapshot, or waits to be removed. */
  private checkWhole(event: Event<'got'>, before: readonly string[], candidates: readonly Snapshot[]): void {
    const { kind } = event;
    if (this.refused.has(kind)) return;
    // Of children only what it had before: the names that it asks for anew may not be known yet.
    const named = new Set(isRoot(kind) ? [...this.holdings.of(kind).keys()] : before);
    const strange = (snapshot: Snapshot): Given[] =>
      [...this.holdings.of(kind).values()].filter((given) => {
        if (!named.has(given[0])) return false;
        return snapshot.kinds[kind].has(given[0]) ? !this.has(snapshot, kind, given) : !this.isOfWindow(kind, given);
      });
    const missing = (snapshot: Snapshot): string[] =>
      isRoot(kind) ? [...snapshot.kinds[kind].keys()].filter((name) => !this.holdings.of(kind).has(name)) : [];
    if (candidates.some((snapshot) => strange(snapshot).length + missing(snapshot).length === 0)) return;
    const [first] = candidates;
    if (!first) return;
    const words = [...strange(first).map(describe), ...missing(first).map((name) => `${name} missing`)];
    this.blame('whole', `${kind} of ${short(first.hash)} beside ${words.join(', ')}`);
  }

  /** Whatever serves has all that it needs: routes their clusters, clusters their endpoints. */
  private checkUse(): void {
    if (this.refused.size > 0) return;
    for (const [name, [, version]] of this.holdings.of('listener')) {
      for (const routes of this.facts.references(version)) {
        const used = this.holdings.of('route').get(routes.name);
        // A listener whose routes are not there does not serve yet.
        for (const { name: cluster } of used ? this.facts.references(used[1]) : []) {
          const absent = (['cluster', 'endpoint'] as const).filter((kind) => !this.holdings.of(kind).has(cluster));
          if (absent.length > 0) {
            this.blame('in use', `listener ${name} uses ${cluster}, of which there is no ${absent.join(' and no ')}`);
          }
        }
      }
    }
  }

  /** Why each resource was sent; what the proxy was known to have needs a reason. */
  private account(stream: StreamView, event: Event<'got'>, candidates: readonly Snapshot[]): void {
    const { kind, resources } = event;
    const reasons = resources.map((given) => this.reasonFor(stream, kind, given, candidates));
    const wholeReason = this.protocol === 'sotw' ? this.reasonForWhole(stream, event, reasons, candidates) : undefined;
    for (const [i, given] of resources.entries()) {
      const reason = reasons[i] ?? wholeReason;
      if (reason === undefined) this.blame('not repeated', `${kind} ${describe(given)}, which it was known to have`);
      else this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
      this.causeChildren(stream, kind, given, candidates);
    }
  }

  private reasonFor(stream: StreamView, kind: Kind, given: Given, candidates: readonly Snapshot[]): string | undefined {
    if (!stream.isKnown(kind, given)) {
      if (stream.wasRefused(kind, given[0])) return 'after a refusal';
      const held = this.holdings.of(kind).get(given[0]);
      if (!held) return 'new';
      return held[1] === given[1] ? 'never acknowledged on a stream' : 'changed';
    }
    const cause = stream.takeCause(kind, given[0]);
    if (cause) return cause;
    if (candidates.some((snapshot) => this.isDoubted(stream, kind, given, snapshot))) return 'in doubt';
    const isLonely = (kind === 'endpoint' || kind === 'route') && !stream.isAcknowledged(kind, given);
    return isLonely && candidates.some((snapshot) => !this.hasParent(kind, given[0], snapshot))
      ? 'nothing waits for it'
      : undefined;
  }

  /** State of the world says all where it says anything. */
  private reasonForWhole(
    stream: StreamView,
    { kind, resources }: Event<'got'>,
    reasons: readonly (string | undefined)[],
    candidates: readonly Snapshot[],
  ): string | undefined {
    if (reasons.some((reason) => reason !== undefined)) return 'with others of its kind';
    const names = new Set(resources.map(([name]) => name));
    if (isRoot(kind) && stream.knownNames(kind).some((name) => !names.has(name))) return 'with others of its kind';
    const isBetween = (snapshot: Snapshot): boolean =>
      isRoot(kind) &&
      resources.some((given) => !snapshot.kinds[kind].has(given[0]) && !stream.isAcknowledged(kind, given));
    if (candidates.some(isBetween)) return 'what was claimed lies between two snapshots';
    // What was claimed is one version for all: it is believed or doubted as a whole.
    const isDoubted = (snapshot: Snapshot): boolean => {
      const { snapshots, isAnything } = this.window.doubts(stream.openedAt, this.at, snapshot.hash);
      const isElsewhere =
        !isRoot(kind) &&
        [...this.window.goods(stream.openedAt, this.at)].some((good) => good !== null && good !== snapshot.hash);
      return isAnything || isElsewhere || snapshots.some((other) => !isEqual(other.kinds[kind], snapshot.kinds[kind]));
    };
    return candidates.some(isDoubted) ? 'in doubt' : undefined;
  }

  /** Whether the proxy may have been sent something else under the name, on another stream or before. */
  private isDoubted(stream: StreamView, kind: Kind, [name]: Given, snapshot: Snapshot): boolean {
    const { snapshots, isAnything } = this.window.doubts(stream.openedAt, this.at, snapshot.hash);
    if (kind === 'secret') return isAnything || snapshots.length > 0;
    return isAnything || snapshots.some((other) => other.kinds[kind].get(name) !== snapshot.kinds[kind].get(name));
  }

  /** A parent that comes with what the proxy may not have makes it wait for its children again. */
  private causeChildren(stream: StreamView, kind: Kind, given: Given, candidates: readonly Snapshot[]): void {
    if (!isRoot(kind)) return;
    const isHeld = stream.isAcknowledged(kind, given);
    if (isHeld && !candidates.some((snapshot) => this.isDoubted(stream, kind, given, snapshot))) return;
    for (const child of this.facts.references(given[1])) {
      if (child.kind === 'endpoint' || child.kind === 'route')
        stream.cause(child.kind, child.name, 'its parent changed');
    }
  }

  private hasParent(kind: Kind, name: string, snapshot: Snapshot): boolean {
    const parents = snapshot.kinds[kind === 'endpoint' ? 'cluster' : 'listener'];
    return [...parents.values()].some((version) =>
      this.facts.references(version).some((child) => child.kind === kind && child.name === name),
    );
  }

  private lookForRest(): void {
    const { stream } = this;
    if (!stream?.names.has('cluster') || !stream.names.has('listener')) return;
    for (const snapshot of this.window.snapshots(this.at)) {
      const isAll = KINDS.every((kind) => this.missingOf(stream, kind, snapshot).length === 0);
      const isTrimmed = (['cluster', 'listener'] as const).every((kind) =>
        [...this.holdings.of(kind).keys()].every((name) => snapshot.kinds[kind].has(name)),
      );
      if (!isAll || !isTrimmed || stream.isWaiting(KINDS)) continue;
      this.window.rest(snapshot.hash);
      this.refused.clear();
      return;
    }
  }

  private isOfWindow(kind: Kind, given: Given): boolean {
    return this.window.snapshots(this.at).some((snapshot) => this.has(snapshot, kind, given));
  }

  private has(snapshot: Snapshot, kind: Kind, given: Given): boolean {
    return has(this.facts, this.proxy, snapshot, kind, given);
  }

  private blame(promise: Promised, words: string): void {
    this.violations.push({ proxy: this.proxy, at: this.at, promise, words });
  }
}

const short = (hash: string): string => hash.slice(0, 8) || 'nothing';

function describe(given: Given | undefined): string {
  if (!given) return 'missing';
  const [name, version, detail] = given;
  return `${name} at ${short(version)}${detail === '' ? '' : ` (${detail})`}`;
}

const isEqual = (a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean =>
  a.size === b.size && [...a].every(([name, version]) => b.get(name) === version);
