import { connect } from 'node:http2';
import net from 'node:net';
import { status } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';
import { type SpawnedEfms, spawnEfms } from '../kit/efms.js';
import { eventually } from '../kit/eventually.js';
import {
  commit,
  deploymentEnd,
  edgeSnapshot,
  type RegisteredProxy,
  registerProxy,
  startDeployment,
} from '../kit/fleet.js';
import { HollowEnvoy, type Received } from '../kit/hollow-envoy.js';
import { Teardown } from '../kit/teardown.js';

const KINDS = ['cluster', 'endpoint', 'listener', 'route'] as const;

/** A proxy with a list of addresses, which connects to one after the other until one takes it; all lives of it together. */
class Wanderer {
  readonly ends: { readonly code: status; readonly details: string }[] = [];
  private readonly before: Received[] = [];
  private isStopped = false;

  private constructor(
    public envoy: HollowEnvoy,
    private readonly ports: readonly number[],
  ) {
    void this.wander();
  }

  static start({ name, token }: RegisteredProxy, ports: readonly number[], index: number): Wanderer {
    const variant = index % 2 === 0 ? 'delta' : 'sotw';
    return new Wanderer(new HollowEnvoy({ port: ports[0]!, token, nodeId: name, variant }), ports);
  }

  get received(): readonly Received[] {
    return [...this.before, ...this.envoy.received];
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.envoy.stop();
  }

  private async wander(): Promise<void> {
    for (let next = 0; ; next += 1) {
      this.ends.push(await this.envoy.ended);
      if (this.isStopped) return;
      this.before.push(...this.envoy.received);
      this.envoy = await this.envoy.reconnect(this.ports[next % this.ports.length]);
    }
  }
}

const readiness = async ({ http }: SpawnedEfms): Promise<number> => (await fetch(`${http}/health/ready`)).status;

const refuses = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(false);
    });
    socket.on('error', () => resolve(true));
  });

