import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { Database, type DatabaseSettings } from '../../src/common/database/database.js';
import { asRole, initialiseDatabase, onDatabase, type Role } from '../../src/common/database/roles.js';

interface Cluster {
  readonly adminUrl: string;
  readonly template: string;
  readonly passwords: Readonly<Record<Role, string>>;
}

/** A migrated database that only one test file uses. */
export interface TestDatabase {
  readonly name: string;
  /** Credentials of the cluster's administrator, on this database. */
  readonly adminUrl: string;
  readonly ownerUrl: string;
  readonly appUrl: string;
  readonly systemUrl: string;
  /** Opens a `Database` on it; closed by `drop()` if not before. */
  open(settings?: Partial<DatabaseSettings>): Promise<Database>;
  /** Runs statements on a connection of their own, as the administrator unless a role is named. */
  sql<T extends pg.QueryResultRow>(text: string, params?: readonly unknown[], role?: Role): Promise<T[]>;
  drop(): Promise<void>;
}

/**
 * Makes a database of its own for a test file: a copy of the migrated template, in some 50 ms. Call it in `beforeAll` and `drop()`
 * it in `afterAll`.
 * @param from `'empty'` has the roles' rights but no schema
 */
export async function createTestDatabase(from: 'template' | 'empty' = 'template'): Promise<TestDatabase> {
  const { adminUrl: cluster, template, passwords } = readCluster();
  const name = `efms_test_${randomBytes(6).toString('hex')}`;
  if (from === 'template') await run(cluster, `create database ${name} template ${template} owner efms_owner`);
  // Rights on a database are not copied with it.
  await initialiseDatabase(cluster, name);
  const adminUrl = onDatabase(cluster, name);
  const urlOf = (role: Role): string => asRole(adminUrl, role, passwords[role]);
  const opened: Database[] = [];
  return {
    name,
    adminUrl,
    ownerUrl: urlOf('efms_owner'),
    appUrl: urlOf('efms_app'),
    systemUrl: urlOf('efms_system'),
    async open(settings = {}) {
      const database = await Database.open({
        appUrl: urlOf('efms_app'),
        systemUrl: urlOf('efms_system'),
        entities: [],
        ...settings,
      });
      opened.push(database);
      return database;
    },
    sql: (text, params, role) => run(role ? urlOf(role) : adminUrl, text, params),
    async drop() {
      await Promise.all(opened.map((database) => database.close()));
      await run(cluster, `drop database if exists ${name} with (force)`);
    },
  };
}

function readCluster(): Cluster {
  const text = process.env['EFMS_TEST_CLUSTER'];
  if (text === undefined) throw new Error('tests with a database belong into test/, where jest starts PostgreSQL');
  return JSON.parse(text) as Cluster;
}

async function run<T extends pg.QueryResultRow>(url: string, text: string, params?: readonly unknown[]): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<T>(text, params ? [...params] : undefined);
    return rows;
  } finally {
    await client.end();
  }
}
