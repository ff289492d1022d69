import { once } from 'node:events';
import net from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createTestDatabase } from '../kit/database.js';
import { spawnEfms, startEfms } from '../kit/efms.js';
import { bootIdArgs, describeWithEnvoys, startEnvoy } from '../kit/envoy.js';
import { eventually } from '../kit/eventually.js';
import { FleetOfOne, PROTOCOLS, type Snapshot } from '../kit/fleet-of-one.js';
import { fetchText, untilAnsweredBy } from '../kit/load.js';
import { freePort } from '../kit/ports.js';
import { edsCluster, endpointSet, httpListener, type Resource, routeConfiguration } from '../kit/resources.js';
import { sentSinceStart } from '../kit/sent-since-start.js';
import { Teardown } from '../kit/teardown.js';
import { type RelayTap, startTokenRelay } from '../kit/token-relay.js';
import { startUpstream } from '../kit/upstream.js';

/** Stands in the clusters that Envoy refuses, and in the words with which it does. */
const MARK = 'EFMS-NO-SUCH-CIPHER';

/** What EFMS takes and Envoy refuses for good: a cipher that its TLS library does not have. */
const impossible: Resource = {
  transport_socket: {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
      common_tls_context: { tls_params: { cipher_suites: [MARK] } },
    },
  },
};

/** Three clusters behind a listener, and the same with one changed, one that is refused, one removed and one added. */
function goodAndBad(port: number, upstream: number): { readonly good: Snapshot; readonly bad: Snapshot } {
  const around = (clusters: readonly Resource[], to: string): Snapshot => ({
    listeners: [httpListener('ingress', port, 'routes')],
    routes: [routeConfiguration('routes', { '/elsewhere': to, '/': 'c1' })],
    clusters,
    endpoints: clusters.map(({ name }) => endpointSet(String(name), upstream)),
  });
  return {
    good: around([edsCluster('c1'), edsCluster('c2'), edsCluster('c3')], 'c3'),
    bad: around([edsCluster('c1', { connect_timeout: '9s' }), edsCluster('c2', impossible), edsCluster('c4')], 'c4'),
  };
}

const MOMENTS = [
  'the refusal is lost',
  'the refusal is under way',
  'the refusal is written',
  'the way back has begun',
] as const;

/** Lets everything pass up to a moment after Envoy refused something, and then nothing, until it is mended. */
class CutLine implements RelayTap {
  isCut = false;
  private isRefused = false;
  private isMended = false;

  constructor(private readonly moment: (typeof MOMENTS)[number]) {}

  mend(): void {
    this.isMended = true;
  }

  readonly request = (frame: Buffer): boolean => {
    if (this.isMended) return true;
    if (this.isCut || !frame.includes(MARK)) return !this.isCut;
    this.isRefused = true;
    this.isCut = this.moment !== 'the way back has begun';
    return this.moment !== 'the refusal is lost';
  };

  readonly response = (): boolean => {
    if (this.isMended) return true;
    if (this.isCut) return false;
    // One response of the way back passes, and its answer does not.
    this.isCut = this.isRefused;
    return true;
  };
}

