import { once } from 'node:events';
import net from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { startEfms } from '../kit/efms.js';
import { describeWithEnvoy } from '../kit/envoy.js';
import { eventually } from '../kit/eventually.js';
import { FleetOfOne, PROTOCOLS } from '../kit/fleet-of-one.js';
import { startLoad, untilAnsweredBy } from '../kit/load.js';
import { freePort } from '../kit/ports.js';
import { edsCluster, endpointSet, httpListener, routeConfiguration, upstreamTls } from '../kit/resources.js';
import { Teardown } from '../kit/teardown.js';
import { startUpstream } from '../kit/upstream.js';

describeWithEnvoy('a configuration that only the machine refuses', () => {
  const teardown = new Teardown();
  afterEach(() => teardown.run());

  /** An Envoy that serves blue on a port, with a load on it that must not notice what the test does. */
  async function serving(protocol: (typeof PROTOCOLS)[number]) {
    const efms = teardown.add(await startEfms({ ports: { xds: await freePort() } }));
    const blue = teardown.add(await startUpstream('blue'));
    const fleet = await FleetOfOne.register(efms, `edge-${protocol}`);
    const port = await freePort();
    const good = {
      listeners: [httpListener('ingress', port, 'routes')],
      routes: [routeConfiguration('routes', { '/': 'blue' })],
      clusters: [edsCluster('blue')],
      endpoints: [endpointSet('blue', blue.port)],
    };
    const envoy = teardown.add(await fleet.startEnvoy(protocol));
    expect(await fleet.deploy(good)).toMatchObject({ status: 'succeeded' });
    await envoy.ready();
    await untilAnsweredBy('blue', port);
    const load = teardown.add(startLoad({ port, rate: 50, maxSeconds: 100 }));
    return { fleet, good, load };
  }

  /** The proxy is back on its last good version by then, so no type is in error any more. */
  const heldBack = (fleet: FleetOfOne) =>
    eventually('the assignment to be held back', async () => (await fleet.sync()).heldBack ?? undefined);

  describe.each(PROTOCOLS)('over %s', (protocol) => {
    it('halts the deployment with the words of Envoy for a port in use, while traffic goes on', async () => {
      const { fleet, good, load } = await serving(protocol);
      const taken = net.createServer().listen(await freePort(), '127.0.0.1');
      await once(taken, 'listening');
      teardown.add({ stop: () => once(taken.close(), 'close') });
      const { port: busy } = taken.address() as net.AddressInfo;

      const refused = await fleet.deploy({
        ...good,
        listeners: [...good.listeners, httpListener('second', busy, 'routes')],
      });

      const words = `cannot bind '127.0.0.1:${busy}': Address already in use`;
      expect(refused.status).toBe('halted');
      expect(refused.targets.items).toEqual([
        expect.objectContaining({ status: 'failed', reason: 'nack', message: expect.stringContaining(words) }),
      ]);
      expect((await heldBack(fleet)).message).toContain(words);
      expect(await load.stop()).toMatchObject({ failed: 0, failures: [] });
    }, 120_000);

    it('halts the deployment with the words of Envoy for a missing file, while traffic goes on', async () => {
      const { fleet, good, load } = await serving(protocol);
      const missing = '/nonexistent/efms/ca.pem';

      const refused = await fleet.deploy({
        ...good,
        clusters: [...good.clusters, edsCluster('secured', upstreamTls(missing))],
        endpoints: [...good.endpoints, endpointSet('secured', 9)],
      });

      expect(refused.status).toBe('halted');
      expect(refused.targets.items).toEqual([
        expect.objectContaining({ status: 'failed', reason: 'nack', message: expect.stringContaining(missing) }),
      ]);
      expect((await heldBack(fleet)).message).toContain(missing);
      expect(await load.stop()).toMatchObject({ failed: 0, failures: [] });
    }, 120_000);
  });
});
