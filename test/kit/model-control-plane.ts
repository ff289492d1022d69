import { setImmediate as nextTick } from 'node:timers/promises';
import { judgeArrival, type PriorProcess } from '../../src/xds/assignments/arrival.js';
import type { ArrivedStream } from '../../src/xds/assignments/arrivals.js';
import { Reconciler } from '../../src/xds/assignments/reconciler.js';
import type { Target } from '../../src/xds/assignments/targets.js';
import { Ledger, type LedgerBatch, type StreamLedger } from '../../src/xds/ledger/ledger.js';
import { ProgressSignal } from '../../src/xds/ledger/progress-signal.js';
import type { AcknowledgementRow, StreamRow } from '../../src/xds/ledger/stream-record.js';
import { resourceType } from '../../src/xds/resource-types.js';
import { DeltaStream } from '../../src/xds/server/delta-stream.js';
import type { ProxyIdentity, ServedStream } from '../../src/xds/server/ports.js';
import { SotwStream } from '../../src/xds/server/sotw-stream.js';
import type { ForeignClaim, SentResponse, StreamObserver } from '../../src/xds/server/stream-observer.js';
import type { CompiledSnapshot } from '../../src/xds/snapshots/compiled-snapshot.js';
import type { ModelEnvoy, ModelRequest } from './model-envoy.js';
import { type DecodedResponse, decodeDeltaResponse, decodeSotwResponse } from './xds-wire.js';

const IDENTITY = { tenantId: 't', proxyId: 'p', nodeId: 'n', credentialId: 'c', credentialEpoch: 0 };
const ENVOY = '1.40.0';
/** A flush is a step of a history. */
const NEVER_MS = 2 ** 30;

/** Whether a snapshot is held back, and when it was last offered again. */
interface Quarantine {
  held: boolean;
  offeredAt: number | null;
}

/**
 * What is persisted of one proxy, and the transactions that change it, as the SQL does: `Assignments.set`, `hold` and `release` of
 * quarantine-rows.ts, `recordKnownGood`, `fold` of postgres-ledger.ts, `Targets.scan`.
 */
export class ModelRows {
  readonly snapshots = new Map<string, CompiledSnapshot>();
  assigned: string | null = null;
  good: string | null = null;
  tried: readonly string[] = [];
  takenOver = false;
  process: (NonNullable<Target['process']> & Pick<PriorProcess, 'bootIds' | 'streamId'>) | null = null;
  private readonly quarantines = new Map<string, Quarantine>();
  private readonly streams = new Map<string, StreamRow>();
  private acknowledgements: AcknowledgementRow[] = [];
  private time = 0;

  /** Monotonic, and the same at the database and everywhere else. */
  now(): number {
    return (this.time += 1);
  }

  get served(): string | null {
    return this.isHeld(this.assigned) ? (this.good ?? this.assigned) : this.assigned;
  }

  isHeld(hash: string | null): boolean {
    return hash !== null && (this.quarantines.get(hash)?.held ?? false);
  }

  assign(snapshot: CompiledSnapshot): void {
    const { hash } = snapshot;
    this.snapshots.set(hash, snapshot);
    if (this.assigned === hash) return;
    this.tried = this.assigned === null ? [hash] : this.triedWith(hash);
    this.takenOver ||= this.isUnmanaged;
    this.assigned = hash;
  }

  hold(hash: string): void {
    if (this.assigned === hash && this.good !== null) this.tried = this.triedWith(this.good);
    const row = this.quarantines.get(hash);
    if (row) row.held = true;
    else this.quarantines.set(hash, { held: true, offeredAt: null });
  }

  release(hash: string | null): void {
    const row = hash === null ? undefined : this.quarantines.get(hash);
    if (hash === null || !row?.held) return;
    row.held = false;
    row.offeredAt = this.now();
    if (this.assigned === hash) this.tried = this.triedWith(hash);
  }

  takeOver(): void {
    if (this.assigned !== null) this.takenOver = true;
  }

  target(): Target {
    const hash = this.served;
    const isHeld = this.isHeld(this.assigned);
    return {
      ...IDENTITY,
      hash,
      goodHash: this.good,
      tried: this.tried,
      takenOver: this.takenOver,
      secretsRev: 0,
      overridesRev: 0,
      overridesInEffect: 0,
      changedAt: 0,
      offeredAt: hash === null ? null : (this.quarantines.get(hash)?.offeredAt ?? null),
      process: this.process,
      held: isHeld ? { reason: 'nack', envoyVersion: ENVOY } : null,
    };
  }

