import { Client, credentials, status } from '@grpc/grpc-js';
import { describe, expect, it } from '@jest/globals';
import { type ResourceKind, resourceType } from '../../src/xds/resource-types.js';
import { resource, snapshot, type Variant } from '../kit/xds-stream.js';
import { encodeDeltaRequest, encodeNode, encodeSotwRequest } from '../kit/xds-wire.js';
import { suite, whole } from './suite.js';

/** Services of one type each: the same machines, without an order between streams. */
const { place } = suite();
const encode = { sotw: encodeSotwRequest, delta: encodeDeltaRequest };

interface Service {
  readonly kind: ResourceKind;
  readonly path: string;
  readonly what: string;
}

const service = (kind: ResourceKind, name: string, what: string): Service => ({
  kind,
  path: `/envoy.service.${kind}.v3.${name}DiscoveryService/`,
  what,
});
const SERVICES = [
  service('cluster', 'Cluster', 'Clusters'),
  service('endpoint', 'Endpoint', 'Endpoints'),
  service('listener', 'Listener', 'Listeners'),
  service('route', 'Route', 'Routes'),
  service('secret', 'Secret', 'Secrets'),
];
const CASES = SERVICES.flatMap((each) => (['sotw', 'delta'] as const).map((variant) => ({ ...each, variant })));

let count = 0;

/** A stream of one service, and the id of its proxy. */
function open({ path, what, variant }: Service & { readonly variant: Variant }) {
  const nodeId = `separate-${++count}`;
  const method = `${path}${variant === 'sotw' ? 'Stream' : 'Delta'}${what}`;
  return { nodeId, stream: place().client.open(variant, nodeId, nodeId, method) };
}

describe.each(CASES)('the service of type $kind, $variant', (each) => {
  const { kind, variant } = each;
  const name = 'one';

  it('E-08 E-12 a service of one type serves its type, and sends what changes', async () => {
    const { stream, nodeId } = open(each);
    const { host } = place().server;
    host.assign(nodeId, snapshot(...whole, resource(kind, name)));
    const names = resourceType(kind).isRoot ? [] : [name];
    const first = await stream.subscribe(kind, names).next();
    expect(first.kind).toBe(kind);
    expect(first.resources.get(name)).toBe('v1');
    stream.ack(first, names);
    host.assign(nodeId, snapshot(...whole, resource(kind, name, 'v2')));
    expect((await stream.next()).resources.get(name)).toBe('v2');
    stream.call.cancel();
  });

  it('E-02 a service of one type needs no type URL, and takes no other', async () => {
    const { stream, nodeId } = open(each);
    place().server.host.assign(nodeId, snapshot(...whole, resource(kind, name)));
    const asked = { names: [name], subscribe: [name], typeUrl: '' };
    stream.sendRaw(encode[variant]({ ...asked, node: encodeNode({ id: nodeId }) }));
    expect((await stream.next()).resources.get(name)).toBe('v1');
    const other = kind === 'cluster' ? 'listener' : 'cluster';
    stream.sendRaw(encode[variant]({ ...asked, typeUrl: resourceType(other).typeUrl }));
    expect(await stream.ended).toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  it('R15 a service of one type tells proxies by their credentials, as ADS does', async () => {
    const { path, what } = each;
    const method = `${path}${variant === 'sotw' ? 'Stream' : 'Delta'}${what}`;
    const stranger = place().client.open(variant, null, 'p1', method).subscribe(kind);
    expect(await stranger.ended).toMatchObject({ code: status.UNAUTHENTICATED });
    const liar = place().client.open(variant, 'somebody', 'somebody else', method).subscribe(kind);
    expect(await liar.ended).toMatchObject({ code: status.PERMISSION_DENIED });
  });
});

it.each(SERVICES)('E-31 to fetch once, without a stream, is not there ($what)', async ({ path, what }) => {
  const client = new Client(`127.0.0.1:${place().server.port}`, credentials.createInsecure());
  const bytes = (value: Buffer): Buffer => value;
  const error = await new Promise((resolve) => {
    client.makeUnaryRequest(`${path}Fetch${what}`, bytes, bytes, Buffer.alloc(0), (refused) => resolve(refused));
  });
  expect(error).toMatchObject({ code: status.UNIMPLEMENTED });
  client.close();
});
