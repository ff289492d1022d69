import { setImmediate as nextTick, setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { DatabaseUnavailable } from '../../common/database/errors.js';
import { Slices } from '../../common/threads/slices.js';
import { type ProxyKey, proxyKeyText } from '../../infrastructure/index.js';
import type { ClaimHistory } from '../server/claim-history.js';
import type { ProxyIdentity, ServedStream } from '../server/ports.js';
import type { SnapshotWithSecrets } from '../secrets/secret-resources.js';
import type { CompiledSnapshot } from '../snapshots/compiled-snapshot.js';
import { WeakValues } from '../snapshots/weak-values.js';
import { type ArrivedStream, isNoteworthy } from './arrivals.js';
import { AttachedStreams, distinctProxies, type Entry, type ReconciledStream } from './attached-streams.js';
import type { HeadChanges, HeadCursor } from './head-changes.js';
import { type LookCause, ReconcilerStats } from './reconciler-stats.js';
import { type Aim, type Group, SnapshotGroups } from './snapshot-groups.js';
import type { Target, TargetScope } from './targets.js';

/** What a credential is now worth. */
export type CredentialVerdict = 'valid' | 'revoked' | 'expired';

/** Where the reconciler reads what should be. */
export interface ReconcilerSources {
  /** Which heads may have changed since a look before. */
  changes(since: HeadCursor | null): Promise<HeadChanges>;
  /** What those of the proxies that exist are to be served, in one query. */
  targets(proxies: readonly ProxyKey[], scope: TargetScope): Promise<readonly Target[]>;
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

/** What one look is at. */
interface Look {
  readonly entries: readonly Entry[];
  /** Those among them whose credentials are looked at, whatever their heads say. */
  readonly inTurn: ReadonlySet<Entry>;
}

const LOADS_AT_ONCE = 4;
/** Streams whose targets are read in one query: more would hold up the event loop for too long. */
const READ_AT_ONCE = 500;

/**
 * Keeps every stream of this replica serving what its proxy is to have. It is driven by the level and not by news of
 * changes: at a fixed interval, and whenever the doorbell rings, it reads which heads changed since it last could, and compares what
 * is with what should be, so a lost, late or repeated doorbell costs time only. A stream that could not be given what it should have
 * is looked at again with every scan, and each one in its turn. While heads cannot be read, streams keep what they have.
 */
export class Reconciler {
  private readonly log = new Logger(Reconciler.name);
  private readonly settings: Required<ReconcilerSettings>;
  private readonly streams = new AttachedStreams();
  private readonly fresh = new Set<Entry>();
  /** Looked at, and not yet serving what they should. */
  private readonly unsettled = new Set<Entry>();
  private readonly unavailable = new Set<string>();
  private readonly histories = new WeakValues<ClaimHistory>();
  private dueBy: LookCause | undefined;
  private lookedBy: LookCause = 'interval';
  private isRunning = false;
  private isFailing = false;
  private isStopped = false;
  private timer: NodeJS.Timeout | undefined;
  private lastPass = -Infinity;
  private lastScan = performance.now();
  private cursor: HeadCursor | null = null;

  constructor(
    private readonly sources: ReconcilerSources,
    settings: ReconcilerSettings,
    readonly stats = new ReconcilerStats(),
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
    this.dueBy = 'doorbell';
    this.run();
  }

  /** Takes over a stream, which is told what to serve once its head is read. Streams of one moment are read together. */
  attach(attached: ReconciledStream): void {
    this.fresh.add(this.streams.add(attached));
    this.run();
  }

  /** Lets go of a stream that has ended. */
  detach(stream: ServedStream): void {
    const entry = this.streams.remove(stream);
    if (!entry) return;
    this.fresh.delete(entry);
    this.unsettled.delete(entry);
  }

  private schedule(): void {
    const wait = this.settings.scanIntervalMs * (0.9 + Math.random() * 0.2);
    this.timer = setTimeout(() => {
      this.schedule();
      this.dueBy ??= 'interval';
      this.run();
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
    while (!this.isStopped && (this.dueBy || this.fresh.size > 0)) {
      await this.pause();
      const began = performance.now();
      const isAtHeads = this.dueBy !== undefined;
      try {
        await this.pass(await this.takeDue());
        if (isAtHeads) this.stats.lookedAt = began;
        if (this.isFailing) this.log.log('the heads of proxies can be read again');
        this.isFailing = false;
      } catch (error) {
        if (!this.isFailing) this.log.warn({ err: error }, 'heads cannot be read; streams keep what they have');
        this.isFailing = true;
        this.stats.failures += 1;
        // The next interval looks at all of them.
        break;
      } finally {
        this.stats.passes.count(performance.now() - began);
        this.stats.unsettled = this.unsettled.size;
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
    if (!this.dueBy) return { entries: [...entries], inTurn: new Set() };
    this.lookedBy = this.dueBy;
    this.dueBy = undefined;
    const inTurn = new Set(this.nextInTurn());
    const { cursor, changed } = await this.sources.changes(this.cursor);
    // Unsettled until they were looked at: should that fail, they are not among the changes again.
    for (const entry of this.streams.concernedBy(changed)) this.unsettled.add(entry);
    this.cursor = cursor;
    for (const entry of inTurn) entries.add(entry);
    for (const entry of this.unsettled) entries.add(entry);
    return { entries: [...entries], inTurn };
  }

  private nextInTurn(): Iterable<Entry> {
    const now = performance.now();
    const share = (now - this.lastScan) / this.settings.roundMs;
    this.lastScan = now;
    return this.streams.nextInTurn(share);
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
      const aims = await this.aimsOf(part);
      await this.checkCredentials(aims, inTurn);
      yield* this.changedGroups(await this.receive(aims));
    }
  }

  /** What they are to be served. Those whose proxies are gone end. */
  private async aimsOf(entries: readonly Entry[]): Promise<readonly Aim[]> {
    const arriving = entries.filter(isArriving);
    const standing = arriving.length === 0 ? entries : entries.filter((entry) => !isArriving(entry));
    const targets = await this.readTargets(standing, 'standing');
    for (const [key, target] of await this.readTargets(arriving, 'arriving')) targets.set(key, target);
    const aims: Aim[] = [];
    for (const entry of entries) {
      const target = targets.get(entry.key);
      if (target) aims.push({ entry, target });
      else this.end(entry, 'the proxy does not exist any more');
    }
    return aims;
  }

  private async readTargets(entries: readonly Entry[], scope: TargetScope): Promise<Map<string, Target>> {
    const targets = new Map<string, Target>();
    if (entries.length === 0) return targets;
    for (const target of await this.sources.targets(distinctProxies(entries), scope)) {
      targets.set(proxyKeyText(target), target);
    }
    return targets;
  }

  /** Has new processes judged before they are sent anything, and looks again at what their proxies are to be served. */
  private async receive(aims: readonly Aim[]): Promise<readonly Aim[]> {
    const noteworthy = aims.filter(
      ({ entry, target }) => isArriving(entry) && this.isAttached(entry) && isNoteworthy(this.arrivalOf(entry), target),
    );
    if (noteworthy.length === 0) return aims;
    const entries = noteworthy.map(({ entry }) => entry);
    await this.sources.arrived(entries.map((entry) => this.arrivalOf(entry)));
    const targets = await this.readTargets(entries, 'arriving');
    return aims.map((aim) => ({ entry: aim.entry, target: targets.get(aim.entry.key) ?? aim.target }));
  }

  private async checkCredentials(aims: readonly Aim[], inTurn: ReadonlySet<Entry>): Promise<void> {
    const suspects = aims.filter(
      ({ entry, target }) =>
        (target.credentialEpoch !== entry.credentialEpoch || inTurn.has(entry)) && this.isAttached(entry),
    );
    if (suspects.length === 0) return;
    const credentials = new Map(
      suspects.map(({ entry: { stream } }) => [stream.identity.credentialId, stream.identity]),
    );
    const verdicts = await this.sources.credentials([...credentials.values()]);
    for (const { entry, target } of suspects) {
      const verdict = verdicts.get(entry.stream.identity.credentialId) ?? 'revoked';
      if (verdict !== 'valid') this.end(entry, `the credential is ${verdict}`);
      entry.credentialEpoch = target.credentialEpoch;
    }
  }

  /** Those whose streams are to be served something else than they are. */
  private changedGroups(aims: readonly Aim[]): Iterable<Group> {
    const groups = new SnapshotGroups();
    for (const aim of aims) {
      const { entry, target } = aim;
      if (!this.isAttached(entry)) continue;
      this.tellDecisions(entry, target);
      const { hash } = target;
      if (entry.served === hash && (hash === null || (isCurrent(entry, target) && !hasNews(entry, target)))) {
        this.remind(entry, target);
      } else if (hash === null) {
        this.serve(entry, null, { target });
      } else {
        groups.add(aim, hash);
      }
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
    const slices = new Slices();
    for (const { entry, target } of group.members) {
      await slices.next();
      this.serve(entry, this.sources.isPrivate(entry.stream.peer) ? full : open, { target, history });
    }
  }

  /** What claims are held against; the same object for all with the same past, by which the streams remember what follows from it. */
  private async historyOf(target: Target): Promise<ClaimHistory> {
    const { tenantId, hash, goodHash, tried, takenOver } = target;
    const key = [tenantId, hash, goodHash, takenOver, ...tried].join('/');
    const known = this.histories.get(key);
    if (known) return known;
    const history = await this.readHistory(target);
    // What could not be had may be there again later.
    const isWhole = history.isComplete && (goodHash === null || goodHash === hash || history.had !== null);
    if (isWhole) this.histories.set(key, history);
    return history;
  }

  /** A snapshot that cannot be had any more leaves what was sent of it unknown. */
  private async readHistory({ tenantId, hash, goodHash, tried, takenOver }: Target): Promise<ClaimHistory> {
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
    if (entry.served !== undefined) this.stats.changes[this.lookedBy] += 1;
    entry.onChange?.(entry.served === undefined ? undefined : target.changedAt);
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

  private arrivalOf(entry: Entry): ArrivedStream {
    const { id, identity, node, claimsNothing } = entry.stream;
    const { tenantId, proxyId } = identity;
    const { bootId, userAgentVersion } = node;
    const before = this.streams.endedBefore(entry);
    return { streamId: id, tenantId, proxyId, bootId, envoyVersion: userAgentVersion || null, claimsNothing, before };
  }

  private isAttached(entry: Entry): boolean {
    return this.streams.has(entry);
  }
}

/** Whether it is new, and was told nothing yet. */
const isArriving = ({ served }: Entry): boolean => served === undefined;

/** Whether nothing that is laid over its snapshot has changed since. */
const isCurrent = (entry: Entry, target: Target): boolean =>
  entry.secretsRev === target.secretsRev &&
  entry.overridesRev === target.overridesRev &&
  entry.overridesInEffect === target.overridesInEffect;

/** Whether the proxy may have been sent anything that the stream was not told of. */
const hasNews = ({ tried, served }: Entry, target: Target): boolean =>
  target.tried.some((hash) => hash !== served && !tried.includes(hash));
