import pg from 'pg';

/** Ends what global-setup.mjs started, with the last project that used it. */
export default async function globalTeardown() {
  const cluster = globalThis.efmsTestCluster;
  cluster.users -= 1;
  if (cluster.users > 0) return;
  globalThis.efmsTestCluster = undefined;
  const { adminUrl, template, stop } = await cluster.started;
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  await client.query(`drop database if exists ${template} with (force)`);
  await client.end();
  await stop();
}
