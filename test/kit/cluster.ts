import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../src/common/database/embedded-postgres.ts';
import { migrate } from '../../src/common/database/migrations.ts';
import { asRole, initialiseRoles, onDatabase, type Role } from '../../src/common/database/roles.ts';

// Only erasable types, and imports by the names of files: jest's global setup and the benchmarks load it with Node's type stripping.

/** A PostgreSQL with the roles of EFMS and one migrated database. */
export interface Cluster {
  /** Credentials of a superuser. */
  readonly adminUrl: string;
  readonly database: string;
  readonly passwords: Readonly<Record<Role, string>>;
  /** Drops the database, and ends the server where it was started here. */
  stop(): Promise<void>;
}

/**
 * TEST_DATABASE_URL (a superuser), or an embedded PostgreSQL of its own.
 * @param durable false trades crash safety of the embedded one for speed
 */
export async function startCluster({ durable }: { readonly durable: boolean }): Promise<Cluster> {
  const passwords = { efms_owner: 'owner-for-tests', efms_app: 'app-for-tests', efms_system: 'system-for-tests' };
  const database = `efms_template_${process.pid}`;
  const server = await startServer(durable);
  const { adminUrl } = server;
  try {
    await initialiseRoles(adminUrl, { database, passwords });
    await migrate({ ownerUrl: asRole(onDatabase(adminUrl, database), 'efms_owner', passwords.efms_owner) });
  } catch (error) {
    await server.stop();
    throw error;
  }
  return {
    adminUrl,
    database,
    passwords,
    async stop() {
      const client = new pg.Client({ connectionString: adminUrl });
      await client.connect();
      await client.query(`drop database if exists ${database} with (force)`);
      await client.end();
      await server.stop();
    },
  };
}

async function startServer(durable: boolean): Promise<{ readonly adminUrl: string; stop(): Promise<void> }> {
  const given = process.env['TEST_DATABASE_URL'];
  if (given !== undefined && given !== '') return { adminUrl: given, stop: () => Promise.resolve() };
  const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'efms-test-'));
  const postgres = await startEmbeddedPostgres({ dataDir, durable });
  const { user, password, host, port } = postgres;
  return {
    adminUrl: `postgresql://${user}:${password}@${host}:${port}/postgres`,
    stop: async () => {
      await postgres.stop();
      fs.rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
