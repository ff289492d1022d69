import { DriverException, type EntityClass, MikroORM, type SqlEntityManager } from '@mikro-orm/sql';
import { ReflectMetadataProvider } from '@mikro-orm/decorators/legacy';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import { Logger, type OnApplicationShutdown } from '@nestjs/common';
import { CompiledQuery, type Kysely } from 'kysely';
import type pg from 'pg';
import { DatabaseStats, type PoolStanding } from './database-stats.js';
import { DatabaseUnavailable, isConnectionFailure } from './errors.js';
import { assertSchema } from './migrations.js';
import { EfmsPostgresDialect, type TransactionScope, withScope } from './postgres-dialect.js';
import { isRehearsal, performed, rehearsed } from './rehearsal.js';
import { assertSafeRoles } from './safe-roles.js';
import { SingleReads } from './single-reads.js';
import type { Planning, Reader, SystemScope, TenantScope, Transaction } from './transaction.js';
import { apart, openUnit, type Part, Unit } from './unit.js';

export type { Reader, SystemScope, TenantScope, Transaction } from './transaction.js';

export interface DatabaseSettings {
  /** Credentials of `efms_app`. */
  readonly appUrl: string;
  /** Credentials of `efms_system`. */
  readonly systemUrl: string;
  /** Connections of each of the two pools; 10 unless told. */
  readonly poolSize?: number;
  /** The longest that one statement may run; 15 s unless told. */
  readonly statementTimeoutMs?: number;
  /** How much longer its answer is waited for, before the connection is taken for dead; 5 s unless told. */
  readonly answerGraceMs?: number;
  /** The longest that a transaction may wait for its own program; 30 s unless told. */
  readonly idleInTransactionTimeoutMs?: number;
  /** How long a caller waits for a connection before `DatabaseUnavailable`; 5 s unless told. */
  readonly connectTimeoutMs?: number;
  /** Every entity class of the process. */
  readonly entities: readonly EntityClass<object>[];
}

/**
 * The only way to PostgreSQL: transactions of one tenant as `efms_app`, or across tenants as `efms_system`. The tenant belongs to the
 * transaction, never to the connection. Statements that fail throw their own error; a database that is away throws `DatabaseUnavailable`.
 */
export class Database implements OnApplicationShutdown {
  private readonly log = new Logger(Database.name);

  private constructor(
    private readonly app: MikroORM<PostgreSqlDriver>,
    private readonly across: MikroORM<PostgreSqlDriver>,
    private readonly reads: SingleReads,
    private readonly readsAcross: SingleReads,
    readonly stats: DatabaseStats,
  ) {}