describeWithEnvoys('a proxy that refuses a version', (release) => {
  const teardown = new Teardown();
  afterEach(() => teardown.run());

  describe.each(PROTOCOLS)('over %s', (protocol) => {
    it('has exactly what it had before, although it had applied a part of it', async () => {
      const efms = teardown.add(await startEfms({ ports: { xds: await freePort() } }));
      const blue = teardown.add(await startUpstream('blue'));
      const fleet = await FleetOfOne.register(efms, `back-${protocol}`);
      const envoy = teardown.add(await fleet.startEnvoy(protocol, { release, args: bootIdArgs() }));
      const port = await freePort();
      const { good, bad } = goodAndBad(port, blue.port);
      expect(await fleet.deploy(good)).toMatchObject({ status: 'succeeded' });
      const before = await envoy.content();
      const held = await envoy.configuration();

      const refused = await fleet.deploy(bad);

      expect(refused).toMatchObject({
        status: 'halted',
        targets: { items: [{ reason: 'nack', message: expect.stringContaining(MARK) }] },
      });
      const report = await fleet.settledOn('last good');
      expect(report.quarantines).toMatchObject([{ reason: 'nack', cause: 'content', suspects: ['c2'], retryAt: null }]);
      expect(await envoy.content()).toEqual(before);
      // The new one was there, and the changed one was another.
      const counters = await envoy.stats('^cluster_manager\\.(cluster_added|cluster_removed|cds\\.update_rejected)$');
      expect(counters.get('cluster_manager.cds.update_rejected')).toBe(1);
      expect(counters.get('cluster_manager.cluster_removed')).toBeGreaterThan(0);
      expect((await envoy.configuration()).clusters['c1']).not.toEqual(held.clusters['c1']);
      expect(await fetchText({ port })).toBe('blue');
    }, 120_000);

    it.each(MOMENTS)(
      'has exactly what it had before where EFMS is killed when %s',
      async (moment) => {
        const database = await createTestDatabase();
        teardown.add({ stop: () => database.drop() });
        const ports = { http: await freePort(), xds: await freePort() };
        const line = new CutLine(moment);
        const relay = teardown.add(await startTokenRelay({ port: ports.xds, token: '' }, line));
        const env = { EFMS_XDS_PUBLIC_ADDRESS: `127.0.0.1:${relay.port}` };
        const first = teardown.add(await spawnEfms({ database, ports, env }));
        const fleet = await FleetOfOne.register(first, `killed-${protocol}`);
        relay.pointAt({ port: ports.xds, token: fleet.token });
        const envoy = teardown.add(await fleet.startEnvoy(protocol, { release, args: bootIdArgs() }));
        const { good, bad } = goodAndBad(await freePort(), 9);
        expect(await fleet.deploy(good)).toMatchObject({ status: 'succeeded' });
        const before = await envoy.content();

        await fleet.commit(bad);
        const deployment = await fleet.startDeployment();
        await eventually('the moment', () => line.isCut || undefined, 60);
        if (moment === 'the refusal is written') {
          await eventually('the quarantine', async () =>
            (await database.sql('select from proxy_quarantines')).length > 0 ? true : undefined,
          );
        }
        const killed = (await fleet.xds()).streams[0]?.id;
        await first.kill();

        line.mend();
        const second = teardown.add(await spawnEfms({ database, ports, env }));
        relay.pointAt({ port: ports.xds, token: fleet.token });
        const again = fleet.through(second);
        const report = await again.settledOn('last good', killed);
        expect(report.quarantines).toMatchObject([{ reason: 'nack', cause: 'content', held: true }]);
        expect(await envoy.content()).toEqual(before);
        expect(await again.ended(deployment)).toMatchObject({ targets: { items: [{ reason: 'nack' }] } });
      },
      180_000,
    );

    it.each(['by itself, when it is due', 'on somebody’s word'] as const)(
      'is offered a port that was in use again %s',
      async (how) => {
        const efms = teardown.add(await startEfms({ ports: { xds: await freePort() } }));
        const blue = teardown.add(await startUpstream('blue'));
        const fleet = await FleetOfOne.register(efms, `port-${protocol}`);
        const envoy = teardown.add(await fleet.startEnvoy(protocol, { release, args: bootIdArgs() }));
        const good: Snapshot = {
          listeners: [httpListener('ingress', await freePort(), 'routes')],
          routes: [routeConfiguration('routes', { '/': 'blue' })],
          clusters: [edsCluster('blue')],
          endpoints: [endpointSet('blue', blue.port)],
        };
        expect(await fleet.deploy(good)).toMatchObject({ status: 'succeeded' });
        const before = await envoy.content();
        const { port, free } = await takePort(teardown);
        const second = httpListener('second', port, 'routes');
        await fleet.commit({ ...good, listeners: [...(good.listeners ?? []), second] });
        expect(await fleet.ended(await fleet.startDeployment())).toMatchObject({ status: 'halted' });
        const held = await fleet.settledOn('last good');
        expect(held.quarantines).toMatchObject([{ cause: 'machine', retryAt: expect.any(String) }]);
        expect(await envoy.content()).toEqual(before);

        await free();
        if (how === 'on somebody’s word') await fleet.offerAgain();
        else await efms.database.sql(`update proxy_quarantines set retry_at = clock_timestamp()`);

        expect(await fleet.settledOn('assigned')).toMatchObject({ quarantines: [] });
        await untilAnsweredBy('blue', port);
      },
      120_000,
    );
  });
});

