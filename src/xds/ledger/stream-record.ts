import type { ResourceKind } from '../resource-types.js';
import { rememberedByPair } from '../server/remembered.js';
import { cleanNackText } from './nack-text.js';

/** What is known of a stream from its beginning on. */
export interface StreamOpening {
  /** UUID. */
  readonly id: string;
  readonly tenantId: string;
  readonly proxyId: string;
  readonly variant: 'sotw' | 'delta';
  /** The peer's address, `127.0.0.1:5000`. */
  readonly peer: string;
  readonly nodeId: string;
  readonly bootId: string | null;
  readonly envoyVersion: string | null;
}

export interface StreamRow extends StreamOpening {
  /** Nothing but what it serves and has is to be written: all else is as it was written before. */
  readonly isKnown: boolean;
  /** Milliseconds since the epoch on the database's clock, as all times of rows. */
  readonly connectedAt: number;
  readonly endedAt: number | null;
  readonly servingHash: string | null;
  readonly convergedHash: string | null;
  readonly convergedAt: number | null;
  readonly unmanaged: boolean;
  /** Nothing is sent to the proxy, because of what it claims to have. */
  readonly frozen: boolean;
  /** The last snapshots that the stream was told to serve, or told that its proxy may have been sent before; one list for all that were told the same. */
  readonly servedHashes: readonly string[];
}

export interface AcknowledgementRow {
  readonly tenantId: string;
  readonly streamId: string;
  readonly kind: ResourceKind;
  readonly sentVersion: string | null;
  readonly sentHash: string | null;
  readonly sentAt: number | null;
  readonly resourceCount: number;
  readonly ackedVersion: string | null;
  readonly ackedAt: number | null;
  readonly nackedVersion: string | null;
  readonly nackedAt: number | null;
  readonly nackedHash: string | null;
  readonly errorCode: number | null;
  readonly errorMessage: string | null;
}

/** Twice as many as are remembered of what a proxy may have been sent. */
const MAX_SERVED = 32;

const NONE: readonly string[] = [];

/** Lists that follow from a list by what is told, so that ten thousand streams that are told the same have one. */
const following = rememberedByPair(
  (_list: readonly string[], _tried: readonly string[]) => new Map<string | null, readonly string[]>(),
);

/** The list with these behind its end, each once; the list itself where that changes nothing. */
function told(list: readonly string[], tried: readonly string[], hash: string | null): readonly string[] {
  const known = following(list, tried);
  let next = known.get(hash);
  if (!next) {
    const last = new Set(hash === null ? tried : [...tried.filter((one) => one !== hash), hash]);
    next = [...list.filter((one) => !last.has(one)), ...last].slice(-MAX_SERVED);
    if (next.length === list.length && next.every((one, i) => one === list[i])) next = list;
    known.set(hash, next);
  }
  return next;
}

/** A database whose clock and the process's monotonic clock were read at the same time; milliseconds. */
export interface ClockReading {
  readonly database: number;
  readonly monotonic: number;
}

/** When something happened: by the process's clock at first, and from its first way to the database on by that one's, for good. */
class Moment {
  private fixed: number | undefined;

  constructor(private readonly monotonic: number) {}

  at(clock: ClockReading): number {
    this.fixed ??= clock.database - (clock.monotonic - this.monotonic);
    return this.fixed;
  }
}

interface TypeRecord {
  /** Whether what was sent last is neither acknowledged nor refused. */
  isAwaited: boolean;
  sent?: { readonly version: string; readonly hash: string | null; readonly resources: number; readonly at: Moment };
  acked?: { readonly version: string; readonly at: Moment };
  nacked?: {
    readonly version: string;
    readonly hash: string | null;
    readonly code: number;
    readonly message: string;
    readonly at: Moment;
  };
}

const NEVER = {
  sent: { version: null, hash: null, resources: 0, at: null },
  acked: { version: null, at: null },
  nacked: { version: null, hash: null, code: null, message: null, at: null },
} as const;

/** A response that was refused; of the snapshot, or else of that by which its type was sent last. */
export interface RefusedResponse {
  readonly kind: ResourceKind;
  readonly version: string;
  readonly snapshot?: string;
}

/** What of a record is not in the database yet. */
export interface Changes {
  readonly stream: boolean;
  /** Whether the stream began, ended, or turned managed or unmanaged: what the proxy's status shows. */
  readonly presence: boolean;
  readonly kinds: ReadonlySet<ResourceKind>;
}

/**
 * The newest state of one stream, and what of it is to be written. However long the database is away, it holds one value of
 * everything, so it has a fixed size.
 */
export class StreamRecord {
  private readonly connectedAt: Moment;
  private endedAt: Moment | null = null;
  private servingHash: string | null = null;
  private converged: { readonly hash: string; readonly at: Moment } | null = null;
  private isUnmanaged = false;
  private isFrozen = false;
  private servedHashes = NONE;
  private readonly types = new Map<ResourceKind, TypeRecord>();
  private streamChanged = true;
  private presenceChanged = true;
  private changedKinds = new Set<ResourceKind>();
  private lastSentAt = -Infinity;

  constructor(
    readonly opening: StreamOpening,
    private readonly openedAt: number,
  ) {
    this.connectedAt = new Moment(openedAt);
  }

  isOlderThan(other: StreamRecord): boolean {
    return this.openedAt < other.openedAt;
  }

  get isEnded(): boolean {
    return this.endedAt !== null;
  }

