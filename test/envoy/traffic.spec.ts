import { afterEach, describe, expect, it } from '@jest/globals';
import { startEfms } from '../kit/efms.js';
import { describeWithEnvoy, startEnvoy } from '../kit/envoy.js';
import { FleetOfOne, PROTOCOLS } from '../kit/fleet-of-one.js';
import { untilAnsweredBy } from '../kit/load.js';
import { freePort } from '../kit/ports.js';
import { edsCluster, endpointSet, httpListener, routeConfiguration } from '../kit/resources.js';
import { Teardown } from '../kit/teardown.js';
import { startUpstream } from '../kit/upstream.js';

describeWithEnvoy('a stock Envoy with the rendered bootstrap', () => {
  const teardown = new Teardown();
  afterEach(() => teardown.run());

  describe.each(PROTOCOLS)('over %s', (protocol) => {
    it('serves traffic from the deployed configuration and changes with the next version', async () => {
      const efms = teardown.add(await startEfms({ ports: { xds: await freePort() } }));
      const blue = teardown.add(await startUpstream('blue'));
      const green = teardown.add(await startUpstream('green'));
      const fleet = await FleetOfOne.register(efms, `edge-${protocol}`);
      const port = await freePort();
      const snapshot = (upstream: typeof blue) => ({
        listeners: [httpListener('ingress', port, 'routes')],
        routes: [routeConfiguration('routes', { '/': 'service' })],
        clusters: [edsCluster('service')],
        endpoints: [endpointSet('service', upstream.port)],
      });
      await fleet.commit(snapshot(blue));
      const first = await fleet.startDeployment();
      const adminPort = String(await freePort());
      const bootstrap = await fleet.bootstrap({ format: 'yaml', protocol, adminPort });

      const envoy = teardown.add(await startEnvoy({ bootstrap }));

      await envoy.ready();
      expect(await fleet.ended(first)).toMatchObject({
        status: 'succeeded',
        targets: { items: [{ status: 'succeeded' }] },
      });
      await untilAnsweredBy('blue', port);
      expect(await fleet.status()).toMatchObject({ connection: 'connected', management: 'managed' });

      const second = await fleet.deploy(snapshot(green));

      expect(second).toMatchObject({ status: 'succeeded', targets: { items: [{ status: 'succeeded' }] } });
      await untilAnsweredBy('green', port);
      const statistics = await envoy.stats('update_rejected');
      expect([...statistics.values()].filter((count) => count > 0)).toEqual([]);
    }, 120_000);
  });
});
