import { afterEach, describe, expect, it } from '@jest/globals';
import { createTestDatabase } from '../kit/database.js';
import { type Efms, spawnEfms, startEfms } from '../kit/efms.js';
import { bootIdArgs, describeWithEnvoys } from '../kit/envoy.js';
import { eventually } from '../kit/eventually.js';
import { FleetOfOne, PROTOCOLS, type Snapshot } from '../kit/fleet-of-one.js';
import { freePort } from '../kit/ports.js';
import { edsCluster, endpointSet, httpListener, type Resource, routeConfiguration } from '../kit/resources.js';
import { SupervisedEnvoy } from '../kit/supervised-envoy.js';
import { Teardown } from '../kit/teardown.js';
import { type RelayTap, startTokenRelay } from '../kit/token-relay.js';

const COLLECTOR = '/efms-test-spans';

/** A listener whose traces go to a collector. */
function traced(name: string, port: number): Resource {
  const listener = structuredClone(httpListener(name, port, 'routes')) as {
    filter_chains: { filters: { typed_config: Record<string, unknown> }[] }[];
  };
  const manager = listener.filter_chains[0]?.filters[0]?.typed_config ?? {};
  manager['tracing'] = {
    provider: {
      name: 'envoy.tracers.zipkin',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.config.trace.v3.ZipkinConfig',
        collector_cluster: 'c1',
        collector_endpoint: COLLECTOR,
        collector_endpoint_version: 'HTTP_JSON',
      },
    },
  };
  return listener;
}

/**
 * Changes the stored bytes of the traced listener so that the version of its collector's interface is a number that Envoy does not define,
 * at which it aborts. No API of EFMS takes such a listener.
 */
async function makeDeadly(efms: Efms): Promise<void> {
  const [stored] = await efms.database.sql<{ hash: string; value: Buffer }>(
    `select hash, value from snapshot_resources where kind = 'listener' and position($1::bytea in value) > 0`,
    [Buffer.from(COLLECTOR)],
  );
  if (!stored) throw new Error('no traced listener is stored');
  // ZipkinConfig.collector_endpoint_version is field 5, which follows the endpoint.
  const at = stored.value.indexOf(COLLECTOR) + COLLECTOR.length;
  expect([...stored.value.subarray(at, at + 2)]).toEqual([0x28, 1]);
  stored.value[at + 1] = 7;
  await efms.database.sql('update snapshot_resources set value = $1 where hash = $2', [stored.value, stored.hash]);
}

const cluster = (name: string): Pick<Required<Snapshot>, 'clusters' | 'endpoints'> => ({
  clusters: [edsCluster(name)],
  endpoints: [endpointSet(name, 9)],
});

describeWithEnvoys('a version that takes Envoy down', (release) => {
  const teardown = new Teardown();
  afterEach(() => teardown.run());

  it.each(PROTOCOLS)(
    'gives way to the last good one after two processes; over %s',
    async (protocol) => {
      const efms = teardown.add(await startEfms({ ports: { xds: await freePort() } }));
      const fleet = await FleetOfOne.register(efms, `crash-${protocol}`);
      const port = await freePort();
      const good: Snapshot = {
        ...cluster('c1'),
        listeners: [httpListener('ingress', port, 'routes')],
        routes: [routeConfiguration('routes', { '/': 'c1' })],
      };
      const adminPort = String(await freePort());
      const bootstrap = await fleet.bootstrap({ format: 'yaml', protocol, adminPort });
      const envoy = teardown.add(new SupervisedEnvoy({ bootstrap, release }));
      expect(await fleet.deploy(good)).toMatchObject({ status: 'succeeded' });
      const before = await envoy.current?.content();
      // The good one counts as the reason to hold another back only if it ran for longer.
      await efms.database.sql(`update proxy_assignments set good_at = good_at - interval '1 hour'`);

      await fleet.commit({ ...good, listeners: [traced('ingress', port)] });
      await makeDeadly(efms);
      const ended = await fleet.ended(await fleet.startDeployment());

      expect(ended).toMatchObject({
        status: 'halted',
        targets: { items: [{ status: 'failed', reason: 'crash_loop' }] },
      });
      const report = await fleet.settledOn('last good');
      expect(report.quarantines).toMatchObject([{ reason: 'crash_loop', held: true, retryAt: expect.any(String) }]);
      expect(report.summary.join(' ')).toContain('two of its processes in a row went down');
      expect(envoy.crashes).toBe(2);
      expect(await envoy.current?.content()).toEqual(before);
    },
    180_000,
  );
});

/** Withholds the endpoints of one cluster, so that it warms. */
class WithoutEndpoints implements RelayTap {
  withheld = 0;
  isOver = false;

  constructor(private readonly cluster: string) {}

  readonly request = (): boolean => true;
  readonly response = (frame: Buffer): boolean => {
    const isOfEndpoints = frame.includes('envoy.config.endpoint.v3.ClusterLoadAssignment');
    if (this.isOver || !isOfEndpoints || !frame.includes(this.cluster)) return true;
    this.withheld++;
    return false;
  };
}

describeWithEnvoys('a stream that ends while Envoy warms', (release) => {
  const teardown = new Teardown();
  afterEach(() => teardown.run());

  describe.each(PROTOCOLS)('over %s', (protocol) => {
    it.each(['is broken', 'goes with EFMS, which is killed'] as const)(
      'is not held against the version where it %s, twice',
      async (how) => {
        const database = await createTestDatabase();
        teardown.add({ stop: () => database.drop() });
        const ports = { http: await freePort(), xds: await freePort() };
        const tap = new WithoutEndpoints('slow-to-warm');
        const relay = teardown.add(await startTokenRelay({ port: ports.xds, token: '' }, tap));
        const env = { EFMS_XDS_PUBLIC_ADDRESS: `127.0.0.1:${relay.port}` };
        let efms = teardown.add(await spawnEfms({ database, ports, env }));
        const fleet = await FleetOfOne.register(efms, `warms-${protocol}`);
        const target = { port: ports.xds, token: fleet.token };
        relay.pointAt(target);
        const envoy = teardown.add(await fleet.startEnvoy(protocol, { release, args: bootIdArgs() }));
        expect(await fleet.deploy(cluster('c1'))).toMatchObject({ status: 'succeeded' });
        await database.sql(`update proxy_assignments set good_at = good_at - interval '1 hour'`);
        const [first, second] = [cluster('c1'), cluster('slow-to-warm')];
        await fleet.commit({
          clusters: [...first.clusters, ...second.clusters],
          endpoints: [...first.endpoints, ...second.endpoints],
        });
        const deployment = await fleet.startDeployment();

        let last: string | undefined;
        for (const times of [1, 2]) {
          await eventually(`endpoints withheld (${times})`, () => tap.withheld >= times || undefined, 90);
          expect((await envoy.content())['warming/cluster/slow-to-warm']).toBeDefined();
          tap.isOver = times === 2;
          last = (await fleet.through(efms).xds()).streams[0]?.id;
          if (how !== 'is broken') {
            await efms.kill();
            efms = teardown.add(await spawnEfms({ database, ports, env }));
          }
          relay.pointAt(target);
        }

        const again = fleet.through(efms);
        expect(await again.settledOn('assigned', last)).toMatchObject({ quarantines: [] });
        expect(await again.ended(deployment)).toMatchObject({ status: 'succeeded' });
        expect(await database.sql('select crashes from proxy_processes')).toEqual([{ crashes: 0 }]);
        expect((await envoy.content())['active/cluster/slow-to-warm']).toBeDefined();
      },
      180_000,
    );
  });
});
