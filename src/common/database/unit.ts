import { AsyncLocalStorage } from 'node:async_hooks';
import type { Transaction } from './transaction.js';

/** A transaction inside another, and what it asked to be told of. */
export interface Part {
  readonly tx: Transaction;
  /** Writes what the ORM holds. */
  flush(): Promise<void>;
  readonly committed: readonly (() => void)[];
}

const units = new AsyncLocalStorage<Unit | undefined>();

/** The unit that the caller's work for this tenant belongs to, if any is open. */
export function openUnit(tenantId: string): Unit | undefined {
  const unit = units.getStore();
  return unit?.isOpenFor(tenantId) === true ? unit : undefined;
}

/** Calls `work` outside of any unit: what it opens commits by itself, whatever becomes of the caller. */
export const apart = <T>(work: () => T): T => units.run(undefined, work);

/**
 * Makes one transaction of all that is done for one tenant while `work` runs, however many transactions it is written as: each becomes a
 * savepoint, so that one that fails and is caught leaves the others whole. Parts that are started at the same time take turns.
 */
export class Unit {
  private turn: Promise<unknown> = Promise.resolve();
  private ended = false;

  constructor(
    private readonly tenantId: string,
    private readonly root: Transaction,
    private readonly partOf: () => Part,
  ) {}

  isOpenFor(tenantId: string): boolean {
    return !this.ended && tenantId === this.tenantId;
  }

  /** Resolves when `work` and every part that it started are done; what comes later no longer belongs to the unit. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await units.run(this, work);
    } finally {
      this.ended = true;
      await this.turn;
    }
  }

  join<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const result = this.turn.then(() => this.runPart(work));
    this.turn = result.catch(() => undefined);
    return result;
  }

  private async runPart<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const part = this.partOf();
    await this.root.query('savepoint efms_part');
    let result: T;
    try {
      // A part that opens another inside it would wait for its own turn, so it is a unit too.
      result = await new Unit(this.tenantId, part.tx, this.partOf).run(() => work(part.tx));
      await part.flush();
    } catch (error) {
      // Where the connection is gone there is nothing to go back to, and the first error says why.
      await this.root.query('rollback to savepoint efms_part; release savepoint efms_part').catch(() => undefined);
      throw error;
    }
    await this.root.query('release savepoint efms_part');
    for (const tell of part.committed) this.root.afterCommit(tell);
    return result;
  }
}
