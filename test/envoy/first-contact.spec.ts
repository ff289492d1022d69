import { afterEach, describe, expect, it } from '@jest/globals';
import { startEfms } from '../kit/efms.js';
import { describeWithEnvoy, startEnvoy } from '../kit/envoy.js';
import { eventually } from '../kit/eventually.js';
import { FleetOfOne, PROTOCOLS } from '../kit/fleet-of-one.js';
import { fetchText, untilAnsweredBy } from '../kit/load.js';
import { freePort } from '../kit/ports.js';
import { edsCluster, endpointSet, httpListener, routeConfiguration } from '../kit/resources.js';
import { sentSinceStart } from '../kit/sent-since-start.js';
import { Teardown } from '../kit/teardown.js';
import { startTokenRelay } from '../kit/token-relay.js';
import { startUpstream } from '../kit/upstream.js';

describeWithEnvoy('a proxy without an assignment', () => {
  const teardown = new Teardown();
  afterEach(() => teardown.run());

  describe.each(PROTOCOLS)('over %s', (protocol) => {
    it('becomes ready with nothing to serve when it claims nothing', async () => {
      const efms = teardown.add(await startEfms({ ports: { xds: await freePort() } }));
      const fleet = await FleetOfOne.register(efms, `new-${protocol}`);

      const envoy = teardown.add(await fleet.startEnvoy(protocol));

      await envoy.ready();
      expect(await envoy.configuration()).toEqual({ listeners: {}, routes: {}, clusters: {}, endpoints: {} });
      // Answered, not given up on: Envoy waits 15 s for an answer before it goes on without one.
      const counters = await envoy.stats('(cds|lds)\\.(update_success|init_fetch_timeout)');
      expect(Object.fromEntries(counters)).toEqual({
        'cluster_manager.cds.update_success': 1,
        'cluster_manager.cds.init_fetch_timeout': 0,
        'listener_manager.lds.update_success': 1,
        'listener_manager.lds.init_fetch_timeout': 0,
      });
    }, 90_000);

    it('keeps what another server gave it, as unmanaged, until something is deployed to it', async () => {
      const name = `moved-${protocol}`;
      const blue = teardown.add(await startUpstream('blue'));
      const green = teardown.add(await startUpstream('green'));
      const foreign = teardown.add(await startEfms({ ports: { xds: await freePort() } }));
      const elsewhere = await FleetOfOne.register(foreign, name);
      const relay = teardown.add(await startTokenRelay({ port: foreign.xdsPort, token: elsewhere.token }));
      const efms = teardown.add(await startEfms({ env: { EFMS_XDS_PUBLIC_ADDRESS: `127.0.0.1:${relay.port}` } }));
      const fleet = await FleetOfOne.register(efms, name);
      const port = await freePort();
      const adminPort = String(await freePort());
      const bootstrap = await fleet.bootstrap({ format: 'yaml', protocol, adminPort });
      const envoy = teardown.add(await startEnvoy({ bootstrap }));
      const routedTo = (upstream: typeof blue) => ({
        listeners: [httpListener('ingress', port, 'routes')],
        routes: [routeConfiguration('routes', { '/': upstream.name })],
        clusters: [edsCluster(upstream.name)],
        endpoints: [endpointSet(upstream.name, upstream.port)],
      });
      expect(await elsewhere.deploy(routedTo(blue))).toMatchObject({ status: 'succeeded' });
      const before = await envoy.configuration();

      relay.pointAt({ port: efms.xdsPort, token: fleet.token });

      await eventually(
        'an unmanaged proxy',
        async () => {
          const { connection, management } = await fleet.status();
          return connection === 'connected' && management === 'unmanaged' ? true : undefined;
        },
        60,
      );
      expect(await sentSinceStart(efms)).toEqual({ responses: {}, resources: 0 });
      expect(await envoy.configuration()).toEqual(before);
      expect(await fetchText({ port })).toBe('blue');

      expect(await fleet.deploy(routedTo(green))).toMatchObject({ status: 'succeeded' });

      await untilAnsweredBy('green', port);
      expect(await fleet.status()).toMatchObject({ management: 'managed' });
      expect(Object.keys((await envoy.configuration()).clusters)).toEqual(['green']);
    }, 120_000);
  });
});
