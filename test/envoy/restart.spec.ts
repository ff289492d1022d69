import { afterEach, describe, expect, it } from '@jest/globals';
import { createTestDatabase } from '../kit/database.js';
import { type Efms, spawnEfms, type SpawnedEfms } from '../kit/efms.js';
import { describeWithEnvoy, type RunningEnvoy } from '../kit/envoy.js';
import { eventually } from '../kit/eventually.js';
import { FleetOfOne, PROTOCOLS, type Protocol, type Snapshot } from '../kit/fleet-of-one.js';
import { startLoad } from '../kit/load.js';
import { freePort } from '../kit/ports.js';
import { edsCluster, endpointSet, httpListener, routeConfiguration } from '../kit/resources.js';
import { sentSinceStart } from '../kit/sent-since-start.js';
import { Teardown } from '../kit/teardown.js';
import { startUpstream } from '../kit/upstream.js';

/**
 * Two witnesses say what was sent after a restart: the counters of the new EFMS process, which begin at zero, and those of Envoy,
 * which kept running.
 */
describeWithEnvoy('a restart of EFMS while Envoy keeps serving', () => {
  const teardown = new Teardown();
  afterEach(() => teardown.run());

  describe.each(PROTOCOLS)('over %s', (protocol) => {
    it('sends nothing after the reconnect when nothing changed', async () => {
      const { fleet, envoy, loads, restart, snapshot, upstreams } = await scene(teardown, protocol);
      const before = await received(envoy);

      const efms = await restart(() => Promise.resolve());

      await reconnected(envoy, fleet.through(efms));
      expect(await sentSinceStart(efms)).toEqual({ responses: {}, resources: 0 });
      expect(await received(envoy)).toEqual(before);
      // Responses come in order on a stream: when a later change is there, nothing can still be under way before it.
      const changed = snapshot({ second: upstreams.green });
      expect(await fleet.through(efms).deploy(changed)).toMatchObject({ status: 'succeeded' });
      expect((await sentSinceStart(efms)).responses).toEqual({ endpoint: 1 });
      for (const load of loads) expect(await load.stop()).toMatchObject({ failed: 0, failures: [] });
    }, 120_000);

    it('sends the one route configuration that changed meanwhile', async () => {
      const { fleet, envoy, loads, restart, snapshot } = await scene(teardown, protocol);
      const before = await received(envoy);
      const held = await envoy.configuration();
      let deployment = '';

      const efms = await restart(async (other) => {
        await fleet.through(other).commit(snapshot({ route: '/elsewhere' }));
        deployment = await fleet.through(other).startDeployment();
      });

      expect(await fleet.through(efms).ended(deployment)).toMatchObject({ status: 'succeeded' });
      // State of the world sends all routes that are subscribed to, delta the one.
      expect(await sentSinceStart(efms)).toEqual({ responses: { route: 1 }, resources: protocol === 'delta' ? 1 : 2 });
      const after = await received(envoy);
      expect(after.second.routes).toBe(before.second.routes + 1);
      if (protocol === 'delta') expect(after).toEqual({ ...before, second: after.second });
      const now = await envoy.configuration();
      expect(now).toEqual({ ...held, routes: { ...held.routes, 'second-routes': now.routes['second-routes'] } });
      expect(now.routes['second-routes']).not.toEqual(held.routes['second-routes']);
      for (const load of loads) expect(await load.stop()).toMatchObject({ failed: 0, failures: [] });
    }, 120_000);

    it('sends the one endpoint set that changed meanwhile', async () => {
      const { fleet, envoy, loads, restart, snapshot, upstreams } = await scene(teardown, protocol);
      const before = await received(envoy);
      let deployment = '';

      const efms = await restart(async (other) => {
        await fleet.through(other).commit(snapshot({ second: upstreams.green }));
        deployment = await fleet.through(other).startDeployment();
      });

      expect(await fleet.through(efms).ended(deployment)).toMatchObject({ status: 'succeeded' });
      expect(await sentSinceStart(efms)).toEqual({
        responses: { endpoint: 1 },
        resources: protocol === 'delta' ? 1 : 2,
      });
      const after = await received(envoy);
      expect(after.second).toEqual({ ...before.second, endpoints: before.second.endpoints + 1 });
      expect(after).toMatchObject({ clusters: before.clusters, listeners: before.listeners });
      await eventually('answers of green', () =>
        (loads[1].result.byUpstream.get('green') ?? 0) > 0 ? true : undefined,
      );
      for (const load of loads) expect(await load.stop()).toMatchObject({ failed: 0, failures: [] });
    }, 120_000);
  });
});

