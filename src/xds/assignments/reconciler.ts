import { setImmediate as nextTick, setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { DatabaseUnavailable } from '../../common/database/errors.js';
import { type ProxyKey, proxyKeyText } from '../../infrastructure/index.js';
import type { ClaimHistory } from '../server/claim-history.js';
import type { ProxyIdentity, ServedStream } from '../server/ports.js';
import type { SnapshotWithSecrets } from '../secrets/secret-resources.js';
import type { CompiledSnapshot } from '../snapshots/compiled-snapshot.js';
import { CRASH_MS } from './arrival.js';
import { type ArrivedStream, type EndedStream, isNoteworthy } from './arrivals.js';
import type { HeadChanges, HeadCursor } from './head-changes.js';
import type { Target } from './targets.js';

/** What a credential is now worth. */
export type CredentialVerdict = 'valid' | 'revoked' | 'expired';

/** Where the reconciler reads what should be. */
export interface ReconcilerSources {
  /** Which heads may have changed since a look before. */
  changes(since: HeadCursor | null): Promise<HeadChanges>;
  /** What those of the proxies that exist are to be served, in one query. */
  targets(proxies: readonly ProxyKey[]): Promise<readonly Target[]>;
  /** Decides what new processes of proxies mean for that. */
  arrived(streams: readonly ArrivedStream[]): Promise<void>;
  /** The snapshot with this hash; undefined where the tenant has none. */
  snapshot(tenantId: string, hash: string): Promise<CompiledSnapshot | undefined>;
  /** The snapshot as it is served now: with the secrets that it refers to, and endpoints as they are overridden. */
  current(target: Target, snapshot: CompiledSnapshot): Promise<SnapshotWithSecrets>;
  /** Whether nobody but the peer can read what is sent to it. */
  isPrivate(peer: string): boolean;
  /** Verdicts by id of the credential, in one query; a credential that is gone has none. */
  credentials(
    credentials: readonly Pick<ProxyIdentity, 'tenantId' | 'credentialId'>[],
  ): Promise<ReadonlyMap<string, CredentialVerdict>>;
}

export interface ReconcilerSettings {
  /** How often is read which heads changed, whatever happens; jittered by a tenth. */
  readonly scanIntervalMs: number;
  /** The shortest time between the beginnings of two looks, at what changed or at streams that are new. */
  readonly minPauseMs?: number;
  /**
   * In which time each stream is looked at once, although nothing says that anything changed: a few with every scan. It finds
   * credentials that expired, and what nobody thought of.
   */
  readonly roundMs?: number;
}

/** A stream that is kept in step with its proxy's head. */
export interface ReconciledStream {
  readonly stream: ServedStream;
  /**
   * Told what the stream will be told to serve, right before, and what its proxy may have been sent before that; and again what it serves,
   * while its proxy may have been sent anything else. Whether anything of it is still to be written.
   */
  readonly beforeServe: (hash: string | null, tried: readonly string[]) => boolean;
  /** Told that what the client claims is no reason any more to send it nothing. */
  readonly onTakenOver: () => void;
}

/** What one look is at. */
interface Look {
  readonly entries: readonly Entry[];
  /** Those among them whose credentials are looked at, whatever their heads say. */
  readonly inTurn: ReadonlySet<Entry>;
}

interface Entry extends ReconciledStream {
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

/** Streams that are to be served one snapshot, after the same past. */
interface Group {
  readonly tenantId: string;
  readonly hash: string;
  /** Of one of them, for what they have in common. */
  readonly target: Target;
  readonly members: { readonly entry: Entry; readonly target: Target }[];
}

const LOADS_AT_ONCE = 4;
/** Streams whose targets are read in one query: more would hold up the event loop for too long. */
const READ_AT_ONCE = 500;
/** Streams served before others get their turn on the event loop. */
const SERVED_AT_ONCE = 50;

/**
 * Keeps every stream of this replica serving what its proxy is to have. It is driven by the level and not by news of
 * changes: at a fixed interval, and whenever the doorbell rings, it reads which heads changed since it last could, and compares what
 * is with what should be, so a lost, late or repeated doorbell costs time only. A stream that could not be given what it should have
 * is looked at again with every scan, and each one in its turn. While heads cannot be read, streams keep what they have.
 */
export class Reconciler {
  private readonly log = new Logger(Reconciler.name);
  private readonly settings: Required<ReconcilerSettings>;
  private readonly entries = new Map<ServedStream, Entry>();
  private readonly byProxy = new Map<string, Set<Entry>>();
  private readonly fresh = new Set<Entry>();
  /** The last stream of each proxy that ended a short while ago, oldest first. */
  private readonly ended = new Map<string, EndedStream & { readonly at: number }>();
  /** Looked at, and not yet serving what they should. */
  private readonly unsettled = new Set<Entry>();
  private readonly unavailable = new Set<string>();
  private isDue = false;
  private isRunning = false;
  private isFailing = false;
  private isStopped = false;
  private timer: NodeJS.Timeout | undefined;
  private lastPass = -Infinity;
  private lastScan = performance.now();
  private cursor: HeadCursor | null = null;
  private round: Iterator<Entry> = this.entries.values();
  private turnsOwed = 0;

  constructor(
    private readonly sources: ReconcilerSources,
    settings: ReconcilerSettings,
  ) {
    this.settings = { minPauseMs: 20, roundMs: 60_000, ...settings };
  }

  start(): void {
    this.schedule();
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  /** Looks soon at what changed; calls that come together cause one look. */
  wake(): void {
    this.isDue = true;
    this.run();
  }

  /** Takes over a stream, which is told what to serve once its head is read. Streams of one moment are read together. */
  attach(attached: ReconciledStream): void {
    const { credentialEpoch } = attached.stream.identity;
    const entry: Entry = {
      ...attached,
      served: undefined,
      tried: [],
      secretsRev: undefined,
      overridesRev: undefined,
      overridesInEffect: undefined,
      credentialEpoch,
      offeredAt: undefined,
      isTakenOver: false,
    };
    this.entries.set(attached.stream, entry);
    const key = proxyKeyText(attached.stream.identity);
    const others = this.byProxy.get(key);
    if (others) others.add(entry);
    else this.byProxy.set(key, new Set([entry]));
    this.fresh.add(entry);
    this.run();
  }

  /** Lets go of a stream that has ended. */
  detach(stream: ServedStream): void {
    const entry = this.entries.get(stream);
    if (!entry) return;
    this.entries.delete(stream);
    this.fresh.delete(entry);
    this.unsettled.delete(entry);
    const key = proxyKeyText(stream.identity);
    const ofProxy = this.byProxy.get(key);
    ofProxy?.delete(entry);
    if (ofProxy?.size === 0) this.byProxy.delete(key);
    this.remember(key, entry);
  }

  private remember(key: string, { stream, served }: Entry): void {
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

  private schedule(): void {
    const wait = this.settings.scanIntervalMs * (0.9 + Math.random() * 0.2);
    this.timer = setTimeout(() => {
      this.schedule();
      this.wake();
    }, wait).unref();
  }

  private run(): void {
    if (this.isRunning || this.isStopped) return;
    this.isRunning = true;
    void this.loop();
  }

  /** One at a time. It ends without an await between the last look at what is due and `isRunning`, so nothing is overlooked. */
  private async loop(): Promise<void> {
    await nextTick();
    while (!this.isStopped && (this.isDue || this.fresh.size > 0)) {
      await this.pause();
      try {
        await this.pass(await this.takeDue());
        if (this.isFailing) this.log.log('the heads of proxies can be read again');
        this.isFailing = false;
      } catch (error) {
        if (!this.isFailing) this.log.warn({ err: error }, 'heads cannot be read; streams keep what they have');
        this.isFailing = true;
        // The next interval looks at all of them.
        break;
      }
    }
    this.isRunning = false;
  }

  /** What comes within it is looked at together: ten thousand streams that come at once, a few at a time, cost a few queries each. */
  private async pause(): Promise<void> {
    const wait = this.lastPass + this.settings.minPauseMs - performance.now();
    if (wait > 0) await delay(wait, undefined, { ref: false });
    this.lastPass = performance.now();
  }

  private async takeDue(): Promise<Look> {
    const entries = new Set(this.fresh);
    this.fresh.clear();
    for (const entry of entries) this.unsettled.add(entry);
    if (!this.isDue) return { entries: [...entries], inTurn: new Set() };
    this.isDue = false;
    const inTurn = new Set(this.nextInTurn());
    const { cursor, changed } = await this.sources.changes(this.cursor);
    const concerned = changed === 'unknown' ? this.entries.values() : this.concernedBy(changed);
    // Unsettled until they were looked at: should that fail, they are not among the changes again.
    for (const entry of concerned) this.unsettled.add(entry);
    this.cursor = cursor;
    return { entries: [...new Set([...this.unsettled, ...inTurn])], inTurn };
  }

  private *concernedBy({ proxies, tenants }: Exclude<HeadChanges['changed'], 'unknown'>): Iterable<Entry> {
    for (const proxy of proxies) yield* this.byProxy.get(proxyKeyText(proxy)) ?? [];
    if (tenants.length === 0) return;
    const all = new Set(tenants);
    for (const entry of this.entries.values()) if (all.has(entry.stream.identity.tenantId)) yield entry;
  }

  /** As many as the time since the last scan owes a turn, so that all have had one after a round. */
  private *nextInTurn(): Iterable<Entry> {
    const now = performance.now();
    this.turnsOwed += (this.entries.size * (now - this.lastScan)) / this.settings.roundMs;
    this.turnsOwed = Math.min(this.turnsOwed, this.entries.size);
    this.lastScan = now;
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

  private async pass({ entries, inTurn }: Look): Promise<void> {
    const groups = this.groups(entries, inTurn);
    const results = await Promise.allSettled(Array.from({ length: LOADS_AT_ONCE }, () => this.serveSnapshots(groups)));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  /** Reads what the streams are to be served, part by part while others are served already, and sees to all that needs no snapshot. */
  private async *groups(entries: readonly Entry[], inTurn: ReadonlySet<Entry>): AsyncGenerator<Group, void, void> {
    for (let from = 0; from < entries.length; from += READ_AT_ONCE) {
      const part = entries.slice(from, from + READ_AT_ONCE);
      const targets = await this.readTargets(part);
      for (const entry of part) {
        if (!targets.has(proxyKeyText(entry.stream.identity))) this.end(entry, 'the proxy does not exist any more');
      }
      await this.checkCredentials({ entries: part, inTurn }, targets);
      await this.receive(part, targets);
      yield* this.changedGroups(part, targets);
    }
  }

  private async readTargets(entries: readonly Entry[]): Promise<Map<string, Target>> {
    const targets = await this.sources.targets(distinctProxies(entries));
    return new Map(targets.map((target) => [proxyKeyText(target), target]));
  }

  /** Has new processes judged before they are sent anything, and looks again at what their proxies are to be served. */
  private async receive(entries: readonly Entry[], targets: Map<string, Target>): Promise<void> {
    const noteworthy = entries.filter((entry) => {
      const target = targets.get(proxyKeyText(entry.stream.identity));
      return (
        entry.served === undefined && target && this.isAttached(entry) && isNoteworthy(this.arrivalOf(entry), target)
      );
    });
    if (noteworthy.length === 0) return;
    await this.sources.arrived(noteworthy.map((entry) => this.arrivalOf(entry)));
    for (const [key, target] of await this.readTargets(noteworthy)) targets.set(key, target);
  }

  private async checkCredentials({ entries, inTurn }: Look, targets: ReadonlyMap<string, Target>): Promise<void> {
    const suspects = entries.filter((entry) => {
      const target = targets.get(proxyKeyText(entry.stream.identity));
      return this.isAttached(entry) && (inTurn.has(entry) || target?.credentialEpoch !== entry.credentialEpoch);
    });
    if (suspects.length === 0) return;
    const credentials = new Map(suspects.map(({ stream: { identity } }) => [identity.credentialId, identity]));
    const verdicts = await this.sources.credentials([...credentials.values()]);
    for (const entry of suspects) {
      const verdict = verdicts.get(entry.stream.identity.credentialId) ?? 'revoked';
      if (verdict !== 'valid') this.end(entry, `the credential is ${verdict}`);
      entry.credentialEpoch =
        targets.get(proxyKeyText(entry.stream.identity))?.credentialEpoch ?? entry.credentialEpoch;
    }
  }

  /** Those whose streams are to be served something else than they are. */
  private changedGroups(entries: readonly Entry[], targets: ReadonlyMap<string, Target>): Iterable<Group> {
    const groups = new Map<string, Group>();
    for (const entry of entries) {
      const target = targets.get(proxyKeyText(entry.stream.identity));
      if (!target || !this.isAttached(entry)) continue;
      this.tellDecisions(entry, target);
      const { tenantId, hash } = target;
      if (entry.served === hash && (hash === null || isCurrent(entry, target))) {
        if (hash === null || !hasNews(entry, target)) {
          this.remind(entry, target);
          continue;
        }
      }
      if (hash === null) {
        this.serve(entry, null, { target });
        continue;
      }
      const key = [tenantId, hash, target.goodHash, target.takenOver, ...target.tried].join('/');
      const group = groups.get(key) ?? { tenantId, hash, target, members: [] };
      groups.set(key, group);
      group.members.push({ entry, target });
    }
    return groups.values();
  }

  /** Passes on what somebody decided about a stream that goes on serving what it serves. */
  private tellDecisions(entry: Entry, { hash, offeredAt, takenOver }: Target): void {
    const isOfferedAgain = entry.offeredAt !== undefined && entry.offeredAt !== offeredAt && entry.served === hash;
    entry.offeredAt = offeredAt;
    if (isOfferedAgain && offeredAt !== null) entry.stream.offerAgain();
    const isTakenOver = takenOver && !entry.isTakenOver && entry.served !== undefined;
    entry.isTakenOver = takenOver;
    if (isTakenOver) {
      entry.onTakenOver();
      entry.stream.acceptClaims();
    }
  }

  /**
   * What a proxy may have been sent is forgotten when its newest stream has a snapshot in full. Where that is so already, because another
   * stream was the newest then, nothing happens any more by which it would be seen; so that is said again until it is.
   */
  private remind(entry: Entry, { hash, tried }: Target): void {
    entry.tried = tried;
    const isSaidAgain = tried.length > 0 && entry.beforeServe(hash, tried);
    if (!isSaidAgain) this.unsettled.delete(entry);
  }

  /** Serves each as soon as its snapshot is there. One that cannot be loaded holds back no other. */
  private async serveSnapshots(groups: AsyncIterable<Group>): Promise<void> {
    for await (const group of groups) {
      try {
        await this.serveSnapshot(group);
      } catch (error) {
        if (error instanceof DatabaseUnavailable) throw error;
        this.complain(group, error);
      }
    }
  }

  private async serveSnapshot(group: Group): Promise<void> {
    const snapshot = await this.sources.snapshot(group.tenantId, group.hash);
    if (!snapshot) {
      this.complain(group, new Error('it is not stored'));
      return;
    }
    this.unavailable.delete(group.hash);
    const history = await this.historyOf(group.target);
    const { full, open } = await this.sources.current(group.target, snapshot);
    for (const [i, { entry, target }] of group.members.entries()) {
      if (i > 0 && i % SERVED_AT_ONCE === 0) await nextTick();
      this.serve(entry, this.sources.isPrivate(entry.stream.peer) ? full : open, { target, history });
    }
  }

  /** What claims are held against. A snapshot that cannot be had any more leaves what was sent of it unknown. */
  private async historyOf({ tenantId, hash, goodHash, tried, takenOver }: Target): Promise<ClaimHistory> {
    const doubts: CompiledSnapshot[] = [];
    let isComplete = true;
    for (const one of tried) {
      if (one === hash) continue;
      const doubt = one === '*' ? undefined : await this.sources.snapshot(tenantId, one);
      if (doubt) doubts.push(doubt);
      else isComplete = false;
    }
    const isElsewhere = goodHash !== null && goodHash !== hash;
    const had = (isElsewhere && (await this.sources.snapshot(tenantId, goodHash))) || null;
    return { doubts, isComplete, had, known: takenOver ? null : [...doubts, ...(had ? [had] : [])] };
  }

  /** Once per snapshot, not once per look. */
  private complain({ tenantId, hash }: Group, error: unknown): void {
    if (this.unavailable.has(hash)) return;
    this.unavailable.add(hash);
    this.log.error(
      { err: error, tenantId, hash },
      'an assigned snapshot cannot be loaded; its proxies keep what they have',
    );
  }

  private serve(
    entry: Entry,
    snapshot: CompiledSnapshot | null,
    { target, history }: { readonly target: Target; readonly history?: ClaimHistory },
  ): void {
    if (!this.isAttached(entry)) return;
    this.unsettled.delete(entry);
    entry.served = snapshot?.hash ?? null;
    entry.tried = target.tried;
    entry.secretsRev = target.secretsRev;
    entry.overridesRev = target.overridesRev;
    entry.overridesInEffect = target.overridesInEffect;
    entry.beforeServe(entry.served, target.tried);
    entry.stream.serve(snapshot, history);
  }

  private end(entry: Entry, reason: string): void {
    if (!this.isAttached(entry)) return;
    this.detach(entry.stream);
    entry.stream.end('permission_denied', reason);
  }

  private arrivalOf({ stream: { id, identity, node, claimsNothing } }: Entry): ArrivedStream {
    const { tenantId, proxyId } = identity;
    const { bootId, userAgentVersion } = node;
    const before = this.ended.get(proxyKeyText(identity));
    return { streamId: id, tenantId, proxyId, bootId, envoyVersion: userAgentVersion || null, claimsNothing, before };
  }

  private isAttached(entry: Entry): boolean {
    return this.entries.get(entry.stream) === entry;
  }
}

/** Whether nothing that is laid over its snapshot has changed since. */
const isCurrent = (entry: Entry, target: Target): boolean =>
  entry.secretsRev === target.secretsRev &&
  entry.overridesRev === target.overridesRev &&
  entry.overridesInEffect === target.overridesInEffect;

/** Whether the proxy may have been sent anything that the stream was not told of. */
const hasNews = ({ tried, served }: Entry, target: Target): boolean =>
  target.tried.some((hash) => hash !== served && !tried.includes(hash));

function distinctProxies(entries: readonly Entry[]): ProxyKey[] {
  return [...new Map(entries.map(({ stream: { identity } }) => [proxyKeyText(identity), identity])).values()];
}
