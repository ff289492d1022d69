/** A process of a proxy that opened a stream, and what is known of the one before it. Times are milliseconds of the database. */
export interface Arrival {
  readonly streamId: string;
  readonly bootId: string | null;
  readonly envoyVersion: string | null;
  /** Whether its first request claims nothing from before. */
  readonly claimsNothing: boolean;
}

export interface PriorProcess {
  /** Of the last few processes that were seen, the newest first; those without one are not among them. */
  readonly bootIds: readonly string[];
  /** The stream by which the newest was seen. */
  readonly streamId: string | null;
  /** Whether any stream of the proxy ever acknowledged anything. */
  readonly hasAcknowledged: boolean;
  /** Processes before it, one after the other, that went soon after they were sent `crashHash`. */
  readonly crashHash: string | null;
  readonly crashes: number;
  readonly longestMs: number;
}

/** What the proxy is being served. */
export interface ServedContent {
  readonly hash: string;
  /** Since when its newest process may have had it. */
  readonly sentForMs: number;
  /** Whether a stream of that process lived at any time since then. */
  readonly wasSent: boolean;
  /** How long the last good one ran before, null where there is none or it is this one, had in full for longer than a minute. */
  readonly goodRanMs: number | null;
}

export interface ArrivalVerdict {
  readonly isNewProcess: boolean;
  readonly crashHash: string | null;
  readonly crashes: number;
  readonly longestMs: number;
  /** The served snapshot takes processes of this proxy down: it is to be held back. */
  readonly isCrashLoop: boolean;
}

/** A process that goes later than this after it was sent a snapshot is not taken to have gone because of it. */
export const CRASH_MS = 60_000;
const CRASHES = 2;

const CALM = { crashHash: null, crashes: 0, longestMs: 0, isCrashLoop: false } as const;

/**
 * Judges a process by what became of the one before it (SPEC.md §4.5, "No crash loops"): two new processes in a row, each within a minute of
 * the one before it being sent the same snapshot, where the last good one had run longer than either. By boot ids never seen before; a proxy without one
 * is taken for a new process only where it had acknowledged something and now claims nothing, for a first boot that loses its stream before
 * its first ACK looks the same (envoy-behaviour.md, "Connecting").
 */
export function judgeArrival(
  arrival: Arrival,
  prior: PriorProcess | null,
  served: ServedContent | null,
): ArrivalVerdict {
  if (!prior) return { isNewProcess: true, ...CALM };
  const { crashHash, crashes, longestMs } = prior;
  if (!isNewProcess(arrival, prior)) return { isNewProcess: false, crashHash, crashes, longestMs, isCrashLoop: false };
  if (!served || served.goodRanMs === null || served.sentForMs > CRASH_MS) return { isNewProcess: true, ...CALM };
  // It may have gone before its replica wrote what it was sent; that says nothing for the snapshot, nor against it.
  if (!served.wasSent) return { isNewProcess: true, crashHash, crashes, longestMs, isCrashLoop: false };
  const isSame = crashHash === served.hash;
  const now = {
    crashHash: served.hash,
    crashes: (isSame ? crashes : 0) + 1,
    longestMs: Math.max(isSame ? longestMs : 0, served.sentForMs),
  };
  // Counted anew once it is held back: when it is offered again, one crash for any other reason must not be the last word.
  const isCrashLoop = now.crashes >= CRASHES && served.goodRanMs > now.longestMs;
  return { isNewProcess: true, ...now, ...(isCrashLoop && { crashes: 0 }), isCrashLoop };
}

/** Two processes may live for long, as in a hot restart, and come back one after the other; and a stream may be judged more than once. */
function isNewProcess({ streamId, bootId, claimsNothing }: Arrival, prior: PriorProcess): boolean {
  if (bootId !== null) return !prior.bootIds.includes(bootId);
  return claimsNothing && prior.hasAcknowledged && prior.streamId !== streamId;
}
