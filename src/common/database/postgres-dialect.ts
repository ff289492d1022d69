import { AsyncLocalStorage } from 'node:async_hooks';
import {
  CompiledQuery,
  type DatabaseConnection,
  PostgresDialect,
  PostgresDriver,
  type TransactionSettings,
} from 'kysely';
import pg from 'pg';

/** Settings for one transaction, by name, set in the same round trip as its BEGIN and gone with its end. */
export type TransactionScope = Readonly<Record<string, string>>;

const scopes = new AsyncLocalStorage<TransactionScope>();

/** Runs `begin` so that the transaction it opens carries these settings. */
export function withScope<T>(scope: TransactionScope, begin: () => Promise<T>): Promise<T> {
  return scopes.run(scope, begin);
}

/** Opens a transaction with these settings. @param mode goes behind BEGIN */
export function beginning(scope: TransactionScope, mode: string): string {
  const sets = Object.entries(scope).map(
    ([name, value]) => `set_config(${pg.escapeLiteral(name)}, ${pg.escapeLiteral(value)}, true)`,
  );
  return `begin ${mode}; select ${sets.join(', ')}`;
}

export interface PoolSettings {
  readonly url: string;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
  readonly poolSize: number;
  readonly statementTimeoutMs: number;
  readonly idleInTransactionTimeoutMs: number;
  /** How long a caller waits for a connection, free or new. */
  readonly connectTimeoutMs: number;
  /** Told of connections that break while no statement runs on them; the pool replaces them. */
  readonly onIdleError: (error: Error) => void;
}

/** date, timestamp, interval: kept as PostgreSQL's text, as MikroORM expects; without a zone they are no point in time. */
const KEPT_AS_TEXT = [1082, 1114, 1186];

function typeParsers(): pg.TypeOverrides {
  const types = new pg.TypeOverrides();
  for (const oid of KEPT_AS_TEXT) types.setTypeParser(oid, (text) => text);
  return types;
}

/** Kysely's PostgreSQL dialect over a pool of our own, for MikroORM's `driverOptions`. */
export class EfmsPostgresDialect extends PostgresDialect {
  readonly pool: pg.Pool;

  constructor(settings: PoolSettings) {
    const pool = new pg.Pool({
      connectionString: settings.url,
      application_name: settings.applicationName,
      max: settings.poolSize,
      statement_timeout: settings.statementTimeoutMs,
      idle_in_transaction_session_timeout: settings.idleInTransactionTimeoutMs,
      connectionTimeoutMillis: settings.connectTimeoutMs,
      keepAlive: true,
      // For those who do not wait for each answer; the ORM does.
      pipeline: true,
      types: typeParsers(),
    });
    // An 'error' event without a listener ends the process. The pool emits it for idle clients; a client that is lent emits it itself,
    // and there the statement or the next one fails.
    pool.on('error', (error) => {
      // A closed pool does not wait for its farewells to arrive, which a server that stops right after answers with an error.
      if (!pool.ending) settings.onIdleError(error);
    });
    pool.on('connect', (client) => client.on('error', () => undefined));
    super({ pool });
    this.pool = pool;
  }

  override createDriver(): PostgresDriver {
    return new ScopedDriver({ pool: this.pool });
  }
}

class ScopedDriver extends PostgresDriver {
  override async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    const scope = scopes.getStore();
    if (scope === undefined) return super.beginTransaction(connection, settings);
    const mode = [
      settings.isolationLevel === undefined ? '' : `isolation level ${settings.isolationLevel}`,
      settings.accessMode ?? '',
    ].join(' ');
    await connection.executeQuery(CompiledQuery.raw(beginning(scope, mode)));
  }

  /**
   * Kysely gives a connection back to the pool only after a rollback that succeeded, so one that the server closed would be kept for
   * ever. Such a connection has nothing left to roll back, and the pool discards it.
   */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await super.rollbackTransaction(connection);
    } catch {
      // Only a dead connection cannot roll back.
    }
  }
}
