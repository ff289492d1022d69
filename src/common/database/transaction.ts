import type { SqlEntityManager } from '@mikro-orm/sql';
import type { Actor } from '../context/request-context.js';

/** Who a transaction is for; the audit trigger records it. */
export interface TenantScope {
  readonly tenantId: string;
  readonly actor?: Actor;
  readonly requestId?: string;
  readonly ip?: string;
  readonly userAgent?: string;
}

/** Who acts across tenants. */
export type SystemScope = Omit<TenantScope, 'tenantId'>;

/**
 * How PostgreSQL plans a statement that is read by itself: `anew` for its parameters, or once for each connection and `kept`, which costs a
 * fraction. Kept are texts of which there are few, which name their columns, and whose best plan is the same for all parameters.
 */
export type Planning = 'anew' | 'kept';

/** Runs SQL that reads, for one tenant. */
export interface Reader {
  /** As `Transaction.query`. The plan is `anew` unless told. */
  query<T extends object>(sql: string, params?: readonly unknown[], plan?: Planning): Promise<T[]>;
}

/** One open transaction. It ends with the function it was given to and must not be used after. */
export interface Transaction extends Reader {
  /** The ORM in this transaction, with an identity map of its own; flushed before COMMIT. */
  readonly em: SqlEntityManager;
  /**
   * Runs SQL in this transaction. Parameters are `$1` …, arrays and JSON-able objects as they are; `timestamptz` comes as `Date`,
   * `bigint` and `numeric` as text. What the ORM has not flushed is not seen.
   */
  query<T extends object>(sql: string, params?: readonly unknown[]): Promise<T[]>;
  /** Calls `work` once the transaction is committed, and never when it is not. */
  afterCommit(work: () => void): void;
}
