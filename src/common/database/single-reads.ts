import { hash } from 'node:crypto';
import type pg from 'pg';
import { beginning } from './postgres-dialect.js';
import type { Planning } from './transaction.js';

/**
 * Statements of one tenant that only read, each in a transaction of its own. BEGIN with the tenant, the statement and COMMIT are sent
 * together, so that a read waits for PostgreSQL once and not three times.
 */
export class SingleReads {
  /** @param pool of connections that take a statement before the last one is answered (`pipeline`) */
  constructor(private readonly pool: pg.Pool) {}

  async query<T extends object>(
    tenantId: string,
    statement: { readonly sql: string; readonly params: readonly unknown[]; readonly plan: Planning },
  ): Promise<T[]> {
    const client = await this.pool.connect();
    const [begun, read, ended] = await Promise.allSettled([
      client.query(beginning({ 'app.current_tenant': tenantId }, 'read only')),
      client.query<T & pg.QueryResultRow>(configOf(statement)),
      client.query('commit'),
    ]);
    // A connection that does not end its transaction is not given to anybody else.
    client.release(ended.status === 'rejected');
    for (const step of [begun, read, ended]) if (step.status === 'rejected') throw step.reason;
    return read.status === 'fulfilled' ? read.value.rows : [];
  }
}

function configOf({ sql, params, plan }: Parameters<SingleReads['query']>[1]): pg.QueryConfig {
  const config = { text: sql, values: [...params] };
  // PostgreSQL cuts names at 63 bytes.
  return plan === 'kept' ? { ...config, name: hash('sha1', sql) } : config;
}