  arrived(arrived: ArrivedStream): void {
    const prior = this.process && { ...this.process, hasAcknowledged: true, crashHash: null, crashes: 0, longestMs: 0 };
    if (!judgeArrival(arrived, prior, null).isNewProcess) return;
    const { bootId, envoyVersion, streamId } = arrived;
    this.process = {
      bootId,
      envoyVersion,
      streamId,
      bootIds: [...(bootId ? [bootId] : []), ...(prior?.bootIds ?? [])],
    };
    this.release(this.assigned);
  }

  write(batch: LedgerBatch): void {
    const now = this.now();
    const { streams, acknowledgements } = batch.rows({ database: now, monotonic: now });
    for (const row of streams) this.streams.set(row.id, row);
    for (const row of acknowledgements) {
      const others = this.acknowledgements.filter(
        ({ streamId, kind }) => streamId !== row.streamId || kind !== row.kind,
      );
      this.acknowledgements = [...others, row];
    }
    const newest = this.newest;
    for (const row of streams) if (row.id === newest?.id) this.knowGood(row);
    this.fold();
  }

  /** Ends what a replica that died left open, as `endDeadStreams` does once its lease is over. */
  end(id: string): void {
    const row = this.streams.get(id);
    if (row?.endedAt === null) this.streams.set(id, { ...row, endedAt: this.now() });
  }

  /** The stream whose word counts, and what its proxy is taken to have in full, as `ProxyProgressReader`. */
  get standing(): { readonly streamId: string; readonly converged: string | null } | null {
    const { newest, good, tried } = this;
    if (!newest) return null;
    const hash = newest.convergedHash;
    const isInFull = hash === good && tried.every((one) => one === hash);
    return { streamId: newest.id, converged: isInFull ? hash : null };
  }

  /** As `ClaimChecks`. */
  isOurs({ kind, versions }: ForeignClaim, variant: 'sotw' | 'delta'): boolean {
    if (variant === 'sotw') {
      const rows = this.acknowledgements.filter((row) => row.kind === kind);
      return versions.some((one) => rows.some((row) => row.ackedVersion === one || row.sentVersion === one));
    }
    const stored = [...this.snapshots.values()].flatMap((snapshot) => [...snapshot.resources(kind).values()]);
    return versions.every((one) => stored.some(({ version }) => version === one));
  }

  private get newest(): StreamRow | undefined {
    const live = [...this.streams.values()].filter(({ endedAt }) => endedAt === null);
    return live.sort((a, b) => a.connectedAt - b.connectedAt).at(-1);
  }

  private get isUnmanaged(): boolean {
    return this.newest?.unmanaged ?? false;
  }

  private triedWith(hash: string): readonly string[] {
    if (this.tried.includes(hash)) return this.tried;
    if (this.tried.length < 16) return [...this.tried, hash];
    return ['*', ...this.tried.slice(-14), hash];
  }

  private knowGood({ convergedHash, endedAt, servedHashes }: StreamRow): void {
    if (convergedHash === null || endedAt !== null || this.assigned === null) return;
    this.quarantines.delete(convergedHash);
    this.good = convergedHash;
    this.tried = this.tried.filter((one) => !servedHashes.includes(one));
    if (convergedHash === this.assigned) this.takenOver = false;
  }

  private fold(): void {
    const newest = [...this.streams.values()].sort((a, b) => a.connectedAt - b.connectedAt).at(-1);
    if (!newest) return;
    const gone = [...this.streams.values()].filter(({ id, endedAt }) => id !== newest.id && endedAt !== null);
    for (const { id } of gone) this.streams.delete(id);
    const heirs = new Set([newest.id, ...gone.map(({ id }) => id)]);
    const kept = this.acknowledgements.filter(({ streamId }) => !heirs.has(streamId));
    const folded = new Map<string, AcknowledgementRow>();
    for (const row of this.acknowledgements.filter(({ streamId }) => heirs.has(streamId))) {
      const known = folded.get(row.kind);
      const sent = !known || (row.sentAt ?? -1) > (known.sentAt ?? -1) ? row : known;
      const acked = !known || (row.ackedAt ?? -1) > (known.ackedAt ?? -1) ? row : known;
      const { sentVersion, sentAt } = sent;
      const { ackedVersion, ackedAt } = acked;
      folded.set(row.kind, { ...row, streamId: newest.id, sentVersion, sentAt, ackedVersion, ackedAt });
    }
    this.acknowledgements = [...kept, ...folded.values()];
  }
}