/**
 * An EFMS process, its proxy with two listeners that have a route configuration, a cluster and an endpoint set each (first: blue,
 * second: red), and a load on both.
 */
async function scene(teardown: Teardown, protocol: Protocol) {
  const database = await createTestDatabase();
  teardown.add({ stop: () => database.drop() });
  const ports = { http: await freePort(), xds: await freePort() };
  let efms: SpawnedEfms = teardown.add(await spawnEfms({ database, ports }));
  const upstreams = {
    blue: teardown.add(await startUpstream('blue')),
    red: teardown.add(await startUpstream('red')),
    green: teardown.add(await startUpstream('green')),
  };
  const listening = [await freePort(), await freePort()] as const;
  const snapshot = ({ second = upstreams.red, route = '/other' } = {}): Snapshot => ({
    listeners: [
      httpListener('first', listening[0], 'first-routes'),
      httpListener('second', listening[1], 'second-routes'),
    ],
    routes: [
      routeConfiguration('first-routes', { '/': 'first' }),
      routeConfiguration('second-routes', { [route]: 'first', '/': 'second' }),
    ],
    clusters: [edsCluster('first'), edsCluster('second')],
    endpoints: [endpointSet('first', upstreams.blue.port), endpointSet('second', second.port)],
  });
  const fleet = await FleetOfOne.register(efms, `edge-${protocol}`);
  const envoy = teardown.add(await fleet.startEnvoy(protocol));
  expect(await fleet.deploy(snapshot())).toMatchObject({ status: 'succeeded' });
  await envoy.ready();
  const loads = [
    teardown.add(startLoad({ port: listening[0], rate: 40, maxSeconds: 100 })),
    teardown.add(startLoad({ port: listening[1], rate: 40, maxSeconds: 100 })),
  ] as const;
  return {
    fleet,
    envoy,
    loads,
    snapshot,
    upstreams,
    /** Stops EFMS, does something through another replica on the same database meanwhile, and starts EFMS again. */
    restart: async (meanwhile: (other: Efms) => Promise<void>): Promise<Efms> => {
      const other = teardown.add(await spawnEfms({ database }));
      await efms.terminate();
      await eventually('an Envoy that lost EFMS', async () => ((await isConnected(envoy)) ? undefined : true));
      await meanwhile(other);
      efms = teardown.add(await spawnEfms({ database, ports }));
      return efms;
    },
  };
}

async function isConnected(envoy: RunningEnvoy): Promise<boolean> {
  return (await envoy.stats('control_plane.connected_state')).get('control_plane.connected_state') === 1;
}

async function reconnected(envoy: RunningEnvoy, fleet: FleetOfOne): Promise<void> {
  await eventually('the stream of Envoy', async () => ((await isConnected(envoy)) ? true : undefined), 60);
  await eventually('a connected proxy', async () =>
    (await fleet.status()).connection === 'connected' ? true : undefined,
  );
}

/** How many updates Envoy has taken, by the counters that belong to what was updated. */
async function received(envoy: RunningEnvoy) {
  const counters = await envoy.stats('update_success');
  const of = (name: string): number => counters.get(`${name}.update_success`) ?? 0;
  const side = (name: string) => ({ routes: of(`http.${name}.rds.${name}-routes`), endpoints: of(`cluster.${name}`) });
  return {
    clusters: of('cluster_manager.cds'),
    listeners: of('listener_manager.lds'),
    first: side('first'),
    second: side('second'),
  };
}
