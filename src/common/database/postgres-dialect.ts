import { AsyncLocalStorage } from 'node:async_hooks';
import {
  CompiledQuery,
  type DatabaseConnection,
  type PostgresCursor,
  PostgresDialect,
  PostgresDriver,
  type PostgresPool,
  type PostgresPoolClient,
  type PostgresQueryResult,
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
function beginning(scope: TransactionScope, mode: string): string {
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
  /** How long after that is still waited for its answer, before the connection is given up. */
  readonly answerGraceMs: number;
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
      // PostgreSQL keeps the limit above, which is of no use where it was stopped, or the network has forgotten the connection: no error would
      // come for a quarter of an hour, and meanwhile whoever waits does nothing else.
      query_timeout: settings.statementTimeoutMs + settings.answerGraceMs,
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
    return new ScopedDriver({ pool: lendingOnce(this.pool) });
  }
}

/** Kysely's own class, which it does not export. */
type OwnConnection = Parameters<PostgresDriver['releaseConnection']>[0];

class ScopedDriver extends PostgresDriver {
  override async beginTransaction(connection: OwnConnection, settings: TransactionSettings): Promise<void> {
    try {
      await this.begin(connection, settings);
    } catch (error) {
      // Kysely gives a connection back after COMMIT or ROLLBACK, and forgets one whose BEGIN failed.
      await this.rollbackTransaction(connection);
      await this.releaseConnection(connection);
      throw error;
    }
  }

  /**
   * Kysely gives a connection back to the pool only after a rollback that succeeded, so one that the server closed would be kept for
   * ever. The pool discards what is given back dead or with its transaction open.
   */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await super.rollbackTransaction(connection);
    } catch {
      // The connection is dead, or somebody cancelled just this.
    }
  }

  private async begin(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    const scope = scopes.getStore();
    if (scope === undefined) return super.beginTransaction(connection, settings);
    const mode = [
      settings.isolationLevel === undefined ? '' : `isolation level ${settings.isolationLevel}`,
      settings.accessMode ?? '',
    ].join(' ');
    await connection.executeQuery(CompiledQuery.raw(beginning(scope, mode)));
  }
}

/** The pool as Kysely takes it, whose connections are of no more use to whoever has given them back. */
function lendingOnce(pool: pg.Pool): PostgresPool {
  return {
    connect: async () => new LentConnection(await pool.connect()),
    end: () => pool.end(),
    options: pool.options,
  };
}

/**
 * PostgreSQL answers the COMMIT of a transaction in which a statement failed with ROLLBACK and no error; whoever caught what failed would
 * take its work for written.
 */
function requireCommitted<R>(result: PostgresQueryResult<R>): PostgresQueryResult<R> {
  const answer: string = result.command;
  if (answer !== 'ROLLBACK') return result;
  throw new Error('a statement of the transaction failed, so nothing of it was committed');
}

type PooledClient = PostgresPoolClient & Pick<pg.PoolClient, 'getTransactionStatus' | 'release'>;

/**
 * A connection for as long as it is lent. Statements that run late, of a transaction that has failed meanwhile, would otherwise land in
 * that of the next tenant; and one whose transaction is still open is not lent to anybody again.
 */
class LentConnection implements PostgresPoolClient {
  private client: PooledClient | undefined;

  constructor(client: PooledClient) {
    this.client = client;
  }

  query<R>(sql: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>>;
  query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>;
  query<R>(sql: string | PostgresCursor<R>, parameters: readonly unknown[] = []): unknown {
    if (!this.client) throw new Error('the transaction has ended');
    if (typeof sql !== 'string') return this.client.query(sql);
    const result = this.client.query<R>(sql, parameters);
    return sql === 'commit' ? result.then(requireCommitted) : result;
  }

  release(): void {
    const { client } = this;
    this.client = undefined;
    client?.release(client.getTransactionStatus() !== 'I');
  }
}
