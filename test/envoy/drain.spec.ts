import net from 'node:net';
import { afterEach, expect, it } from '@jest/globals';
import { createTestDatabase } from '../kit/database.js';
import { spawnEfms } from '../kit/efms.js';
import { describeWithEnvoy } from '../kit/envoy.js';
import { eventually } from '../kit/eventually.js';
import { FleetOfOne, PROTOCOLS } from '../kit/fleet-of-one.js';
import { freePort } from '../kit/ports.js';
import { edgeSnapshot } from '../kit/fleet.js';
import { httpListener } from '../kit/resources.js';
import { Teardown } from '../kit/teardown.js';

/** One address for several: a connection goes to the first of them that takes it. */
async function startBalancer(targets: readonly number[]): Promise<{ port: number; stop: () => Promise<void> }> {
  const open = new Set<net.Socket>();
  const dial = (client: net.Socket, [port, ...others]: readonly number[]): void => {
    if (port === undefined) return void client.destroy();
    const server = net.connect(port, '127.0.0.1');
    open.add(server);
    server.once('error', () => dial(client, others));
    server.once('connect', () => {
      server.removeAllListeners('error');
      for (const [from, to] of [[client, server] as const, [server, client] as const]) {
        from.on('error', () => to.destroy()).on('close', () => to.destroy());
        from.pipe(to);
      }
    });
  };
  const balancer = net.createServer((client) => {
    open.add(client);
    client.once('error', () => client.destroy());
    dial(client, targets);
  });
  const port = await freePort();
  await new Promise<void>((resolve) => balancer.listen(port, '127.0.0.1', resolve));
  return {
    port,
    stop: () => {
      for (const socket of open) socket.destroy();
      return new Promise((resolve) => balancer.close(() => resolve()));
    },
  };
}

describeWithEnvoy('the end of one of two replicas, and an Envoy', () => {
  const teardown = new Teardown();
  afterEach(() => teardown.run());

  it.each(PROTOCOLS)(
    'hands it over with one change on the way, which it gets once, over %s',
    async (protocol) => {
      const database = await createTestDatabase();
      teardown.add({ stop: () => database.drop() });
      const targets: number[] = [];
      const balancer = teardown.add(await startBalancer(targets));
      const env = { EFMS_XDS_PUBLIC_ADDRESS: `127.0.0.1:${balancer.port}`, EFMS_XDS_DRAIN_MS: '30000' };
      const two = teardown.add(await spawnEfms({ database, env }));
      const one = teardown.add(await spawnEfms({ database, env }));
      targets.push(one.xdsPort, two.xdsPort);
      const fleet = await FleetOfOne.register(two, `edge-${protocol}`);
      const envoy = teardown.add(await fleet.startEnvoy(protocol));
      const port = await freePort();
      const snapshot = (cluster: string) => {
        const whole = edgeSnapshot({ '/': cluster });
        return { ...whole, listeners: [httpListener('ingress', port, 'routes')] };
      };
      expect(await fleet.deploy(snapshot('blue'))).toMatchObject({ status: 'succeeded' });
      const updates = async () => {
        const counters = await envoy.stats('update_success');
        return [...counters].filter(([name, count]) => count > 0 && !name.includes('runtime')).sort();
      };
      const before = new Map(await updates());
      await fleet.commit(snapshot('green'));

      const gone = one.terminate();
      const deployment = await fleet.startDeployment();
      expect(await gone).toBe(0);
      expect(await fleet.ended(deployment)).toMatchObject({ status: 'succeeded' });
      await eventually('the Envoy at the other replica', async () =>
        (await fleet.status()).connection === 'connected' ? true : undefined,
      );
      const routes = 'http.ingress.rds.routes.update_success';
      expect(new Map(await updates())).toEqual(new Map([...before, [routes, (before.get(routes) ?? 0) + 1]]));
    },
    120_000,
  );
});
