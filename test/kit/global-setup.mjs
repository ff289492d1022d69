import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { startEmbeddedPostgres } from '../../src/common/database/embedded-postgres.ts';
import { migrate } from '../../src/common/database/migrations.ts';
import { asRole, initialiseRoles, onDatabase } from '../../src/common/database/roles.ts';

/**
 * One PostgreSQL for all projects of a jest run: TEST_DATABASE_URL (a superuser), or
 * the embedded one without its crash safety. jest calls this once per project, in one process; the last teardown stops the server.
 * Workers find what they need in EFMS_TEST_CLUSTER.
 */
export default async function globalSetup() {
  globalThis.efmsTestCluster ??= { users: 0, started: start() };
  globalThis.efmsTestCluster.users += 1;
  await globalThis.efmsTestCluster.started;
}

async function start() {
  const passwords = { efms_owner: 'owner-for-tests', efms_app: 'app-for-tests', efms_system: 'system-for-tests' };
  const template = `efms_template_${process.pid}`;
  const { adminUrl, stop } = await server();
  try {
    await initialiseRoles(adminUrl, { database: template, passwords });
    await migrate({ ownerUrl: asRole(onDatabase(adminUrl, template), 'efms_owner', passwords.efms_owner) });
  } catch (error) {
    await stop();
    throw error;
  }
  process.env.EFMS_TEST_CLUSTER = JSON.stringify({ adminUrl, template, passwords });
  return { adminUrl, template, stop };
}

async function server() {
  const given = process.env.TEST_DATABASE_URL;
  if (given) return { adminUrl: given, stop: async () => undefined };
  const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'efms-test-'));
  const postgres = await startEmbeddedPostgres({ dataDir, durable: false });
  const { user, password, host, port } = postgres;
  return {
    adminUrl: `postgresql://${user}:${password}@${host}:${port}/postgres`,
    stop: async () => {
      await postgres.stop();
      fs.rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
