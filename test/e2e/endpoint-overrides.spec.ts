import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { EnvoyApi } from '../../src/xds/envoy-api/index.js';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';
import { type SpawnedEfms, spawnEfms } from '../kit/efms.js';
import { eventually } from '../kit/eventually.js';
import { commit, deploymentEnd, edgeSnapshot, registerProxy, startDeployment } from '../kit/fleet.js';
import { expectStatus } from '../kit/fleet-of-one.js';
import { HollowEnvoy } from '../kit/hollow-envoy.js';
import { Teardown } from '../kit/teardown.js';
import type { Variant } from '../kit/xds-stream.js';

const ANY = { 'if-match': '*' };
const DRAIN = { address: '127.0.0.1', port: 8001, drain: true, weight: 7, reason: 'disk' };
const OVERRIDDEN = { health_status: 'DRAINING', load_balancing_weight: 7 };

describe('an endpoint override', () => {
  const teardown = new Teardown();
  const api = EnvoyApi.load();
  let database: TestDatabase;
  let one: SpawnedEfms;
  let two: SpawnedEfms;

  beforeAll(async () => {
    database = await createTestDatabase();
    one = await spawnEfms({ database });
    two = await spawnEfms({ database });
  }, 60_000);
  afterEach(() => teardown.run());
  afterAll(async () => {
    await one.stop();
    await two.stop();
    await database.drop();
  });

  /** A proxy on the second replica, with the configuration deployed, and a set of its own. */
  async function deployed(name: string, variant: Variant): Promise<HollowEnvoy> {
    const { token } = await registerProxy(one, name);
    await one.api('POST', '/configurations', { name });
    await commit(one, name, null, edgeSnapshot({ '/': name }, [name, `${name}-other`]));
    const envoy = teardown.add(new HollowEnvoy({ port: two.xdsPort, token, nodeId: name, variant }));
    const deployment = await deploymentEnd(one, await startDeployment(one, name, 1, [name]));
    expect(deployment.status).toBe('succeeded');
    return envoy;
  }

  const override = (name: string, more: object = {}): Promise<unknown> =>
    expectStatus(201, one.api('PUT', `/endpoint-overrides/name:${name}`, { clusterName: name, ...DRAIN, ...more }));

  const end = (name: string): Promise<unknown> =>
    expectStatus(204, one.api('DELETE', `/endpoint-overrides/name:${name}`, undefined, ANY));

  /** What a client has of the one endpoint of a set, but for where it is. */
  function endpointOf(envoy: HollowEnvoy, set: string): object | undefined {
    const value = envoy.resources('endpoint').get(set);
    const json: any = value && api.toJson('endpoint', value);
    if (!json) return undefined;
    const { endpoint: _, ...rest } = json.endpoints[0].lb_endpoints[0];
    return rest;
  }

  const has = (envoy: HollowEnvoy, set: string, wanted: object): Promise<unknown> =>
    eventually(`endpoint with ${JSON.stringify(wanted)}`, () =>
      JSON.stringify(endpointOf(envoy, set)) === JSON.stringify(wanted) ? true : undefined,
    );

  const converged = (name: string): Promise<any> =>
    eventually('convergence', async () => {
      const { body } = await one.api('GET', `/proxies/name:${name}/sync`);
      return body.converged ? body : undefined;
    });

  const news = (envoy: HollowEnvoy, before: number): unknown[] =>
    envoy.received.slice(before).map(({ kind, resources, removed }) => [kind, [...resources.keys()], removed]);

  it.each<Variant>(['delta', 'sotw'])(
    'reaches proxies over %s as endpoints alone, and its end too',
    async (variant) => {
      const name = `o-${variant}`;
      const envoy = await deployed(name, variant);
      const { assigned } = await converged(name);
      const original = envoy.resources('endpoint').get(name);
      const [before, others] = [envoy.received.length, envoy.resources('endpoint').get(`${name}-other`)];

      await override(name);
      await has(envoy, name, OVERRIDDEN);
      expect(news(envoy, before).length).toBe(1);
      expect(news(envoy, before)).toMatchObject([['endpoint', expect.arrayContaining([name]), []]]);
      expect(envoy.resources('endpoint').get(`${name}-other`)).toEqual(others);
      expect((await converged(name)).assigned).toEqual(assigned);

      await end(name);
      await has(envoy, name, {});
      expect(envoy.resources('endpoint').get(name)).toEqual(original);
      expect(news(envoy, before).map(([kind]: any) => kind)).toEqual(['endpoint', 'endpoint']);
      expect((await converged(name)).assigned).toEqual(assigned);
    },
  );

  it.each<Variant>(['delta', 'sotw'])('is kept over a reconnect and another deployment, over %s', async (variant) => {
    const name = `k-${variant}`;
    const first = await deployed(name, variant);
    await override(name);
    await has(first, name, OVERRIDDEN);
    await converged(name);

    const second = teardown.add(await first.reconnect(one.xdsPort));
    await converged(name);
    await commit(one, name, 1, edgeSnapshot({ '/': `${name}-other` }, [name, `${name}-other`]));
    const deployment = await deploymentEnd(one, await startDeployment(one, name, 2, [name]));
    expect(deployment.status).toBe('succeeded');
    await second.sees('route', 'routes', `${name}-other`);
    expect(second.received.filter(({ resources }) => resources.has(name))).toEqual([]);
    expect(endpointOf(second, name)).toEqual(OVERRIDDEN);

    // Ended while the proxy is away: what it claims then is no reason to keep anything from it.
    await second.stop();
    await end(name);
    const third = teardown.add(await second.reconnect(two.xdsPort));
    await has(third, name, {});
    await converged(name);
  });

  it.each<Variant>(['delta', 'sotw'])(
    'that expires has no effect any more, whoever removes it, over %s',
    async (variant) => {
      const name = `e-${variant}`;
      const envoy = await deployed(name, variant);
      await override(name, { expiresAt: '2990-01-01T00:00:00Z' });
      await has(envoy, name, OVERRIDDEN);
      await converged(name);

      // Somebody else has the lease of the job that removes it.
      await database.sql(
        `insert into leases (name, owner, epoch, expires_at) values ('endpoint-override-expiry', 'a test', 1, now() + interval '1 hour')
       on conflict (name) do update set owner = 'a test', epoch = leases.epoch + 1, expires_at = excluded.expires_at`,
      );
      const before = envoy.received.length;
      await database.sql('update endpoint_overrides set expires_at = now() where name = $1', [name]);
      await has(envoy, name, {});
      expect(news(envoy, before)).toMatchObject([['endpoint', expect.arrayContaining([name]), []]]);
      const { body } = await expectStatus(200, one.api('GET', `/endpoint-overrides/name:${name}`));
      expect(body.inEffect).toBe(false);

      await database.sql(`update leases set expires_at = now() where name = 'endpoint-override-expiry'`);
      await eventually('removal', async () =>
        (await one.api('GET', `/endpoint-overrides/name:${name}`)).status === 404 ? true : undefined,
      );
      await converged(name);
      expect(news(envoy, before)).toHaveLength(1);
    },
  );
});
