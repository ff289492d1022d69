import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

// This file has no relative imports and only erasable types: jest's global setup loads it with Node's type stripping.

/** The schema is not what this EFMS needs, or cannot be brought there; the message says what to do. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

export interface MigrationOptions {
  /** Credentials of the role `efms_owner`. */
  readonly ownerUrl: string;
  readonly folder?: string;
  /** How often a migration that waits too long for a lock is tried, first try included. */
  readonly attempts?: number;
  readonly lockTimeoutMs?: number;
  /** Told of each migration applied. */
  readonly onApplied?: (name: string) => void;
}

interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

interface Applied {
  readonly version: number;
  readonly name: string;
  readonly checksum: string;
}

/** `migrations/` of the package; three folders up from here in `src/` and in `dist/` alike. */
const MIGRATIONS_FOLDER = fileURLToPath(new URL('../../../migrations', import.meta.url));

const FILE_NAME = /^(\d{4})_([a-z0-9_]+)\.sql$/;
const NO_TRANSACTION = /^-- efms: no-transaction$/m;
/** An arbitrary number that only EFMS's migrations lock. */
const LOCK_KEY = 4_701_226_037_211;
const LOCK_POLL_MS = 100;
/** lock_not_available, deadlock_detected: another session stood in the way, so trying again is right. */
const RETRIED = new Set(['55P03', '40P01']);
/** Audit partitions exist for this month and so many after it. */
const MONTHS_AHEAD = 3;

/**
 * Applies every migration that the database lacks, in order, as the owner, and makes time partitions ahead. Runners that start at
 * once take turns. A file commits alone; one that starts with `-- efms: no-transaction` runs statement by statement without a
 * transaction (for `CREATE INDEX CONCURRENTLY`): each statement ends its line with `;`, and the whole can be repeated.
 * @returns the names applied now
 * @throws MigrationError for a changed or missing file of an applied migration, a broken one, or one that got no lock in time
 */
export async function migrate(options: MigrationOptions): Promise<string[]> {
  const migrations = readMigrations(options.folder ?? MIGRATIONS_FOLDER);
  const client = new pg.Client({ connectionString: options.ownerUrl });
  await client.connect();
  try {
    await takeTurn(client);
    await client.query(`create table if not exists schema_migrations (
      version integer primary key, name text not null, checksum text not null, applied_at timestamptz not null default now())`);
    await client.query('grant select on schema_migrations to efms_app, efms_system');
    const pending = pendingOf(migrations, await readApplied(client));
    for (const migration of pending) {
      await apply(client, migration, options);
      options.onApplied?.(migration.name);
    }
    await makePartitions(client);
    return pending.map(({ name }) => name);
  } finally {
    await client.end();
  }
}

/** The newest migration that this EFMS knows, which is the oldest schema it can work with. */
export function requiredSchema(folder = MIGRATIONS_FOLDER): number {
  return readMigrations(folder).at(-1)?.version ?? 0;
}

/**
 * Refuses a schema older than the code needs. One that is newer is accepted: replicas of two releases run side by side during an upgrade.
 * @param query runs SQL as any of the three roles
 */
export async function assertSchema(
  query: (sql: string) => Promise<readonly { version: number | null }[]>,
  required = requiredSchema(),
): Promise<void> {
  let version: number;
  try {
    version = (await query('select max(version) as version from schema_migrations'))[0]?.version ?? 0;
  } catch (error) {
    if ((error as { code?: unknown }).code !== '42P01') throw error;
    version = 0;
  }
  if (version >= required) return;
  const found = version === 0 ? 'the database has no EFMS schema' : `the schema is at migration ${version}`;
  throw new MigrationError(`${found}, this EFMS needs ${required}: run "efms db migrate" with DATABASE_OWNER_URL set`);
}

function readMigrations(folder: string): Migration[] {
  const migrations = readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => readMigration(folder, file));
  for (const [i, { version, name }] of migrations.entries()) {
    if (migrations[i - 1]?.version === version)
      throw new MigrationError(`two migrations are numbered ${version}: ${name}`);
  }
  return migrations;
}

function readMigration(folder: string, file: string): Migration {
  const match = FILE_NAME.exec(file);
  if (!match) throw new MigrationError(`migration ${file} is not named NNNN_name.sql`);
  const sql = readFileSync(path.join(folder, file), 'utf8').replaceAll('\r\n', '\n');
  const checksum = createHash('sha256').update(sql).digest('hex');
  return { version: Number(match[1]), name: file.slice(0, -'.sql'.length), sql, checksum };
}

