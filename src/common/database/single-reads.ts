import type pg from 'pg';
import { isConnectionFailure } from './errors.js';
import { Exchange, type RowShape, type SingleRead } from './exchange.js';

/**
 * Statements that only read, each in a transaction of its own. The tenant, the statement and the end of the transaction are one message, so
 * that a read waits for PostgreSQL once, and either side wakes up once.
 */
export class SingleReads {
  private readonly prepared = new WeakMap<pg.Connection, Map<string, RowShape>>();

  /** @param pool of connections that take a statement before the last one is answered (`pipeline`) */
  constructor(private readonly pool: pg.Pool) {}

  async query<T extends object>(read: SingleRead): Promise<T[]> {
    const client = await this.pool.connect();
    let isBroken = false;
    try {
      const exchange = client.query(new Exchange(read, this.preparedBy(client), this.pool.options.types));
      // The columns are those that the statement names.
      return (await exchange.rows()) as T[];
    } catch (error) {
      isBroken = isConnectionFailure(error);
      throw error;
    } finally {
      // However the statement went, its transaction has ended with it.
      client.release(isBroken);
    }
  }

  private preparedBy({ connection }: pg.PoolClient): Map<string, RowShape> {
    const known = this.prepared.get(connection) ?? new Map<string, RowShape>();
    this.prepared.set(connection, known);
    return known;
  }
}
