import { afterAll, beforeAll, expect } from '@jest/globals';
import { XdsClient } from '../kit/xds-client.js';
import { resource, type Variant } from '../kit/xds-stream.js';
import { XdsTestServer } from '../kit/xds-test-server.js';
import type { Place, Proxy } from './proxy.js';
import { c1, c2, e1, l1, r1, started, suite, whole } from './suite.js';

const { both, sotw, delta, another } = suite();
const KINDS = ['cluster', 'endpoint', 'listener', 'route'] as const;
const NAMES = { cluster: [], endpoint: ['e1'], listener: [], route: ['r1'] } as const;

let replica: Place;
beforeAll(async () => {
  const server = await XdsTestServer.start();
  replica = { server, client: new XdsClient(server.port) };
});
afterAll(async () => {
  replica.client.close();
  await replica.server.stop();
});

/** Asks for everything again with what the proxy had on the stream before. */
function asksAgain(proxy: Proxy, before: Proxy): Proxy {
  for (const kind of KINDS) proxy.asks(kind, NAMES[kind], before.claimOf(kind));
  return proxy;
}

both('E-24 R10 a proxy that comes back with what it should have is sent nothing', async (proxy) => {
  await started(proxy);
  const back = asksAgain(proxy.comesBack(), proxy);
  await back.gets();
  expect(back.log.of('converged')).toHaveLength(1);
});

both('E-24 a nonce of an earlier stream is worth nothing on the next', async (proxy) => {
  await started(proxy);
  const { nonce } = proxy.last('cluster');
  const back = proxy.comesBack();
  await back.asks('cluster', [], { nonce, version: 'x', versions: { c1: 'x' } }).gets('cluster c1=v1');
  expect(back.log.of('acked')).toEqual([]);
});

both('E-25 versions that say nothing get everything', async (proxy) => {
  await proxy
    .isAssigned(c1)
    .asks('cluster', [], { version: 'x', versions: { c1: 'x' } })
    .takes('cluster c1=v1');
});

both('E-25 E-30 R10 another replica has the same versions, and sends nothing either', async (proxy) => {
  await started(proxy);
  replica.server.host.assign(proxy.nodeId, null);
  const back = proxy.comesBack(replica);
  back.isAssigned(
    ...whole.map(({ kind, name, value, children, version }) => ({ kind, name, value, children, version })),
  );
  await asksAgain(back, proxy).gets();
  expect(back.log.of('converged')).toHaveLength(1);
});

delta('E-46 R10 of what is claimed the changed is sent, the gone removed, and the rest left', async (proxy) => {
  const [a, b, x] = [resource('cluster', 'a'), resource('cluster', 'b'), resource('cluster', 'x')];
  proxy.isAssigned(resource('cluster', 'a', 'v2'), b);
  proxy.asks('cluster', [], { versions: { a: a.version, b: b.version, x: x.version } });
  await proxy.takes('cluster a=v2', 'cluster -x');
});

delta('E-47 versions in a request that is not the first of its type are ignored', async (proxy) => {
  await proxy.isAssigned(e1).asks('endpoint').gets();
  await proxy.says('endpoint', { subscribe: ['e1'], versions: { e1: e1.version } }).takes('endpoint e1=v1');
});

sotw('R10 a version with the names of another subscription proves nothing', async (proxy) => {
  const e2 = resource('endpoint', 'e2');
  await proxy.isAssigned(e1, e2).asks('endpoint', ['e1', 'e2']).takes('endpoint e1=v1 e2=v1');
  const { version } = proxy.last('endpoint');
  await proxy.comesBack().asks('endpoint', ['e1'], { version }).takes('endpoint e1=v1');
});

both('R10 R11 endpoints of a cluster that changed meanwhile are sent, whatever is claimed', async (proxy) => {
  await started(proxy);
  const back = proxy.comesBack().isAssigned(resource('cluster', 'c1', 'v2', ['endpoint/e1']), e1, l1, r1);
  await asksAgain(back, proxy).takes('cluster c1=v2', 'endpoint e1=v1');
  expect(back.log.of('converged')).toHaveLength(1);
});

both('R10 a fresh process, which claims nothing, is sent everything', async (proxy) => {
  await started(proxy);
  const fresh = proxy.comesBack().asks('cluster').asks('endpoint', ['e1']);
  await fresh.takes('cluster c1=v1', 'endpoint e1=v1');
});

both(
  'E-32 a proxy without an assignment that claims nothing is answered with nothing, so that it starts',
  async (proxy) => {
    await proxy.hasNoAssignment().asks('cluster').asks('listener').takes('cluster', 'listener');
    proxy
      .isAssigned(...whole)
      .asks('endpoint', ['e1'])
      .asks('route', ['r1']);
    await proxy.takes('cluster c1=v1', 'endpoint e1=v1', 'listener l1=v1', 'route r1=v1');
  },
);

both('E-32 R6 a proxy without an assignment that claims something is sent nothing, and is reported', async (proxy) => {
  const theirs = { version: 'theirs', versions: { old: 'theirs' } };
  await proxy.hasNoAssignment().asks('cluster', [], theirs).asks('listener', [], theirs).gets();
  expect(proxy.log.of('unmanaged')).toEqual(['unmanaged']);
});

both('E-32 a proxy whose assignment is not read yet is answered when it is', async (proxy) => {
  await proxy.asks('cluster').gets();
  await proxy.isAssigned(c1).gets('cluster c1=v1');
});

const contents = (proxy: Proxy) => KINDS.flatMap((kind) => [...proxy.last(kind).resources]);

sotw('E-53 both variants have the same content', async (proxy) => {
  const other = await started(another('delta' satisfies Variant));
  await started(proxy);
  expect(contents(other)).toEqual(contents(proxy));
  expect(other.last('cluster').versions).toEqual(new Map([['c1', c1.version]]));
  await other.isAssigned(c1, c2, e1, l1, r1).takes('cluster c2=v1');
});
