import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';
import { type SpawnedEfms, spawnEfms } from '../kit/efms.js';
import { eventually } from '../kit/eventually.js';
import { commit, deploymentEnd, edgeSnapshot, registerProxy, startDeployment } from '../kit/fleet.js';
import { HollowEnvoy, withoutNonce } from '../kit/hollow-envoy.js';
import { Teardown } from '../kit/teardown.js';
import type { Variant } from '../kit/xds-stream.js';

const KINDS = ['cluster', 'endpoint', 'listener', 'route'] as const;

describe('two replicas on one database', () => {
  const teardown = new Teardown();
  let database: TestDatabase;
  let one: SpawnedEfms;
  let two: SpawnedEfms;

  beforeAll(async () => {
    database = await createTestDatabase();
    // The first has the lease of the engine before the second asks for it.
    one = await spawnEfms({ database });
    await leaseHolder();
    two = await spawnEfms({ database });
  }, 60_000);
  afterEach(() => teardown.run());
  afterAll(async () => {
    await one.stop();
    await two.stop();
    await database.drop();
  });

  const leaseHolder = (): Promise<string> =>
    eventually('a holder of the lease', async () => {
      const rows = await database.sql<{ owner: string }>(
        `select owner from leases where name = 'deployment-engine' and expires_at > now()`,
      );
      return rows[0]?.owner;
    });
  const connect = (replica: SpawnedEfms, token: string, nodeId: string, variant: Variant): HollowEnvoy =>
    teardown.add(new HollowEnvoy({ port: replica.xdsPort, token, nodeId, variant }));
  const quiet = (...envoys: HollowEnvoy[]): Promise<true> =>
    eventually('an answer of every type', () =>
      envoys.every((envoy) => KINDS.every((kind) => envoy.resources(kind).size > 0)) ? true : undefined,
    );
  /** What came of a type, byte for byte but for the nonces. */
  const bytes = (envoy: HollowEnvoy): Record<string, string[]> =>
    Object.fromEntries(
      KINDS.map((kind) => [kind, envoy.received.filter((received) => received.kind === kind).map(withoutNonce)]),
    );

  it.each<Variant>(['delta', 'sotw'])('send equal bytes but for the nonces, over %s', async (variant) => {
    const name = `equal-${variant}`;
    const { token } = await registerProxy(one, name);
    await one.api('POST', '/configurations', { name });
    await commit(one, name, null, edgeSnapshot({ '/a': 'blue', '/': 'green' }, ['green', 'blue', 'red']));
    const first = connect(one, token, name, variant);
    await deploymentEnd(one, await startDeployment(one, name, 1, [name]));
    await quiet(first);

    // Two fresh streams of the same proxy that find the assignment as it is.
    const atOne = connect(one, token, name, variant);
    const atTwo = connect(two, token, name, variant);
    await quiet(atOne, atTwo);

    expect(bytes(atTwo)).toEqual(bytes(atOne));
    expect(atTwo.received.map(({ nonce }) => nonce).every((nonce) => nonce !== '')).toBe(true);

    await commit(two, name, 1, edgeSnapshot({ '/': 'red' }, ['green', 'blue', 'red']));
    await deploymentEnd(two, await startDeployment(two, name, 2, [name]));
    await atOne.sees('route', 'routes', 'red');
    await atTwo.sees('route', 'routes', 'red');
    expect(bytes(atTwo)).toEqual(bytes(atOne));
  });

  it('carry what is deployed through one to a proxy that is connected to the other', async () => {
    const name = 'across';
    const { token } = await registerProxy(one, name);
    const envoy = connect(two, token, name, 'delta');
    await one.api('POST', '/configurations', { name });
    await commit(one, name, null, edgeSnapshot());
    const deployment = await deploymentEnd(one, await startDeployment(one, name, 1, [name]));

    expect(deployment.status).toBe('succeeded');
    await envoy.sees('route', 'routes', 'blue');
    expect((await two.api('GET', `/proxies/name:${name}/sync`)).body).toMatchObject({ converged: true });
    expect((await one.api('GET', `/proxies/name:${name}`)).body.status).toMatchObject({ connection: 'connected' });
  });

  it('push what is deployed while nothing can be written of what proxies acknowledge', async () => {
    const name = 'unrecorded';
    const { token } = await registerProxy(one, name);
    const envoy = connect(two, token, name, 'delta');
    await one.api('POST', '/configurations', { name });
    await commit(one, name, null, edgeSnapshot());
    await commit(one, name, 1, edgeSnapshot({ '/': 'green' }));
    await deploymentEnd(one, await startDeployment(one, name, 1, [name]));
    const reader = new pg.Client({ connectionString: database.adminUrl });
    await reader.connect();
    let deployment: string;
    try {
      await reader.query('begin; lock table xds_streams, resource_acknowledgements in exclusive mode');
      deployment = await startDeployment(one, name, 2, [name]);
      await envoy.sees('route', 'routes', 'green');
      await eventually('the ledger waits for the lock', async () => {
        const { rows } = await reader.query("select 1 from pg_stat_activity where wait_event_type = 'Lock'");
        return rows.length > 0 || undefined;
      });
    } finally {
      await reader.end();
    }
    expect(await deploymentEnd(one, deployment)).toMatchObject({ status: 'succeeded' });
  });

  it('end the streams of a proxy whose credential is revoked through either', async () => {
    const { token, name } = await registerProxy(one, 'revoked');
    const envoys = [connect(one, token, name, 'delta'), connect(two, token, name, 'sotw')];
    await eventually('first answers', () => envoys.every(({ received }) => received.length > 0) || undefined);
    const { body } = await one.api('GET', `/proxies/name:${name}/credentials`);
    const revoked = await one.api('DELETE', `/proxies/name:${name}/credentials/${body.items[0].id as string}`);
    expect(revoked.status).toBe(204);
    for (const envoy of envoys) expect(await envoy.ended).toMatchObject({ details: 'the credential is revoked' });
  });

  it('finish a deployment within ten seconds when the one that runs it is killed, and assign nothing twice', async () => {
    const names = Array.from({ length: 20 }, (_, i) => `fleet-${String(i).padStart(2, '0')}`);
    const proxies = await Promise.all(names.map((name) => registerProxy(one, name)));
    const envoys = proxies.map(({ token, name }, i) =>
      connect(i % 2 === 0 ? one : two, token, name, i % 4 < 2 ? 'delta' : 'sotw'),
    );
    await one.api('POST', '/configurations', { name: 'fleet' });
    await commit(one, 'fleet', null, edgeSnapshot());
    await deploymentEnd(one, await startDeployment(one, 'fleet', 1, names));
    await commit(one, 'fleet', 1, edgeSnapshot({ '/': 'green' }));

    for (const envoy of envoys) envoy.hold();
    const before = envoys.map((envoy) => envoy.received.length);
    const deployment = await startDeployment(two, 'fleet', 2, names);
    const news = (i: number) => envoys[i]!.received.slice(before[i]).map(({ kind }) => kind);
    await eventually('version 2 at every proxy', () => envoys.every((_, i) => news(i).includes('route')) || undefined);
    const holder = await leaseHolder();
    const assigned = await assignments();

    const killedAt = performance.now();
    await one.kill();
    const back = await Promise.all(
      envoys.map(async (envoy, i) => {
        if (i % 2 === 1) return envoy;
        await envoy.ended;
        return teardown.add(await envoy.reconnect(two.xdsPort));
      }),
    );
    for (const envoy of envoys) envoy.release();
    const ended = await deploymentEnd(two, deployment, 20);
    const seconds = (performance.now() - killedAt) / 1000;

    process.stdout.write(`the other replica finished the deployment ${seconds.toFixed(1)} s after the kill\n`);
    expect(ended).toMatchObject({ status: 'succeeded', progress: { total: 20, successful: 20, failed: 0 } });
    expect(seconds).toBeLessThan(15);
    expect(await leaseHolder()).not.toBe(holder);
    expect(ended.timeline.map(({ kind }) => kind)).toEqual(['created', 'started', 'assigned', 'succeeded']);
    expect(await assignments()).toEqual(assigned);
    for (const [i, envoy] of back.entries()) {
      // Nobody was sent anything but the one changed route, on the stream that lived or on the one before.
      expect(news(i)).toEqual(['route']);
      await envoy.sees('route', 'routes', 'green');
    }
  }, 60_000);

  /** Every assignment with its transaction, which changes with each write. */
  const assignments = (): Promise<unknown[]> =>
    database.sql(`select a.snapshot_hash, a.proxy_id, a.assigned_at from proxy_assignments a order by a.proxy_id`);
});