/** The replica at the other end of a connection. */
export interface LinkHost {
  readonly identity: ProxyIdentity;
  readonly ledger: Ledger;
  readonly reconciler: Reconciler;
  /** The last good snapshot. */
  readonly good: string | null;
  /** Snapshots that were refused, and are not held back yet. */
  readonly refused: Set<string>;
  detached(link: ModelLink): void;
}

/** Told what happens on a stream, while it happens. */
export interface LinkWatcher {
  sent(link: ModelLink): void;
  converged(link: ModelLink, hash: string): void;
  frozen(link: ModelLink, claim: ForeignClaim): void;
}

/** One stream with both directions of its connection, each of which delivers when it is told to. */
export class ModelLink {
  readonly id: string;
  readonly up: ModelRequest[] = [];
  readonly down: DecodedResponse[] = [];
  /** False once the process is gone from it, which the replica need not know yet. */
  isHeard = true;
  isOpen = true;
  frozenBy: ForeignClaim | null = null;
  isUnmanaged = false;
  /** The last good snapshot when the stream was last told what to serve. */
  goodWhenServed: string | null = null;
  stream: ServedStream | null = null;
  private isFull = false;
  private machine: SotwStream | DeltaStream | null = null;
  private record: StreamLedger | null = null;
  /** Nonces of what was not answered, by type. */
  private readonly unanswered = new Map<string, string>();
  /** Responses that were sent although one of their type had not been answered. */
  overlaps = 0;

  constructor(
    private readonly replica: LinkHost,
    readonly envoy: ModelEnvoy,
    number: number,
    private readonly watcher: LinkWatcher,
  ) {
    this.id = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
    envoy.connect((request) => this.up.push(request));
  }

  /** The process leaves the stream; what it said before is still on its way. */
  leave(): void {
    this.isHeard = false;
    this.down.length = 0;
  }

  /** The replica sees the end of the stream. */
  end(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.machine?.close();
    if (this.machine) this.replica.detached(this);
    this.record?.ended();
    this.up.length = 0;
  }

  deliverUp(): boolean {
    const request = this.up.shift();
    if (!request || !this.isOpen) return false;
    this.machine ??= this.attach(request);
    if (this.unanswered.get(request.typeUrl) === request.responseNonce) this.unanswered.delete(request.typeUrl);
    if (this.machine instanceof SotwStream) this.machine.onRequest(request as never);
    else this.machine.onRequest(request as never);
    return true;
  }

  deliverDown(): boolean {
    const response = this.isHeard ? this.down.shift() : undefined;
    if (response) this.envoy.receive(response);
    return response !== undefined;
  }

  setFull(isFull: boolean): void {
    this.isFull = isFull;
    if (!isFull) this.machine?.onWritable();
  }

  /** Lets it go on where the claim turns out to be of EFMS. */
  check(rows: ModelRows): void {
    if (!this.frozenBy || !this.isOpen || !rows.isOurs(this.frozenBy, this.envoy.variant)) return;
    this.frozenBy = null;
    this.record?.frozen(false);
    this.machine?.acceptClaims();
  }

  private attach(first: ModelRequest): SotwStream | DeltaStream {
    const { variant, bootId } = this.envoy;
    const sink = { send: (frame: Buffer): boolean => this.sent(frame) };
    const record = (this.record = this.replica.ledger.open({
      id: this.id,
      ...this.replica.identity,
      variant,
      peer: '127.0.0.1:5000',
      bootId,
      envoyVersion: ENVOY,
    }));
    const observer = this.observer(record);
    const machine = variant === 'sotw' ? new SotwStream(sink, observer) : new DeltaStream(sink, observer);
    this.stream = {
      id: this.id,
      identity: this.replica.identity,
      variant,
      peer: '127.0.0.1:5000',
      node: { id: 'n', cluster: '', bootId, userAgentName: 'envoy', userAgentVersion: ENVOY, zone: '' },
      claimsNothing: 'versionInfo' in first ? first.versionInfo === '' : first.initialResourceVersions.size === 0,
      serve: (snapshot, history) => {
        this.goodWhenServed = this.replica.good;
        machine.serve(snapshot, history);
      },
      acceptClaims: () => machine.acceptClaims(),
      offerAgain: () => machine.offerAgain(),
      end: () => this.end(),
    };
    this.replica.reconciler.attach({
      stream: this.stream,
      beforeServe: (hash, tried) => record.serving(hash, tried),
      onTakenOver: () => {
        this.frozenBy = null;
        record.frozen(false);
      },
    });
    return machine;
  }

