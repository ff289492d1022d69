import type { CompiledSnapshot } from '../snapshots/compiled-snapshot.js';
import { rememberedByPair } from './remembered.js';

/**
 * What the client of a new stream may have from before. After a NACK an Envoy's claims are false (envoy-behaviour.md, "NACK"), and a
 * NACK may have been lost with the stream that it was sent on, so a claim is believed only where all that the client may have been
 * sent since it was last known to have a snapshot in full says the same.
 */
export interface ClaimHistory {
  /** Snapshots other than the desired one that the client may have been sent, and refused, in whole or in part. */
  readonly doubts: readonly CompiledSnapshot[];
  /** False where not even that is known: then nothing that is claimed is believed. */
  readonly isComplete: boolean;
  /** What it had in full before them; null where that is the desired snapshot, or it never had any. */
  readonly had: CompiledSnapshot | null;
  /**
   * Snapshots beside the desired one that a claim may be of. A client that claims anything else comes from elsewhere, and keeps what
   * it has; null where that is decided, and nobody need ask.
   */
  readonly known: readonly CompiledSnapshot[] | null;
}

/** Of a client that was never sent anything but what it is served now. */
export const NO_HISTORY: ClaimHistory = { doubts: [], isComplete: true, had: null, known: null };

/** What a stream did not know that its client may have been sent. */
export interface Doubts {
  readonly snapshots: readonly CompiledSnapshot[];
  /** Nobody remembers what it was. */
  readonly isAnything: boolean;
}

const NO_HASHES: ReadonlySet<string> = new Set();
const NOTHING_NEW: readonly CompiledSnapshot[] = [];

/** One set for all streams that are told the same. */
const hashesOf = rememberedByPair(
  (snapshot: CompiledSnapshot | ClaimHistory, { doubts }: ClaimHistory): ReadonlySet<string> =>
    new Set([...doubts.map(({ hash }) => hash), ...('hash' in snapshot ? [snapshot.hash] : [])]),
);

/**
 * The snapshots that a stream was told to serve or told of: what they left behind is accounted for. A client changes behind the back of a
 * stream that it left, or before it came to it, and a stream cannot tell that it was left.
 */
export class KnownPast {
  private hashes = NO_HASHES;
  private isComplete = true;

  /** Takes note of what is to be served, and of its history. @returns what is new in that */
  take(snapshot: CompiledSnapshot | null, history: ClaimHistory): Doubts {
    const { doubts, isComplete } = history;
    const snapshots = doubts.length === 0 ? NOTHING_NEW : doubts.filter(({ hash }) => !this.hashes.has(hash));
    const isAnything = this.isComplete && !isComplete;
    // What is not among them any more was left behind for good, and is news when it comes again.
    this.hashes = hashesOf(snapshot ?? history, history);
    this.isComplete = isComplete;
    return { snapshots, isAnything };
  }
}