describeWithEnvoys('a proxy that another server configured', (release) => {
  const teardown = new Teardown();
  afterEach(() => teardown.run());

  it.each(PROTOCOLS)(
    'keeps all that it has although it has an assignment, until it is taken over; over %s',
    async (protocol) => {
      const name = `frozen-${protocol}`;
      const blue = teardown.add(await startUpstream('blue'));
      const green = teardown.add(await startUpstream('green'));
      const foreign = teardown.add(await startEfms({ ports: { xds: await freePort() } }));
      const elsewhere = await FleetOfOne.register(foreign, name);
      const relay = teardown.add(await startTokenRelay({ port: foreign.xdsPort, token: elsewhere.token }));
      const efms = teardown.add(await startEfms({ env: { EFMS_XDS_PUBLIC_ADDRESS: `127.0.0.1:${relay.port}` } }));
      const fleet = await FleetOfOne.register(efms, name);
      const adminPort = String(await freePort());
      const bootstrap = await fleet.bootstrap({ format: 'yaml', protocol, adminPort });
      const envoy = teardown.add(await startEnvoy({ bootstrap, release, args: bootIdArgs() }));
      const port = await freePort();
      const routedTo = (upstream: typeof blue): Snapshot => ({
        listeners: [httpListener('ingress', port, 'routes')],
        routes: [routeConfiguration('routes', { '/': upstream.name })],
        clusters: [edsCluster(upstream.name)],
        endpoints: [endpointSet(upstream.name, upstream.port)],
      });
      expect(await elsewhere.deploy(routedTo(blue))).toMatchObject({ status: 'succeeded' });
      const before = await envoy.content();
      await fleet.commit(routedTo(green));
      const deployment = await fleet.startDeployment();
      await eventually('the assignment', async () => ((await fleet.xds()).assigned ? true : undefined));

      relay.pointAt({ port: efms.xdsPort, token: fleet.token });

      await eventually(
        'a frozen proxy',
        async () => ((await fleet.status()).management === 'frozen' ? true : undefined),
        60,
      );
      expect((await fleet.xds()).summary.join(' ')).toContain('take-over');
      expect(await sentSinceStart(efms)).toEqual({ responses: {}, resources: 0 });
      expect(await envoy.content()).toEqual(before);
      expect(await fetchText({ port })).toBe('blue');

      await fleet.takeOver();

      expect(await fleet.ended(deployment)).toMatchObject({ status: 'succeeded' });
      await untilAnsweredBy('green', port);
      expect(Object.keys((await envoy.configuration()).clusters)).toEqual(['green']);
      expect(await fleet.status()).toMatchObject({ management: 'managed' });
    },
    120_000,
  );
});

/** Listens on a port of loopback until it is freed, or the test is over. */
async function takePort(teardown: Teardown): Promise<{ readonly port: number; readonly free: () => Promise<void> }> {
  const taken = net.createServer().listen(await freePort(), '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as net.AddressInfo;
  const free = async (): Promise<void> => {
    if (!taken.listening) return;
    taken.close();
    await once(taken, 'close');
  };
  teardown.add({ stop: free });
  return { port, free };
}