  private observer(record: StreamLedger): StreamObserver {
    return {
      subscribed: () => undefined,
      sent: (response: SentResponse) => record.sent(response),
      acked: (response) => record.acked(response),
      nacked: (response, error) => {
        record.nacked(response, error);
        if (response.snapshot !== '') this.replica.refused.add(response.snapshot);
      },
      converged: (hash) => {
        record.converged(hash);
        this.watcher.converged(this, hash);
      },
      diverged: () => record.diverged(),
      unmanaged: () => {
        this.isUnmanaged = true;
        record.unmanaged();
      },
      frozen: (claim) => {
        this.frozenBy = claim;
        record.frozen(true);
        this.watcher.frozen(this, claim);
      },
      thawed: () => {
        this.frozenBy = null;
        record.frozen(false);
      },
    };
  }

  private sent(frame: Buffer): boolean {
    const response = this.envoy.variant === 'sotw' ? decodeSotwResponse(frame) : decodeDeltaResponse(frame);
    const { typeUrl } = resourceType(response.kind);
    if (this.unanswered.has(typeUrl)) this.overlaps += 1;
    this.unanswered.set(typeUrl, response.nonce);
    this.watcher.sent(this);
    if (this.isHeard) this.down.push(response);
    return !this.isFull;
  }
}

/** One replica, with all that it forgets when it dies. */
export class ModelReplica implements LinkHost {
  readonly identity = IDENTITY;
  readonly refused = new Set<string>();
  readonly ledger: Ledger;
  readonly reconciler: Reconciler;
  private isDead = false;

  constructor(private readonly rows: ModelRows) {
    const sink = {
      write: (batch: LedgerBatch): Promise<void> => {
        if (!this.isDead) rows.write(batch);
        return Promise.resolve();
      },
    };
    const clock = { now: () => new Date(0), monotonic: () => rows.now() };
    this.ledger = new Ledger(sink, new ProgressSignal(), clock as never, { flushMs: NEVER_MS });
    const none = Promise.resolve();
    this.reconciler = new Reconciler(
      {
        changes: () => Promise.resolve({ cursor: { xid: '0', time: '0' }, changed: 'unknown' }),
        targets: () => Promise.resolve([rows.target()]),
        arrived: (streams) => {
          const newest = streams.at(-1);
          if (newest) rows.arrived(newest);
          return none;
        },
        snapshot: (_, hash) => Promise.resolve(rows.snapshots.get(hash)),
        current: (_, snapshot) => Promise.resolve({ full: snapshot, open: snapshot }),
        isPrivate: () => true,
        credentials: () => Promise.resolve(new Map()),
      },
      { scanIntervalMs: NEVER_MS, minPauseMs: -1, roundMs: NEVER_MS },
    );
  }

  get good(): string | null {
    return this.rows.good;
  }

  detached({ stream }: ModelLink): void {
    if (stream && !this.isDead) this.reconciler.detach(stream);
  }

  holdRefused(): boolean {
    for (const hash of this.refused) this.rows.hold(hash);
    const hadAny = this.refused.size > 0;
    this.refused.clear();
    return hadAny;
  }

  async look(): Promise<void> {
    this.reconciler.wake();
    await settled();
  }

  /** Dies, with what it has not written. */
  async die(): Promise<void> {
    this.isDead = true;
    this.refused.clear();
    this.reconciler.stop();
    await this.ledger.stop();
  }
}

/** Once every replica has done what it was woken for: all that it waits for is there at once. */
export async function settled(): Promise<void> {
  await nextTick();
  await nextTick();
}