/**
 * One runner at a time, by an advisory lock of this session. It is polled: a session that waits inside `pg_advisory_lock` holds a
 * snapshot, for which the CREATE INDEX CONCURRENTLY of the runner in turn would wait, and both would stand still.
 */
async function takeTurn(client: pg.Client): Promise<void> {
  for (;;) {
    const { rows } = await client.query<{ mine: boolean }>('select pg_try_advisory_lock($1) as mine', [LOCK_KEY]);
    if (rows[0]?.mine === true) return;
    await delay(LOCK_POLL_MS);
  }
}

async function readApplied(client: pg.Client): Promise<Applied[]> {
  const { rows } = await client.query<Applied>(
    'select version, name, checksum from schema_migrations order by version',
  );
  return rows;
}

function pendingOf(migrations: readonly Migration[], applied: readonly Applied[]): Migration[] {
  const known = new Map(migrations.map((migration) => [migration.version, migration]));
  const newest = migrations.at(-1)?.version ?? 0;
  for (const row of applied) {
    const file = known.get(row.version);
    if (!file && row.version > newest) continue;
    if (!file) throw new MigrationError(`migration ${row.name} was applied to this database, but its file is missing`);
    if (file.checksum !== row.checksum) {
      throw new MigrationError(
        `migration ${row.name} was changed after it was applied; undo the change and add a new migration`,
      );
    }
  }
  const last = applied.at(-1)?.version ?? 0;
  const done = new Set(applied.map(({ version }) => version));
  const pending = migrations.filter(({ version }) => !done.has(version));
  const late = pending.find(({ version }) => version < last);
  if (late)
    throw new MigrationError(`migration ${late.name} is older than ${last}, which is applied; give it a higher number`);
  return pending;
}

async function apply(client: pg.Client, migration: Migration, options: MigrationOptions): Promise<void> {
  const attempts = options.attempts ?? 10;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await applyOnce(client, migration, options.lockTimeoutMs ?? 2000);
      return;
    } catch (error) {
      const code = error instanceof pg.DatabaseError ? error.code : undefined;
      const reason = error instanceof Error ? error.message : String(error);
      if (code === undefined || !RETRIED.has(code)) {
        throw new MigrationError(`migration ${migration.name} failed: ${reason}`, { cause: error });
      }
      if (attempt >= attempts) {
        throw new MigrationError(
          `migration ${migration.name} got no lock in ${attempts} attempts; try again when the database is quieter`,
          {
            cause: error,
          },
        );
      }
      await delay(Math.random() * 100 * 2 ** Math.min(attempt, 5));
    }
  }
}

async function applyOnce(client: pg.Client, migration: Migration, lockTimeoutMs: number): Promise<void> {
  if (NO_TRANSACTION.test(migration.sql)) {
    await client.query(`set lock_timeout = ${lockTimeoutMs}`);
    for (const statement of migration.sql.split(/;[ \t]*$/m))
      if (statement.trim() !== '') await client.query(statement);
    await record(client, migration);
    return;
  }
  await client.query('begin');
  try {
    await client.query(`set local lock_timeout = ${lockTimeoutMs}`);
    await client.query(migration.sql);
    await record(client, migration);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

async function record(client: pg.Client, { version, name, checksum }: Migration): Promise<void> {
  await client.query('insert into schema_migrations (version, name, checksum) values ($1, $2, $3)', [
    version,
    name,
    checksum,
  ]);
}

/** Every start keeps the partitions ahead, and a server that may act as the owner goes on to. */
export async function makePartitions(client: Pick<pg.Client, 'query'>): Promise<void> {
  const isKnown = async (signature: string): Promise<boolean> => {
    const { rows } = await client.query<{ known: boolean }>('select to_regprocedure($1) is not null as known', [
      signature,
    ]);
    return rows[0]?.known === true;
  };
  if (await isKnown('efms_make_audit_partitions(integer)')) {
    await client.query('select efms_make_audit_partitions($1)', [MONTHS_AHEAD]);
  }
  if (await isKnown('efms_make_all_traffic_partitions()')) {
    await client.query('select efms_make_all_traffic_partitions()');
  }
}
