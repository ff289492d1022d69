import { status } from '@grpc/grpc-js';
import { expect, it } from '@jest/globals';
import { XdsClient } from '../kit/xds-client.js';
import { resource, type Variant } from '../kit/xds-stream.js';
import { XdsTestServer } from '../kit/xds-test-server.js';
import { encodeDeltaRequest, encodeNode, encodeSotwRequest } from '../kit/xds-wire.js';
import { Proxy } from './proxy.js';
import { c1, c2, e1, started, suite } from './suite.js';

const { both, delta, another, place } = suite();
const encode = { sotw: encodeSotwRequest, delta: encodeDeltaRequest };
const typeUrl = 'type.googleapis.com/envoy.config.cluster.v3.Cluster';

both(
  'E-01 R15 a first request without a node ends the stream INVALID_ARGUMENT, and no other',
  async (proxy, variant) => {
    const other = another(variant).isAssigned(c1);
    await other.asks('cluster').takes('cluster c1=v1');
    proxy.stream.sendRaw(encode[variant]({ typeUrl }));
    expect(await proxy.ended).toMatchObject({ code: status.INVALID_ARGUMENT });
    await other.isAssigned(c1, e1).asks('endpoint', ['e1']).gets('endpoint e1=v1');
  },
);

both('E-01 later requests need no node', async (proxy) => {
  await started(proxy);
});

both('E-02 a request on ADS without a type URL ends the stream INVALID_ARGUMENT', async (proxy, variant) => {
  proxy.stream.sendRaw(encode[variant]({ typeUrl: '', node: encodeNode({ id: proxy.nodeId }) }));
  expect(await proxy.ended).toMatchObject({ code: status.INVALID_ARGUMENT });
});

both(
  'E-29 a stream that hangs up, cancels or vanishes is let go of, once, and written to no more',
  async (proxy, variant) => {
    const { server } = place();
    const before = server.stats.openStreams[variant];
    const client = new XdsClient(server.port);
    const vanishing = new Proxy({ server, client }, variant, `${proxy.nodeId}-vanishing`);
    const leaving = [proxy, another(variant), vanishing];
    for (const each of leaving) await each.isAssigned(c1).asks('cluster').gets('cluster c1=v1');
    expect(server.stats.openStreams[variant]).toBe(before + 3);
    proxy.stream.call.end();
    leaving[1]!.stream.call.cancel();
    client.close();
    vanishing.stream.call.cancel();
    await Promise.all(leaving.map((each) => each.log.detachment));
    expect(leaving.map((each) => each.log.detachedTimes)).toEqual([1, 1, 1]);
    expect(server.stats.openStreams[variant]).toBe(before);
    for (const each of leaving) each.isAssigned(c2);
    for (const each of leaving) expect(each.responses).toHaveLength(1);
  },
);

it.each<Variant>(['sotw', 'delta'])('E-30 streams end UNAVAILABLE when the server stops (%s)', async (variant) => {
  const server = await XdsTestServer.start();
  const client = new XdsClient(server.port);
  const proxy = new Proxy({ server, client }, variant, 'edge');
  await proxy.isAssigned(c1).asks('cluster').gets('cluster c1=v1');
  const [ended] = await Promise.all([proxy.ended, server.stop()]);
  expect(ended).toMatchObject({ code: status.UNAVAILABLE, details: 'the server is shutting down' });
  client.close();
});

both('E-31 a type that is not served is not answered, and the stream goes on', async (proxy, variant) => {
  await proxy.isAssigned(c1).asks('cluster').takes('cluster c1=v1');
  for (const name of ['route.v3.VirtualHost', 'route.v3.ScopedRouteConfiguration', 'endpoint.v3.LbEndpoint']) {
    proxy.stream.sendRaw(encode[variant]({ typeUrl: `type.googleapis.com/envoy.config.${name}` }));
  }
  proxy.stream.sendRaw(encode[variant]({ typeUrl: 'x.Y', nonce: 'any', error: { code: 3, message: 'no' } }));
  await proxy.gets();
  await proxy.isAssigned(c1, e1).asks('endpoint', ['e1']).gets('endpoint e1=v1');
});

both(
  'R15 the proxy is the one of the credential: another node id ends the stream, first or later',
  async (proxy, variant) => {
    const { server } = place();
    server.authenticator.refusals.length = 0;
    proxy.says('cluster', { node: encodeNode({ id: 'somebody else' }) });
    expect(await proxy.ended).toMatchObject({ code: status.PERMISSION_DENIED });
    const later = another(variant).isAssigned(c1);
    await later.asks('cluster').gets('cluster c1=v1');
    later.says('listener', { node: encodeNode({ id: 'somebody else' }) });
    expect(await later.ended).toMatchObject({ code: status.PERMISSION_DENIED });
    expect(server.authenticator.refusals).toHaveLength(2);
  },
);

both('R15 a peer without a credential is refused before anything it sends is read', async (_, variant) => {
  for (const [token, code] of [
    [null, status.UNAUTHENTICATED],
    ['revoked', status.PERMISSION_DENIED],
  ] as const) {
    const stream = place().client.open(variant, token).sendRaw(Buffer.from('not protobuf at all'));
    expect(await stream.ended).toMatchObject({ code });
  }
});

delta('R22 E-46 a proxy that lists 20,000 long names with versions comes back in one request', async (proxy) => {
  const names = Array.from({ length: 20_000 }, (_, i) => `${'x'.repeat(290)}-${i}`);
  const versions = Object.fromEntries(names.map((name) => [name, 'v'.repeat(64)]));
  await proxy.isAssigned(resource('endpoint', names[0]!)).asks('endpoint', names, { versions }).takesAll();
  expect(proxy.last('endpoint').removed).toHaveLength(19_999);
});

both('R22 a request of more than 16 MiB ends the stream RESOURCE_EXHAUSTED', async (proxy) => {
  proxy.stream.sendRaw(Buffer.alloc(17 * 1024 * 1024));
  expect(await proxy.ended).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
});

both('R22 more than 20,000 names end the stream INVALID_ARGUMENT', async (proxy) => {
  proxy.asks(
    'endpoint',
    Array.from({ length: 20_001 }, (_, i) => `e${i}`),
  );
  expect(await proxy.ended).toMatchObject({ code: status.INVALID_ARGUMENT });
});
