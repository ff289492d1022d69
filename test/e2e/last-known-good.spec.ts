import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Efms, startEfms } from '../kit/efms.js';
import { eventually } from '../kit/eventually.js';
import { commit, deploymentEnd, deploymentOf, edgeSnapshot, registerProxy, startDeployment } from '../kit/fleet.js';
import { expectStatus } from '../kit/fleet-of-one.js';
import { HollowEnvoy } from '../kit/hollow-envoy.js';
import { edsCluster, endpointSet } from '../kit/resources.js';
import { Teardown } from '../kit/teardown.js';
import type { Variant } from '../kit/xds-stream.js';

const ANY = '*';

describe.each<Variant>(['delta', 'sotw'])('a proxy that refuses a version, over %s', (variant) => {
  const teardown = new Teardown();
  let efms: Efms;

  beforeAll(async () => {
    efms = await startEfms();
  });
  afterEach(() => teardown.run());
  afterAll(() => efms.stop());

  /** The first version with a third cluster. */
  const grown = (): ReturnType<typeof edgeSnapshot> => {
    const snapshot = edgeSnapshot();
    return {
      ...snapshot,
      clusters: [...snapshot.clusters, edsCluster('red')],
      endpoints: [...snapshot.endpoints, endpointSet('red', 9)],
    };
  };
  const account = async (name: string) => (await expectStatus(200, efms.api('GET', `/proxies/name:${name}/xds`))).body;

  /** A proxy that runs version 1 and refuses the clusters of version 2. */
  async function refusing(name: string, message: string, refused = 'red'): Promise<HollowEnvoy> {
    const { token } = await registerProxy(efms, name);
    await expectStatus(201, efms.api('POST', '/configurations', { name }));
    await commit(efms, name, null, edgeSnapshot());
    await commit(efms, name, 1, grown());
    const envoy = teardown.add(new HollowEnvoy({ port: efms.xdsPort, token, nodeId: name, variant }));
    const first = await deploymentEnd(efms, await startDeployment(efms, name, 1, [name]));
    expect(first.status).toBe('succeeded');
    envoy.refuse('cluster', message, refused === ANY ? undefined : refused);
    const second = await deploymentEnd(efms, await startDeployment(efms, name, 2, [name]));
    expect(second).toMatchObject({ status: 'halted', targets: { items: [{ status: 'failed', reason: 'nack' }] } });
    return envoy;
  }

  it('goes back to the last one that it had in full, until it is offered again on somebody’s word', async () => {
    const name = `back-${variant}`;
    const envoy = await refusing(name, 'Error adding/updating cluster(s) red: no');
    await eventually('the last good version', async () => {
      const { served, lastGood, streams } = await account(name);
      return (served === lastGood.snapshot && streams[0].converged === served) || undefined;
    });
    const held = await account(name);
    expect(held.quarantines).toMatchObject([{ reason: 'nack', cause: 'content', held: true, suspects: ['red'] }]);
    expect(held.assigned.snapshot).toBe(held.quarantines[0].snapshot);
    expect(held.summary.join(' ')).toMatch(/held back.*refused cluster.*Meanwhile it is served the last good snapshot/);
    expect((await expectStatus(200, efms.api('GET', `/proxies/name:${name}/sync`))).body).toMatchObject({
      heldBack: { reason: 'nack', message: expect.stringContaining('red'), at: expect.any(String), retryAt: null },
      sync: { cluster: { state: 'SYNCED' } },
      converged: false,
    });

    envoy.accept('cluster');
    await expectStatus(200, efms.api('POST', `/proxies/name:${name}/offer-again`));
    await envoy.sees('cluster', 'red', 'red');
    await eventually('the quarantine to end', async () => (await account(name)).quarantines.length === 0 || undefined);
    const sync = (await expectStatus(200, efms.api('GET', `/proxies/name:${name}/sync`))).body;
    expect(sync).toMatchObject({ heldBack: null, converged: true });
    const { body } = await expectStatus(200, efms.api('POST', `/proxies/name:${name}/offer-again`));
    expect(body.served).toBe(body.lastGood.snapshot);
  });

  it('is sent all that it may have, whatever it claims when it comes back', async () => {
    const name = `claims-${variant}`;
    // It refuses the way back as well, and its stream breaks.
    const envoy = await refusing(name, 'no', ANY);
    const back = teardown.add(await envoy.reconnect());
    await eventually('the way back', async () => {
      const [stream] = (await account(name)).streams;
      return (stream.endedAt === null && stream.converged !== null) || undefined;
    });
    const clusters = back.received.filter(({ kind }) => kind === 'cluster');
    if (variant === 'sotw') expect(clusters.map(({ resources }) => [...resources.keys()])).toEqual([['blue', 'green']]);
    else expect(clusters.flatMap(({ removed }) => removed)).toEqual(['red']);
  });

  it('takes what its machine was in the way of once that is gone, and a deployment that asks again', async () => {
    const name = `machine-${variant}`;
    const envoy = await refusing(name, "cannot bind '0.0.0.0:80': Address already in use");
    const { quarantines } = await account(name);
    expect(quarantines).toMatchObject([{ cause: 'machine', held: true, retryAt: expect.any(String) }]);
    envoy.accept('cluster');
    const again = await expectStatus(202, efms.api('POST', '/deployments', deploymentOf(name, 2, [name])));
    expect(await deploymentEnd(efms, again.body.id)).toMatchObject({ status: 'succeeded' });
    await envoy.sees('cluster', 'red', 'red');
  });
});

