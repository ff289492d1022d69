import { startCluster } from './cluster.ts';

/**
 * One PostgreSQL for all projects of a jest run, without its crash safety. jest calls this once per project, in one process; the last
 * teardown stops the server. Workers find what they need in EFMS_TEST_CLUSTER.
 */
export default async function globalSetup() {
  globalThis.efmsTestCluster ??= { users: 0, started: start() };
  globalThis.efmsTestCluster.users += 1;
  await globalThis.efmsTestCluster.started;
}

async function start() {
  const cluster = await startCluster({ durable: false });
  const { adminUrl, database: template, passwords } = cluster;
  process.env.EFMS_TEST_CLUSTER = JSON.stringify({ adminUrl, template, passwords });
  return cluster;
}
