import type { RefusalReason, ServerStats, TurnedAway } from './server-stats.js';

export interface AdmissionLimits {
  /** Streams of discovery that are open at once, and of reports as many. */
  readonly streams: number;
  /** Streams that were admitted and are not served yet. */
  readonly waiting: number;
  /** Delay of the event loop in milliseconds. */
  readonly loopDelay: number;
}

/** Why a stream is not admitted. */
export interface Refusal {
  readonly why: TurnedAway;
  readonly reason: RefusalReason;
  /** Says its client what to do. */
  readonly details: string;
}

/** Who was not served for so long does not wait for this process, but for its own client, the database or somebody's help. */
const WAIT_MS = 5_000;
/** So many may wait however busy the event loop is, or a replica that is always busy would serve nobody new. */
const TRICKLE = 16;

/**
 * Decides whether a stream is taken, before anything is done for it: no query, nothing read. After a restart thousands of proxies come back
 * at once; those that would wait longer than their back-off are told to come again, which Envoys do at random moments, so that no more are
 * in work at once than can be served soon (SPEC.md §4.5).
 */
export class StreamAdmission {
  /** The time since which each waits, in that order. */
  private readonly waiting = new Map<object, number>();
  private isDraining = false;

  constructor(
    private readonly limits: AdmissionLimits,
    private readonly stats: ServerStats,
    private readonly loopDelay: { readonly current: number },
  ) {}

  /**
   * Why no further stream is taken now; null where it is.
   * @param open how many streams of its sort there are
   */
  refusal(open: number): Refusal | null {
    const refusal = this.judge(open);
    if (refusal) this.stats.turnAway(refusal.why);
    return refusal;
  }

  /** A stream was taken, and is to be served. */
  waits(stream: object): void {
    this.waiting.set(stream, performance.now());
    this.stats.waitingStreams = this.waiting.size;
  }

  /** It was served, or has ended. */
  waitsNoMore(stream: object): void {
    if (this.waiting.delete(stream)) this.stats.waitingStreams = this.waiting.size;
  }

  /** Takes no stream from now on. */
  stop(): void {
    this.isDraining = true;
  }

  private judge(open: number): Refusal | null {
    if (this.isDraining) {
      return { why: 'draining', reason: 'unavailable', details: SHUTTING_DOWN };
    }
    const { streams, waiting, loopDelay } = this.limits;
    if (open >= streams) {
      return {
        why: 'full',
        reason: 'resource_exhausted',
        details: `this replica has as many streams as it may (EFMS_XDS_MAX_STREAMS, ${streams}): connect to another one`,
      };
    }
    this.forgetOverdue();
    if (this.waiting.size >= waiting) {
      return {
        why: 'waiting',
        reason: 'unavailable',
        details: `too many streams wait to be served (EFMS_XDS_MAX_WAITING_STREAMS, ${waiting}): ${COME_AGAIN}`,
      };
    }
    if (this.waiting.size >= TRICKLE && this.loopDelay.current > loopDelay) {
      return {
        why: 'loop_delay',
        reason: 'unavailable',
        details: `this replica is too busy for more streams (EFMS_XDS_MAX_LOOP_DELAY_MS, ${loopDelay}): ${COME_AGAIN}`,
      };
    }
    return null;
  }

  private forgetOverdue(): void {
    const since = performance.now() - WAIT_MS;
    for (const [stream, at] of this.waiting) {
      if (at > since) return;
      this.waitsNoMore(stream);
    }
  }
}

/** What a stream that ends with its server is told. */
export const SHUTTING_DOWN = 'the server is shutting down';
const COME_AGAIN = 'come again after a back-off with jitter, or connect to another replica';