describe('a proxy that comes from elsewhere', () => {
  const teardown = new Teardown();
  afterEach(() => teardown.run());

  it.each<Variant>(['delta', 'sotw'])(
    'is frozen although it has an assignment, until it is taken over; over %s',
    async (variant) => {
      const elsewhere = teardown.add(await startEfms());
      const efms = teardown.add(await startEfms());
      const name = `foreign-${variant}`;
      const theirs = await registerProxy(elsewhere, name);
      await expectStatus(201, elsewhere.api('POST', '/configurations', { name }));
      await commit(elsewhere, name, null, edgeSnapshot());
      const before = teardown.add(
        new HollowEnvoy({ port: elsewhere.xdsPort, token: theirs.token, nodeId: name, variant }),
      );
      await deploymentEnd(elsewhere, await startDeployment(elsewhere, name, 1, [name]));
      await before.sees('cluster', 'blue', 'blue');

      const ours = await registerProxy(efms, name);
      await expectStatus(201, efms.api('POST', '/configurations', { name }));
      await commit(efms, name, null, {
        clusters: [edsCluster('ours')],
        endpoints: [endpointSet('ours', 1)],
      });
      await startDeployment(efms, name, 1, [name]);
      await eventually('the assignment', async () => {
        const { body } = await efms.api('GET', `/proxies/name:${name}/xds`);
        return body.assigned !== null || undefined;
      });
      const envoy = teardown.add(await before.reconnect(efms.xdsPort, ours.token));
      await eventually('a frozen proxy', async () => {
        const { body } = await efms.api('GET', `/proxies/name:${name}`);
        return body.status.management === 'frozen' || undefined;
      });
      expect(envoy.received).toEqual([]);
      const { summary } = (await efms.api('GET', `/proxies/name:${name}/xds`)).body;
      expect(summary.join(' ')).toContain('It is frozen');

      await expectStatus(200, efms.api('POST', `/proxies/name:${name}/take-over`));
      await envoy.sees('cluster', 'ours', 'ours');
      await eventually('only ours', () => [...envoy.resources('cluster').keys()].join() === 'ours' || undefined);
      await eventually('a managed proxy', async () => {
        const { body } = await efms.api('GET', `/proxies/name:${name}`);
        return body.status.management === 'managed' || undefined;
      });
    },
  );
});