  /**
   * Connects with both roles and checks that it is safe to work: roles bound by row-level security, a server without known leaks in
   * it, and a schema that this code can use.
   * @throws DatabaseUnavailable, UnsafeDatabase, MigrationError
   */
  static async open(settings: DatabaseSettings): Promise<Database> {
    const dialects = {
      app: createDialect(settings, settings.appUrl, 'efms app'),
      system: createDialect(settings, settings.systemUrl, 'efms system'),
    };
    const database = new Database(
      createOrm(settings, dialects.app),
      createOrm(settings, dialects.system),
      new SingleReads(dialects.app.pool),
      new SingleReads(dialects.system.pool),
      new DatabaseStats(() => new Map(Object.entries(dialects).map(([name, { pool }]) => [name, standingOf(pool)]))),
    );
    try {
      await assertSafeRoles({
        efms_app: (sql) => database.run(database.app, {}, (tx) => tx.query(sql)),
        efms_system: (sql) => database.run(database.across, {}, (tx) => tx.query(sql)),
      });
      await database.system((tx) => assertSchema((sql) => tx.query(sql)));
      return database;
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  /**
   * BEGIN for one tenant as `efms_app`, the work, COMMIT; or ROLLBACK when the work throws. Other tenants' rows do not exist in it. Each
   * transaction holds a connection of the pool, so work that opens another inside it may wait for itself. Within a `unit` of the same
   * tenant it is a part of that.
   */
  tenant<T>(scope: TenantScope, work: (tx: Transaction) => Promise<T>): Promise<T> {
    const unit = openUnit(scope.tenantId);
    if (unit) return translated(unit.join(work));
    return this.run(this.app, { 'app.current_tenant': scope.tenantId, 'app.actor': actorSetting(scope) }, work);
  }

  /**
   * Reads for one tenant, each statement in a transaction of its own and in one round trip: what is read with one statement costs a third
   * of what it does in `tenant`. Within a `unit` of the same tenant it sees what that has written.
   */
  reader({ tenantId }: TenantScope): Reader {
    return {
      query: async <T extends object>(sql: string, params: readonly unknown[] = [], plan: Planning = 'anew') => {
        const unit = openUnit(tenantId);
        if (unit) return unit.join((tx) => tx.query<T>(sql, params));
        return single(this.reads.query<T>({ tenantId, sql, params, plan }));
      },
    };
  }

  /** The same across tenants as `efms_system`. */
  systemReader(): Reader {
    return {
      query: <T extends object>(sql: string, params: readonly unknown[] = [], plan: Planning = 'anew') =>
        single(this.readsAcross.query<T>({ tenantId: '', sql, params, plan })),
    };
  }

  /**
   * One transaction of one tenant that every `tenant` call made by `work`, directly or deep inside, becomes a part of: all of them are
   * committed together when `work` has succeeded. Calls of `system` and of other tenants keep transactions of their own. Within a unit of
   * the same tenant it is a part of that.
   */
  unit<T>(scope: TenantScope, work: (tx: Transaction) => Promise<T>): Promise<T> {
    const open = openUnit(scope.tenantId);
    if (open) return translated(open.join(work));
    const settings = { 'app.current_tenant': scope.tenantId, 'app.actor': actorSetting(scope) };
    return apart(() =>
      this.run(this.app, settings, (tx) => new Unit(scope.tenantId, tx, () => partOf(tx)).run(() => work(tx))),
    );
  }

  /** Calls `work` outside of any `unit` or `rehearse`: what it writes stands, whatever becomes of the caller. */
  apart<T>(work: () => T): T {
    return performed(() => apart(work));
  }

  /**
   * Calls `work` for what it would answer: every transaction that it opens ends in ROLLBACK once all its statements have been run, and
   * nobody is told of it. Transactions do not see each other's writes, as they would have; those of one tenant do within a `unit`.
   */
  rehearse<T>(work: () => T): T {
    return rehearsed(work);
  }

  /** The same across tenants as `efms_system`, which reads every table and writes those of `system-writes.ts`. */
  system<T>(work: (tx: Transaction) => Promise<T>, scope: SystemScope = {}): Promise<T> {
    return this.run(this.across, { 'app.actor': actorSetting(scope) }, work);
  }

  /** Whether the database answers now; for health checks. */
  async ping(): Promise<boolean> {
    try {
      await this.system((tx) => tx.query('select 1'));
      return true;
    } catch {
      return false;
    }
  }

  /** Waits for open transactions and closes the connections. */
  async close(): Promise<void> {
    await Promise.all([this.app.close(true), this.across.close(true)]);
  }

  onApplicationShutdown(): Promise<void> {
    return this.close();
  }

  private async run<T>(
    orm: MikroORM<PostgreSqlDriver>,
    scope: TransactionScope,
    work: (tx: Transaction) => Promise<T>,
  ): Promise<T> {
    const em = orm.em.fork();
    const committed: (() => void)[] = [];
    const asked = performance.now();
    try {
      await withScope(scope, () => em.begin());
    } catch (error) {
      const reason = translate(error);
      if (reason instanceof DatabaseUnavailable) this.stats.notBegun();
      throw reason;
    }
    this.stats.begun();
    let result: T;
    try {
      result = await work(transactionOf(em, committed));
      if (isRehearsal()) return await discard(em, result);
      await em.commit().catch((error: unknown) => {
        throw translate(error);
      });
    } catch (error) {
      if (em.isInTransaction())
        await em.rollback().catch((reason: unknown) => this.log.warn({ reason }, 'rollback failed'));
      throw error instanceof DriverException ? translate(error) : error;
    } finally {
      this.stats.transactions.count(performance.now() - asked);
    }
    for (const tell of committed) this.call(tell);
    return result;
  }

  /** The transaction is committed: what is told of it may fail, but the caller's work has succeeded. */
  private call(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.log.error({ err: error }, 'work after commit failed');
    }
  }
}

const standingOf = ({ options: { max }, totalCount, idleCount, waitingCount }: pg.Pool): PoolStanding => ({
  size: max,
  inUse: totalCount - idleCount,
  idle: idleCount,
  waiting: waitingCount,
});

function transactionOf(em: SqlEntityManager, committed: (() => void)[]): Transaction {
  return {
    em,
    async query<T extends object>(sql: string, params: readonly unknown[] = []): Promise<T[]> {
      const transaction = em.getTransactionContext<Kysely<unknown>>();
      if (!transaction) throw new Error('the transaction has ended');
      try {
        const { rows } = await transaction.executeQuery<T>(CompiledQuery.raw(sql, [...params]));
        return rows;
      } catch (error) {
        throw translate(error);
      }
    },
    afterCommit(work) {
      committed.push(work);
    },
  };
}

/** Runs what is left to run, so that the database can refuse it, and takes it all back. */
async function discard<T>(em: SqlEntityManager, result: T): Promise<T> {
  await em.flush();
  await em.rollback();
  return result;
}

function partOf(root: Transaction): Part {
  const em = root.em.fork({ keepTransactionContext: true });
  const committed: (() => void)[] = [];
  return { tx: transactionOf(em, committed), flush: () => em.flush(), committed };
}

async function translated<T>(result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    throw error instanceof DriverException ? translate(error) : error;
  }
}

