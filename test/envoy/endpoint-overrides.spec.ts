import { afterEach, expect, it } from '@jest/globals';
import { startEfms } from '../kit/efms.js';
import { describeWithEnvoy } from '../kit/envoy.js';
import { eventually } from '../kit/eventually.js';
import { expectStatus, FleetOfOne, PROTOCOLS } from '../kit/fleet-of-one.js';
import { freePort } from '../kit/ports.js';
import { edsCluster, endpointSet, httpListener, routeConfiguration } from '../kit/resources.js';
import { Teardown } from '../kit/teardown.js';
import { startUpstream } from '../kit/upstream.js';

const REQUESTS = 20;

describeWithEnvoy('an endpoint that is drained by an override', () => {
  const teardown = new Teardown();
  afterEach(() => teardown.run());

  it.each(PROTOCOLS)(
    'gets no more traffic from Envoy, and gets it again afterwards, over %s',
    async (protocol) => {
      const efms = teardown.add(await startEfms({ ports: { xds: await freePort() } }));
      const [left, right] = [teardown.add(await startUpstream('left')), teardown.add(await startUpstream('right'))];
      const fleet = await FleetOfOne.register(efms, `edge-${protocol}`);
      const port = await freePort();
      const envoy = teardown.add(await fleet.startEnvoy(protocol));
      const deployment = await fleet.deploy({
        listeners: [httpListener('ingress', port, 'routes')],
        routes: [routeConfiguration('routes', { '/': 'service' })],
        clusters: [edsCluster('service')],
        endpoints: [endpointSet('service', left.port, right.port)],
      });
      expect(deployment).toMatchObject({ status: 'succeeded' });

      /** Who answered a number of requests; undefined where one failed. */
      const answering = async (): Promise<string[] | undefined> => {
        const names = new Set<string>();
        for (let i = 0; i < REQUESTS; i++) {
          const response = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
          if (response?.status !== 200) return undefined;
          names.add(await response.text());
        }
        return [...names].sort();
      };
      const answeredBy = (...names: string[]): Promise<unknown> =>
        eventually(`answers of ${names.join(' and ')}`, async () =>
          JSON.stringify(await answering()) === JSON.stringify(names) ? true : undefined,
        );
      await answeredBy('left', 'right');
      const before = await envoy.configuration();

      const drain = { clusterName: 'service', address: '127.0.0.1', port: left.port, drain: true, reason: 'a test' };
      await expectStatus(201, efms.api('PUT', '/endpoint-overrides/name:left', drain));
      await answeredBy('right');
      expect((await envoy.configuration()).listeners).toEqual(before.listeners);
      await eventually('convergence', async () => ((await fleet.sync()).converged ? true : undefined));

      const ended = efms.api('DELETE', '/endpoint-overrides/name:left', undefined, { 'if-match': '*' });
      await expectStatus(204, ended);
      await answeredBy('left', 'right');
    },
    120_000,
  );
});