  /**
   * Whether nothing is to be written but what was sent since then and is not answered, and what goes with it: the answer will have to be
   * written too. A stream that began, ended, or shows otherwise in its proxy's status is written without waiting for any.
   */
  isAwaitedSince(time: number): boolean {
    if (this.presenceChanged || this.lastSentAt < time) return false;
    for (const { isAwaited } of this.types.values()) if (isAwaited) return true;
    return false;
  }

  /** @param tried what the proxy may have been sent before; from its convergence on it has nothing of that any more */
  serving(hash: string | null, tried: readonly string[] = NONE): boolean {
    this.servedHashes = told(this.servedHashes, tried, hash);
    // Said again, for what it was sent before is kept until that is written.
    const isToBeSaidAgain = tried.length > 0 && this.converged?.hash === hash;
    if (this.servingHash === hash && !(this.isUnmanaged && hash !== null) && !isToBeSaidAgain) return false;
    this.servingHash = hash;
    if (hash !== null && this.isUnmanaged) {
      this.isUnmanaged = false;
      this.presenceChanged = true;
    }
    this.streamChanged = true;
    return true;
  }

  sent(kind: ResourceKind, version: string, resources: number, now: number): void {
    const type = this.type(kind);
    type.sent = { version, hash: this.servingHash, resources, at: new Moment(now) };
    type.isAwaited = true;
    this.lastSentAt = now;
  }

  acked(kind: ResourceKind, version: string, now: number): void {
    const type = this.type(kind);
    type.acked = { version, at: new Moment(now) };
    type.isAwaited = false;
  }

  /** @param message Envoy's own words; only their cleaned form is kept */
  nacked(
    { kind, version, snapshot }: RefusedResponse,
    error: { readonly code: number; readonly message: string },
    now: number,
  ): void {
    const type = this.type(kind);
    type.isAwaited = false;
    type.nacked = {
      version,
      hash: snapshot ?? type.sent?.hash ?? this.servingHash,
      code: error.code,
      message: cleanNackText(kind, error.message),
      at: new Moment(now),
    };
  }

  convergedOn(hash: string | null, now: number): boolean {
    if (hash === (this.converged?.hash ?? null)) return false;
    this.converged = hash === null ? null : { hash, at: new Moment(now) };
    this.streamChanged = true;
    return true;
  }

  unmanaged(): void {
    this.isUnmanaged = true;
    this.streamChanged = true;
    this.presenceChanged = true;
  }

  frozen(isFrozen: boolean): void {
    this.isFrozen = isFrozen;
    this.streamChanged = true;
    this.presenceChanged = true;
  }

  ended(now: number): void {
    this.endedAt = new Moment(now);
    this.streamChanged = true;
    this.presenceChanged = true;
  }

  /** Has everything written again. */
  touch(): void {
    this.streamChanged = true;
    this.presenceChanged = true;
    this.changedKinds = new Set(this.types.keys());
  }

  /** Hands over what is to be written; from here on only what changes later is. */
  take(): Changes {
    const changes = { stream: this.streamChanged, presence: this.presenceChanged, kinds: this.changedKinds };
    this.streamChanged = false;
    this.presenceChanged = false;
    this.changedKinds = new Set();
    return changes;
  }

  /** Takes back what could not be written. */
  restore(changes: Changes): void {
    this.streamChanged ||= changes.stream;
    this.presenceChanged ||= changes.presence;
    this.changedKinds = new Set([...changes.kinds, ...this.changedKinds]);
  }

  /** @param isKnown whether the rest of it is as it was written before */
  streamRow(clock: ClockReading, isKnown: boolean): StreamRow {
    const { opening } = this;
    return {
      isKnown,
      id: opening.id,
      tenantId: opening.tenantId,
      proxyId: opening.proxyId,
      variant: opening.variant,
      peer: opening.peer,
      nodeId: opening.nodeId,
      bootId: opening.bootId,
      envoyVersion: opening.envoyVersion,
      connectedAt: this.connectedAt.at(clock),
      endedAt: this.endedAt?.at(clock) ?? null,
      servingHash: this.servingHash,
      convergedHash: this.converged?.hash ?? null,
      convergedAt: this.converged?.at.at(clock) ?? null,
      unmanaged: this.isUnmanaged,
      frozen: this.isFrozen,
      servedHashes: this.servedHashes,
    };
  }

  acknowledgementRow(kind: ResourceKind, clock: ClockReading): AcknowledgementRow {
    const { sent = NEVER.sent, acked = NEVER.acked, nacked = NEVER.nacked } = this.types.get(kind) ?? {};
    return {
      tenantId: this.opening.tenantId,
      streamId: this.opening.id,
      kind,
      sentVersion: sent.version,
      sentHash: sent.hash,
      sentAt: sent.at?.at(clock) ?? null,
      resourceCount: sent.resources,
      ackedVersion: acked.version,
      ackedAt: acked.at?.at(clock) ?? null,
      nackedVersion: nacked.version,
      nackedAt: nacked.at?.at(clock) ?? null,
      nackedHash: nacked.hash,
      errorCode: nacked.code,
      errorMessage: nacked.message,
    };
  }

  private type(kind: ResourceKind): TypeRecord {
    let type = this.types.get(kind);
    if (!type) {
      type = { isAwaited: false };
      this.types.set(kind, type);
    }
    this.changedKinds.add(kind);
    return type;
  }
}
