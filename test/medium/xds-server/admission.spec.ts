import { connect } from 'node:net';
import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../../kit/eventually.js';
import { XdsClient, type XdsClientStream } from '../../kit/xds-client.js';
import { resource, snapshot } from '../../kit/xds-stream.js';
import { type TestLimits, XdsTestServer } from '../../kit/xds-test-server.js';

const WHOLE = snapshot(resource('cluster', 'c1'), resource('listener', 'l1'));

let xds: XdsTestServer;
let clients: XdsClient[] = [];

const start = async (limits: Partial<TestLimits>): Promise<void> => {
  xds = await XdsTestServer.start({ limits });
  xds.host.serving = WHOLE;
};
afterEach(async () => {
  for (const client of clients) client.close();
  clients = [];
  await xds.stop();
});

/** A stream of a proxy of that name, on a connection of its own. */
function opened(nodeId: string): XdsClientStream {
  const client = new XdsClient(xds.port);
  clients.push(client);
  return client.open('delta', nodeId, nodeId).subscribe('cluster');
}

describe('more streams than can be served soon', () => {
  it('are told so before anything is asked or read for them, and those that come again are all served', async () => {
    await start({ waiting: 5 });
    let open!: () => void;
    xds.authenticator.gate = new Promise((resolve) => (open = resolve));
    const waiting = Array.from({ length: 5 }, (_, i) => opened(`first-${i}`));
    await eventually('five that wait', () => xds.stats.waitingStreams === 5 || undefined);
    const late = opened('late');
    expect(await late.ended).toMatchObject({
      code: status.UNAVAILABLE,
      details: expect.stringContaining('come again after a back-off'),
    });
    expect(xds.authenticator.asked).toBe(5);
    expect(xds.host.hosted).toEqual([]);

    open();
    await Promise.all(waiting.map((stream) => stream.next()));
    expect((await opened('late').next()).kind).toBe('cluster');
    expect(xds.stats.waitingStreams).toBe(0);
  });

  it('come in by and by, none of them left behind, when hundreds come at once', async () => {
    await start({ waiting: 10 });
    const proxies = 300;
    let most = 0;
    const authenticate = xds.authenticator.authenticate.bind(xds.authenticator);
    xds.authenticator.authenticate = async (token) => {
      most = Math.max(most, xds.stats.waitingStreams);
      await new Promise((resolve) => setTimeout(resolve, 5));
      return authenticate(token);
    };
    // Not all on one: a connection on which a thousand streams are reset counts as an attack.
    clients = Array.from({ length: 30 }, () => new XdsClient(xds.port));
    let retries = 0;
    const served = async (nodeId: string, client: XdsClient): Promise<void> => {
      for (let attempt = 0; ; attempt += 1) {
        const stream = client.open('delta', nodeId, nodeId).subscribe('cluster');
        if (
          await stream.next().then(
            () => true,
            () => false,
          )
        )
          return;
        expect(await stream.ended).toMatchObject({ code: status.UNAVAILABLE });
        retries += 1;
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 50 * 2 ** Math.min(attempt, 6)));
      }
    };
    await Promise.all(Array.from({ length: proxies }, (_, i) => served(`p${i}`, clients[i % clients.length]!)));
    expect(retries).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(10);
    expect(xds.stats.openStreams.delta).toBe(proxies);
    expect(xds.stats.turnedAway.get('waiting')).toBe(retries);
  });
});

describe('a full replica', () => {
  it('says RESOURCE_EXHAUSTED and closes the connection, so that the next goes elsewhere; it serves those that it has', async () => {
    await start({ streams: 2 });
    const [one, two] = [opened('one'), opened('two')];
    const [clusters] = await Promise.all([one.next(), two.next()]);
    const third = opened('third');
    expect(await third.ended).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      details: expect.stringContaining('connect to another one'),
    });
    expect(xds.authenticator.asked).toBe(2);
    await eventually('two connections', () => xds.grpc.connections === 2 || undefined);
    one.ack(clusters);
    xds.host.assign('one', snapshot(resource('cluster', 'c1', 'v2')));
    expect((await one.next()).resources.get('c1')).toBe('v2');

    two.call.cancel();
    await two.ended;
    await eventually('a place', () => xds.stats.openStreams.delta === 1 || undefined);
    expect((await opened('third').next()).kind).toBe('cluster');
  });

  it('keeps a connection that has a stream of its own', async () => {
    await start({ streams: 1 });
    const client = new XdsClient(xds.port);
    clients.push(client);
    const first = client.open('delta', 'one', 'one').subscribe('cluster');
    first.ack(await first.next());
    const second = client.open('delta', 'two', 'two');
    expect(await second.ended).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    await new Promise((resolve) => setTimeout(resolve, 200));
    xds.host.assign('one', snapshot(resource('cluster', 'c1', 'v2')));
    expect((await first.next()).resources.get('c1')).toBe('v2');
  });

  it('closes connections beyond their limit as soon as they come', async () => {
    await start({ connections: 1 });
    const first = opened('one');
    await first.next();
    const second = connect(xds.port, '127.0.0.1');
    second.on('error', () => undefined);
    await once(second, 'close');
    expect([xds.grpc.connections, xds.stats.refusedConnections]).toEqual([1, 1]);
    expect(first.isOver).toBe(false);
  });
});
