import type { ResourceKind } from '../resource-types.js';
import type { QuarantineCause, QuarantineReason } from './quarantine-rows.js';

/** A snapshot that was held back from a proxy at some time, and is not known to be taken since. */
export interface QuarantineAccount {
  readonly snapshot: string;
  readonly reason: QuarantineReason;
  readonly cause: QuarantineCause;
  /** Held back now; otherwise it was offered again, and neither taken in full nor refused since. */
  readonly held: boolean;
  readonly heldAt: Date;
  readonly offeredAt: Date | null;
  /** When it is offered again by itself. */
  readonly retryAt: Date | null;
  readonly kind: ResourceKind | null;
  readonly code: number | null;
  /** Envoy's words, cleaned. */
  readonly message: string | null;
  /** Names of the refused response that stand in the message. */
  readonly suspects: readonly string[];
}

/** A type on a stream, as the ledger has it. */
export interface TypeAccount {
  readonly kind: ResourceKind;
  readonly sentVersion: string | null;
  readonly sentAt: Date | null;
  readonly resources: number;
  readonly ackedVersion: string | null;
  readonly ackedAt: Date | null;
  readonly refusal: { readonly at: Date; readonly code: number; readonly message: string } | null;
}

/** A live stream of a proxy, or its last one. */
export interface StreamAccount {
  readonly id: string;
  readonly variant: 'sotw' | 'delta';
  readonly peer: string;
  readonly replica: string;
  readonly bootId: string | null;
  readonly envoyVersion: string | null;
  readonly connectedAt: Date;
  readonly endedAt: Date | null;
  readonly serving: string | null;
  readonly converged: string | null;
  readonly management: 'managed' | 'unmanaged' | 'frozen';
  readonly types: readonly TypeAccount[];
}

/** All that is known of what a proxy has, wants, refused and waits for. */
export interface XdsFacts {
  readonly assigned: { readonly snapshot: string; readonly versionId: string | null; readonly assignedAt: Date } | null;
  /** What it is served: what is assigned or, while that is held back, the last good one. */
  readonly served: string | null;
  readonly lastGood: { readonly snapshot: string; readonly since: Date } | null;
  readonly quarantines: readonly QuarantineAccount[];
  /** Newest first. */
  readonly streams: readonly StreamAccount[];
}

const short = (hash: string): string => hash.slice(0, 12);

/** Tells in sentences, the most pressing first, where a proxy stands and what would change that. */
export function explain(facts: XdsFacts): string[] {
  const { assigned, served, streams } = facts;
  const live = streams.filter(({ endedAt }) => endedAt === null);
  const [newest] = live;
  return [
    connectionOf(streams),
    ...(live.length > 1 ? [severalStreams(live)] : []),
    ...(newest ? [managementOf(newest, assigned)] : []),
    ...(assigned ? assignmentOf(facts, assigned.snapshot) : ['It has no assignment: deploy a version to it.']),
    ...(newest && served !== null && newest.management === 'managed' ? progressOf(newest, served) : []),
  ].filter((sentence) => sentence !== '');
}

function connectionOf(streams: readonly StreamAccount[]): string {
  const [newest] = streams;
  if (!newest) return 'It never connected: start its Envoy with the bootstrap that EFMS renders for it.';
  const envoy = newest.envoyVersion === null ? 'It' : `Envoy ${newest.envoyVersion}`;
  if (newest.endedAt === null) {
    return `${envoy} is connected from ${newest.peer} over ${newest.variant === 'delta' ? 'delta' : 'state-of-the-world'} xDS since ${newest.connectedAt.toISOString()}.`;
  }
  return `It is not connected; its last stream ended at ${newest.endedAt.toISOString()}.`;
}

function severalStreams(live: readonly StreamAccount[]): string {
  const processes = new Set(live.map(({ bootId }) => bootId)).size;
  const why =
    processes > 1
      ? `of ${processes} processes, as in a hot restart or where two Envoys share a credential`
      : 'of one process';
  return `It has ${live.length} live streams ${why}; the newest counts.`;
}

function managementOf({ management }: StreamAccount, assigned: XdsFacts['assigned']): string {
  if (management === 'unmanaged') {
    return 'It claims resources that EFMS never gave it, and is sent nothing, so that it keeps them.';
  }
  if (management !== 'frozen' || !assigned) return '';
  return 'It is frozen: it claims resources that EFMS never gave it, so it is sent nothing until somebody takes it over (POST …/take-over), which replaces them.';
}

function assignmentOf({ served, lastGood, quarantines }: XdsFacts, snapshot: string): string[] {
  const quarantine = quarantines.find((one) => one.snapshot === snapshot);
  if (!quarantine) return [`It is to have snapshot ${short(snapshot)}.`];
  const why =
    quarantine.reason === 'crash_loop'
      ? 'two of its processes in a row went down soon after they were sent it'
      : `it refused ${quarantine.kind ?? 'it'} (code ${quarantine.code ?? 0}): ${quarantine.message ?? ''}`;
  if (!quarantine.held) return [`Snapshot ${short(snapshot)} was offered to it again; before, ${why}`];
  const meanwhile =
    served !== snapshot && lastGood
      ? `it is served the last good snapshot ${short(lastGood.snapshot)} in its place`
      : 'it never had another in full, so it keeps what it applied';
  return [`Snapshot ${short(snapshot)} is held back from it: ${why}`, `Meanwhile ${meanwhile}. ${offerOf(quarantine)}`];
}

function offerOf({ reason, retryAt }: QuarantineAccount): string {
  const byHand = 'or on your word (POST …/offer-again)';
  if (retryAt) return `It is offered again at ${retryAt.toISOString()} ${byHand}.`;
  return reason === 'nack'
    ? `It is offered again to a new process or another build of Envoy, ${byHand}.`
    : 'It is offered again on your word (POST …/offer-again).';
}

function progressOf({ converged, types }: StreamAccount, served: string): string[] {
  if (converged === served) return [`It has acknowledged all of snapshot ${short(served)}.`];
  const waiting = types.filter((type) => isWaiting(type)).map(({ kind }) => kind);
  const refused = types.filter(({ refusal }) => refusal !== null).map(({ kind }) => kind);
  return [
    `It has not acknowledged all of snapshot ${short(served)} yet.`,
    ...(waiting.length > 0 ? [`Sent and not answered yet: ${waiting.join(', ')}.`] : []),
    ...(refused.length > 0 ? [`Refused: ${refused.join(', ')}.`] : []),
  ];
}

function isWaiting({ sentAt, ackedAt, refusal }: TypeAccount): boolean {
  if (sentAt === null) return false;
  const answered = Math.max(ackedAt?.getTime() ?? 0, refusal?.at.getTime() ?? 0);
  return answered < sentAt.getTime();
}