const single = <T>(rows: Promise<T[]>): Promise<T[]> =>
  rows.catch((error: unknown) => {
    throw translate(error);
  });

function translate(error: unknown): unknown {
  if (!isConnectionFailure(error)) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new DatabaseUnavailable(`the database is not available: ${reason}`, { cause: error });
}

function actorSetting({ actor, requestId, ip, userAgent }: SystemScope): string {
  return JSON.stringify({ ...actor, requestId, ip, userAgent });
}

function createDialect(settings: DatabaseSettings, url: string, applicationName: string): EfmsPostgresDialect {
  const log = new Logger(Database.name);
  return new EfmsPostgresDialect({
    url,
    applicationName,
    poolSize: settings.poolSize ?? 10,
    statementTimeoutMs: settings.statementTimeoutMs ?? 15_000,
    answerGraceMs: settings.answerGraceMs ?? 5_000,
    idleInTransactionTimeoutMs: settings.idleInTransactionTimeoutMs ?? 30_000,
    connectTimeoutMs: settings.connectTimeoutMs ?? 5_000,
    onIdleError: (error) => log.warn({ reason: error.message }, 'a database connection broke'),
  });
}

function createOrm(settings: DatabaseSettings, driverOptions: EfmsPostgresDialect): MikroORM<PostgreSqlDriver> {
  return new MikroORM<PostgreSqlDriver>({
    driver: PostgreSqlDriver,
    // The ORM wants a name; the pool connects by itself.
    dbName: new URL(settings.appUrl).pathname.slice(1),
    entities: [...settings.entities],
    discovery: { warnWhenNoEntities: false },
    metadataProvider: ReflectMetadataProvider,
    metadataCache: { enabled: false },
    driverOptions,
  });
}
