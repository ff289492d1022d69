import { setImmediate as nextTick } from 'node:timers/promises';
import { problems } from '../../common/errors/problem.js';

/** As much of a call as is needed to know when it is over. */
export interface AnsweredCall {
  readonly cancelled: boolean;
  /** grpc-js says so whenever a call ends, however it ends. */
  on(event: 'cancelled', listener: () => void): unknown;
  off(event: 'cancelled', listener: () => void): unknown;
}

export interface AnswerLimits {
  /** Calls whose answers are made, or wait for that. */
  readonly waiting: number;
  /** Bytes of answers that nobody has read yet, of one tenant and of all, past which no more are made. */
  readonly ofTenant: number;
  readonly ofAll: number;
}

const LIMITS: AnswerLimits = { waiting: 100, ofTenant: 64 * 1024 * 1024, ofAll: 256 * 1024 * 1024 };

/**
 * Makes answers that can be large one after the other, with turns for everything else in between, and stops where too much of what was made
 * was not read: a client that never reads has it kept in memory for as long as its connection lives.
 */
export class UnreadAnswers {
  private last: Promise<unknown> = Promise.resolve();
  private waiting = 0;
  private readonly ofTenants = new Map<string, number>();
  private readonly held = new WeakMap<Buffer, () => void>();

  constructor(private readonly limits: AnswerLimits = LIMITS) {}

  /**
   * One answer, which counts as unread until `read` or the end of the call.
   * @throws ProblemError 429, and whatever `make` throws
   */
  async make(tenantId: string, call: AnsweredCall, make: () => Promise<Buffer>): Promise<Buffer> {
    if (this.waiting >= this.limits.waiting) throw tooMuch('Too many calls wait for their answers');
    this.waiting += 1;
    const turn = this.last.then(async () => {
      if (call.cancelled) throw tooMuch('The call was cancelled while it waited');
      if (this.isFull(tenantId)) throw tooMuch('Too much of what was answered has not been read');
      return this.hold(tenantId, call, await make());
    });
    this.last = turn.then(
      () => nextTick(),
      () => nextTick(),
    );
    try {
      return await turn;
    } finally {
      this.waiting -= 1;
    }
  }

  /** The client has taken an answer. */
  read(answer: Buffer): void {
    this.held.get(answer)?.();
  }

  private isFull(tenantId: string): boolean {
    const all = [...this.ofTenants.values()].reduce((sum, bytes) => sum + bytes, 0);
    return all > this.limits.ofAll || (this.ofTenants.get(tenantId) ?? 0) > this.limits.ofTenant;
  }

  private hold(tenantId: string, call: AnsweredCall, answer: Buffer): Buffer {
    if (call.cancelled) return answer;
    this.add(tenantId, answer.length);
    const release = (): void => {
      if (!this.held.delete(answer)) return;
      call.off('cancelled', release);
      this.add(tenantId, -answer.length);
    };
    this.held.set(answer, release);
    call.on('cancelled', release);
    return answer;
  }

  private add(tenantId: string, bytes: number): void {
    const sum = (this.ofTenants.get(tenantId) ?? 0) + bytes;
    if (sum > 0) this.ofTenants.set(tenantId, sum);
    else this.ofTenants.delete(tenantId);
  }
}

const tooMuch = (what: string): Error => problems.tooManyRequests({ detail: `${what}; try again.` });
