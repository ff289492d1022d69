import { afterEach, describe, expect, it } from '@jest/globals';
import { startEfms } from '../kit/efms.js';
import { describeWithEnvoy } from '../kit/envoy.js';
import { eventually } from '../kit/eventually.js';
import { FleetOfOne, PROTOCOLS } from '../kit/fleet-of-one.js';
import { startLoad } from '../kit/load.js';
import { freePort } from '../kit/ports.js';
import { edsCluster, endpointSet, httpListener, routeConfiguration } from '../kit/resources.js';
import { Teardown } from '../kit/teardown.js';
import { startUpstream } from '../kit/upstream.js';

describeWithEnvoy('a route change between existing clusters under constant load', () => {
  const teardown = new Teardown();
  afterEach(() => teardown.run());

  describe.each(PROTOCOLS)('over %s', (protocol) => {
    it('drops no request and moves all of them, there and back', async () => {
      const efms = teardown.add(await startEfms({ ports: { xds: await freePort() } }));
      const upstreams = [
        teardown.add(await startUpstream('blue')),
        teardown.add(await startUpstream('green')),
      ] as const;
      const fleet = await FleetOfOne.register(efms, `edge-${protocol}`);
      const port = await freePort();
      const routedTo = (cluster: string) => ({
        listeners: [httpListener('ingress', port, 'routes')],
        routes: [routeConfiguration('routes', { '/': cluster })],
        clusters: upstreams.map(({ name }) => edsCluster(name)),
        endpoints: upstreams.map((upstream) => endpointSet(upstream.name, upstream.port)),
      });
      const envoy = teardown.add(await fleet.startEnvoy(protocol));
      expect(await fleet.deploy(routedTo('blue'))).toMatchObject({ status: 'succeeded' });
      await envoy.ready();
      const load = teardown.add(startLoad({ port, rate: 100, maxSeconds: 100 }));
      const moreFrom = async (upstream: string, count: number) => {
        const before = load.result.byUpstream.get(upstream) ?? 0;
        await eventually(`${count} more answers of ${upstream}`, () =>
          (load.result.byUpstream.get(upstream) ?? 0) >= before + count ? true : undefined,
        );
      };
      await moreFrom('blue', 100);

      for (const cluster of ['green', 'blue', 'green']) {
        expect(await fleet.deploy(routedTo(cluster))).toMatchObject({ status: 'succeeded' });
        await moreFrom(cluster, 100);
      }

      const { sent, ok, failed, failures } = await load.stop();
      expect({ failed, failures }).toEqual({ failed: 0, failures: [] });
      expect(ok).toBe(sent);
      expect((await envoy.stats('rds.routes')).get('http.ingress.rds.routes.update_success')).toBe(4);
    }, 120_000);
  });
});
