import { setImmediate as nextTick, setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { DatabaseUnavailable } from '../../common/database/errors.js';
import type { Head, ProxyKey } from '../../infrastructure/index.js';
import type { ProxyIdentity, ServedStream } from '../server/ports.js';
import type { CompiledSnapshot } from '../snapshots/compiled-snapshot.js';

/** What a credential is now worth. */
export type CredentialVerdict = 'valid' | 'revoked' | 'expired';

/** Where the reconciler reads what should be. */
export interface ReconcilerSources {
  /** The heads of those of the proxies that exist, in one query. */
  heads(proxies: readonly ProxyKey[]): Promise<readonly Head[]>;
  /** The snapshot with this hash; undefined where the tenant has none. */
  snapshot(tenantId: string, hash: string): Promise<CompiledSnapshot | undefined>;
  /** Verdicts by id of the credential, in one query; a credential that is gone has none. */
  credentials(
    credentials: readonly Pick<ProxyIdentity, 'tenantId' | 'credentialId'>[],
  ): Promise<ReadonlyMap<string, CredentialVerdict>>;
}

export interface ReconcilerSettings {
  /** How often all heads are read, whatever happens; jittered by a tenth. */
  readonly scanIntervalMs: number;
  /** The shortest time between two reads of all heads. */
  readonly minScanPauseMs?: number;
  /** How often credentials are looked at although no head says that they changed: some expire. */
  readonly credentialCheckMs?: number;
}

/** A stream that is kept in step with its proxy's head. */
export interface ReconciledStream {
  readonly stream: ServedStream;
  /** Told what the stream will be told to serve, right before. */
  readonly beforeServe: (hash: string | null) => void;
}

/** What one look is at. */
interface Look {
  readonly entries: readonly Entry[];
  readonly isAtAll: boolean;
}

interface Entry extends ReconciledStream {
  /** What the stream was told to serve; undefined before the first time. */
  served: string | null | undefined;
  credentialEpoch: number;
  /** Raised by whoever wants refused content offered again; undefined before the first look. */
  quarantineRev: number | undefined;
}

/** Streams that are to be served one snapshot. */
interface Group {
  readonly tenantId: string;
  readonly hash: string;
  readonly entries: Entry[];
}

const LOADS_AT_ONCE = 4;
/** Streams served before others get their turn on the event loop. */
const SERVED_AT_ONCE = 50;

/**
 * Keeps every stream of this replica serving what the head of its proxy says. It is driven by the level and not by news of
 * changes: at a fixed interval, and whenever the doorbell rings, it compares what is with what should be, so a lost, late or
 * repeated doorbell costs time only. While heads cannot be read, streams keep what they have.
 */
export class Reconciler {
  private readonly log = new Logger(Reconciler.name);
  private readonly settings: Required<ReconcilerSettings>;
  private readonly entries = new Map<ServedStream, Entry>();
  private readonly fresh = new Set<Entry>();
  private readonly unavailable = new Set<string>();
  private isDue = false;
  private isRunning = false;
  private isFailing = false;
  private isStopped = false;
  private timer: NodeJS.Timeout | undefined;
  private lastScan = -Infinity;
  private lastCredentialCheck = performance.now();

  constructor(
    private readonly sources: ReconcilerSources,
    settings: ReconcilerSettings,
  ) {
    this.settings = { minScanPauseMs: 20, credentialCheckMs: 60_000, ...settings };
  }

  start(): void {
    this.schedule();
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  /** Looks at all heads soon; calls that come together cause one look. */
  wake(): void {
    this.isDue = true;
    this.run();
  }

  /** Takes over a stream, which is told what to serve once its head is read. Streams of one moment are read together. */
  attach(attached: ReconciledStream): void {
    const { credentialEpoch } = attached.stream.identity;
    const entry: Entry = { ...attached, served: undefined, credentialEpoch, quarantineRev: undefined };
    this.entries.set(attached.stream, entry);
    this.fresh.add(entry);
    this.run();
  }

  /** Lets go of a stream that has ended. */
  detach(stream: ServedStream): void {
    const entry = this.entries.get(stream);
    this.entries.delete(stream);
    if (entry) this.fresh.delete(entry);
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
      if (this.fresh.size === 0) await this.pause();
      try {
        await this.pass(this.takeDue());
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

  private async pause(): Promise<void> {
    const wait = this.lastScan + this.settings.minScanPauseMs - performance.now();
    if (wait > 0) await delay(wait, undefined, { ref: false });
  }

  private takeDue(): Look {
    const isAtAll = this.isDue;
    const entries = isAtAll ? [...this.entries.values()] : [...this.fresh];
    if (isAtAll) this.lastScan = performance.now();
    this.isDue = false;
    this.fresh.clear();
    return { entries, isAtAll };
  }

  private async pass(look: Look): Promise<void> {
    const { entries } = look;
    if (entries.length === 0) return;
    const heads = new Map((await this.sources.heads(distinctProxies(entries))).map((head) => [keyOf(head), head]));
    for (const entry of entries) {
      if (!heads.has(keyOf(entry.stream.identity))) this.end(entry, 'the proxy does not exist any more');
    }
    await this.checkCredentials(look, heads);
    await this.serveChanged(entries, heads);
  }

  private async checkCredentials({ entries, isAtAll }: Look, heads: ReadonlyMap<string, Head>): Promise<void> {
    const now = performance.now();
    const isTimeForAll = isAtAll && now - this.lastCredentialCheck >= this.settings.credentialCheckMs;
    if (isTimeForAll) this.lastCredentialCheck = now;
    const suspects = entries.filter((entry) => {
      const head = heads.get(keyOf(entry.stream.identity));
      return this.isAttached(entry) && (isTimeForAll || head?.credentialEpoch !== entry.credentialEpoch);
    });
    if (suspects.length === 0) return;
    const credentials = new Map(suspects.map(({ stream: { identity } }) => [identity.credentialId, identity]));
    const verdicts = await this.sources.credentials([...credentials.values()]);
    for (const entry of suspects) {
      const verdict = verdicts.get(entry.stream.identity.credentialId) ?? 'revoked';
      if (verdict !== 'valid') this.end(entry, `the credential is ${verdict}`);
      entry.credentialEpoch = heads.get(keyOf(entry.stream.identity))?.credentialEpoch ?? entry.credentialEpoch;
    }
  }

  private async serveChanged(entries: readonly Entry[], heads: ReadonlyMap<string, Head>): Promise<void> {
    const bySnapshot = new Map<string, Group>();
    for (const entry of entries) {
      const { tenantId } = entry.stream.identity;
      const head = heads.get(keyOf(entry.stream.identity));
      if (!head || !this.isAttached(entry)) continue;
      const isAskedAgain = entry.quarantineRev !== undefined && entry.quarantineRev !== head.quarantineRev;
      entry.quarantineRev = head.quarantineRev;
      if (isAskedAgain) entry.stream.offerAgain();
      if (entry.served === head.assignmentHash) continue;
      if (head.assignmentHash === null) {
        this.serve(entry, null);
        continue;
      }
      const key = `${tenantId}/${head.assignmentHash}`;
      const group = bySnapshot.get(key) ?? { tenantId, hash: head.assignmentHash, entries: [] };
      bySnapshot.set(key, group);
      group.entries.push(entry);
    }
    await this.serveSnapshots([...bySnapshot.values()]);
  }

  /** Loads a few at a time, and serves each as soon as it is there. One that cannot be loaded holds back no other. */
  private async serveSnapshots(groups: readonly Group[]): Promise<void> {
    const queue = groups.values();
    let outage: DatabaseUnavailable | undefined;
    const work = async (): Promise<void> => {
      for (const group of queue) {
        if (outage) return;
        try {
          await this.serveSnapshot(group);
        } catch (error) {
          if (error instanceof DatabaseUnavailable) outage = error;
          else this.complain(group, error);
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(LOADS_AT_ONCE, groups.length) }, work));
    if (outage) throw outage;
  }

  private async serveSnapshot(group: Group): Promise<void> {
    const snapshot = await this.sources.snapshot(group.tenantId, group.hash);
    if (!snapshot) {
      this.complain(group, new Error('it is not stored'));
      return;
    }
    this.unavailable.delete(group.hash);
    for (const [i, entry] of group.entries.entries()) {
      if (i > 0 && i % SERVED_AT_ONCE === 0) await nextTick();
      this.serve(entry, snapshot);
    }
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

  private serve(entry: Entry, snapshot: CompiledSnapshot | null): void {
    if (!this.isAttached(entry)) return;
    entry.served = snapshot?.hash ?? null;
    entry.beforeServe(entry.served);
    entry.stream.serve(snapshot);
  }

  private end(entry: Entry, reason: string): void {
    if (!this.isAttached(entry)) return;
    this.detach(entry.stream);
    entry.stream.end('permission_denied', reason);
  }

  private isAttached(entry: Entry): boolean {
    return this.entries.get(entry.stream) === entry;
  }
}

const keyOf = ({ tenantId, proxyId }: ProxyKey): string => `${tenantId}/${proxyId}`;

function distinctProxies(entries: readonly Entry[]): ProxyKey[] {
  return [...new Map(entries.map(({ stream: { identity } }) => [keyOf(identity), identity])).values()];
}