describe('the end of one of two replicas', () => {
  const teardown = new Teardown();
  let database: TestDatabase;
  let one: SpawnedEfms;
  let two: SpawnedEfms;

  // The one that stays has the lease of the engine.
  beforeAll(async () => {
    database = await createTestDatabase();
    two = await spawnEfms({ database });
  }, 60_000);
  afterEach(() => teardown.run());
  afterAll(async () => {
    await two.stop();
    await database.drop();
  });

  it('hands its proxies over: none misses a change, none is sent what it has, none is cut off with an answer under way', async () => {
    one = teardown.add(await spawnEfms({ database, env: { EFMS_XDS_DRAIN_MS: '60000' } }));
    const names = Array.from({ length: 16 }, (_, i) => `edge-${String(i).padStart(2, '0')}`);
    const [busy, free] = [names.slice(0, 4), names.slice(4)];
    const proxies = await Promise.all(names.map((name) => registerProxy(two, name)));
    const fleet = proxies.map((proxy, i) => teardown.add(Wanderer.start(proxy, [one.xdsPort, two.xdsPort], i)));
    const [busyOnes, freeOnes] = [fleet.slice(0, 4), fleet.slice(4)];
    await two.api('POST', '/configurations', { name: 'fleet' });
    await commit(two, 'fleet', null, edgeSnapshot());
    await deploymentEnd(two, await startDeployment(two, 'fleet', 1, names));
    await commit(two, 'fleet', 1, edgeSnapshot({ '/': 'green' }));

    const before = fleet.map(({ received }) => received.length);
    const news = (i: number) => fleet[i]!.received.slice(before[i]).map(({ kind }) => kind);
    for (const { envoy } of busyOnes) envoy.hold();
    const first = await startDeployment(two, 'fleet', 2, busy);
    await eventually('a response under way', () => busyOnes.every((_, i) => news(i).length === 1) || undefined);

    const gone = one.terminate();
    const second = await startDeployment(two, 'fleet', 2, free);
    await eventually('no readiness', async () => ((await readiness(one)) === 503 ? true : undefined));
    expect(await readiness(two)).toBe(200);
    expect(await refuses(one.xdsPort)).toBe(true);
    expect((await one.api('GET', '/me')).status).toBe(200);
    expect(await deploymentEnd(two, second)).toMatchObject({ status: 'succeeded' });
    expect(busyOnes.every(({ ends }) => ends.length === 0)).toBe(true);

    for (const { envoy } of busyOnes) envoy.release();
    expect(await gone).toBe(0);
    expect(await deploymentEnd(two, first)).toMatchObject({ status: 'succeeded' });
    for (const [i, { envoy, ends }] of fleet.entries()) {
      await envoy.sees('route', 'routes', 'green');
      expect(news(i)).toEqual(['route']);
      expect(ends[0]).toMatchObject({ code: status.UNAVAILABLE, details: 'the server is shutting down' });
    }
    await eventually('the end of all streams at the one that is gone', async () => {
      const [row] = await database.sql<{ open: number }>(
        'select count(*)::integer as open from xds_streams where ended_at is null',
      );
      return row?.open === names.length || undefined;
    });
    for (const { envoy } of freeOnes) for (const kind of KINDS) expect(envoy.resources(kind).size).toBeGreaterThan(0);
  }, 90_000);

  it('waits for nobody when it is asked a second time', async () => {
    const proxy = await registerProxy(two, 'silent');
    one = teardown.add(await spawnEfms({ database, env: { EFMS_XDS_DRAIN_MS: '600000' } }));
    const envoy = new HollowEnvoy({
      port: one.xdsPort,
      token: proxy.token,
      nodeId: 'silent',
      variant: 'delta',
      silent: true,
    });
    teardown.add(envoy);
    await eventually('a response under way', () => envoy.received.length > 0 || undefined);
    const gone = one.terminate();
    await eventually('no readiness', async () => ((await readiness(one)) === 503 ? true : undefined));
    expect(envoy.isConnected).toBe(true);
    void one.terminate();
    expect(await gone).toBe(0);
    expect(await envoy.ended).toMatchObject({ code: status.UNAVAILABLE });
  }, 60_000);

  it('is no other than the end of a stream by age: GOAWAY first, and nothing is sent to a proxy that comes back', async () => {
    const proxy = await registerProxy(two, 'aging');
    await two.api('POST', '/configurations', { name: 'aging' });
    await commit(two, 'aging', null, edgeSnapshot());
    await commit(two, 'aging', 1, edgeSnapshot({ '/': 'green' }));
    one = teardown.add(await spawnEfms({ database, env: { EFMS_XDS_STREAM_AGE_MS: '5000' } }));
    const envoy = teardown.add(Wanderer.start(proxy, [one.xdsPort], 0));
    const events: string[] = [];
    const session = connect(`http://127.0.0.1:${one.xdsPort}`);
    teardown.add({
      stop: () => {
        session.destroy();
        return Promise.resolve();
      },
    });
    session.on('goaway', () => events.push('goaway'));
    const stream = session.request({
      ':method': 'POST',
      ':path': '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources',
      'content-type': 'application/grpc',
      te: 'trailers',
      authorization: `Bearer ${proxy.token}`,
    });
    stream.on('response', ({ 'grpc-status': code }) => events.push(`status ${String(code)}`));
    await deploymentEnd(two, await startDeployment(two, 'aging', 1, ['aging']));
    const sent = envoy.received.length;

    await eventually('its end by age', () => envoy.ends.length > 0 || undefined);
    expect(envoy.ends[0]).toMatchObject({ code: status.UNAVAILABLE, details: expect.stringContaining('long enough') });
    await eventually('the end of the other', () => events.some((event) => event !== 'goaway') || undefined);
    expect([events[0], events.at(-1)]).toEqual(['goaway', `status ${status.UNAVAILABLE}`]);
    await deploymentEnd(two, await startDeployment(two, 'aging', 2, ['aging']));
    expect(envoy.received.slice(sent).map(({ kind }) => kind)).toEqual(['route']);
  }, 60_000);
});
