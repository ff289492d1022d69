/** Ends what global-setup.mjs started, with the last project that used it. */
export default async function globalTeardown() {
  const cluster = globalThis.efmsTestCluster;
  cluster.users -= 1;
  if (cluster.users > 0) return;
  globalThis.efmsTestCluster = undefined;
  const { stop } = await cluster.started;
  await stop();
}
