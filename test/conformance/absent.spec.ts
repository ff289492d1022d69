import { Client, credentials, status } from '@grpc/grpc-js';
import { expect, it } from '@jest/globals';
import { bytesHeader, Reader, stringField } from '../../src/xds/server/wire/protobuf.js';
import { resource } from '../kit/xds-stream.js';
import { encodeNode } from '../kit/xds-wire.js';
import { e1, started, suite } from './suite.js';

/** What EFMS does not do, and is not to do unnoticed (docs/reference/xds.md). */
const { both, sotw, place } = suite();

/** Numbers of the fields of a message, and the values of one of them. */
function fieldsOf(message: Buffer, wanted = 0): { numbers: number[]; values: Buffer[] } {
  const reader = new Reader(message);
  const [numbers, values] = [new Set<number>(), [] as Buffer[]];
  while (reader.next()) {
    numbers.add(reader.field);
    if (reader.field === wanted) values.push(reader.bytesField());
    else reader.skip();
  }
  return { numbers: [...numbers].sort((a, b) => a - b), values };
}

both('E-52 R20 no resource has a time to live, and none is wrapped for one', async (proxy, variant) => {
  await started(proxy);
  for (const frame of proxy.stream.frames) {
    for (const value of fieldsOf(frame, 2).values) {
      // An Any has type_url and value. A Resource has version, resource and name; ttl is 6, cache_control 7.
      expect(fieldsOf(value).numbers).toEqual(variant === 'sotw' ? [1, 2] : [1, 2, 3]);
      if (variant === 'sotw') expect(fieldsOf(value, 1).values[0]!.toString()).toMatch(/envoy\.config\./);
    }
  }
});

sotw('E-52 R20 nor for a client that says that it takes wrapped resources', async (proxy) => {
  const feature = stringField(10, 'xds.config.resource-in-sotw');
  const node = Buffer.concat([encodeNode({ id: proxy.nodeId }), feature]);
  await proxy.isAssigned(e1).asks('endpoint', ['e1'], { node }).gets('endpoint e1=v1');
  const [value] = fieldsOf(proxy.stream.frames[0]!, 2).values;
  expect(fieldsOf(value!, 1).values[0]!.toString()).toMatch(/ClusterLoadAssignment$/);
});

both('E-54 a name that begins with xdstp:// is a name like any other', async (proxy) => {
  const name = 'xdstp://authority/envoy.config.endpoint.v3.ClusterLoadAssignment/one?a=b';
  const wire = (response: { resources: ReadonlyMap<string, string> }) => [...response.resources.values()];
  await proxy.isAssigned(resource('endpoint', name)).asks('endpoint', [name]).takesAll();
  expect(wire(proxy.last('endpoint'))).toEqual([expect.stringContaining('v1')]);
});

both('E-54 a glob collection is a name that nothing has', async (proxy, variant) => {
  const glob = 'xdstp://authority/envoy.config.endpoint.v3.ClusterLoadAssignment/foo/*';
  proxy.isAssigned(resource('endpoint', 'xdstp://authority/envoy.config.endpoint.v3.ClusterLoadAssignment/foo/a'));
  await proxy.asks('endpoint', [glob]).gets(...(variant === 'sotw' ? [] : [`endpoint -${glob}`]));
});

both('R21 a response never has resource_errors; what is missing is removed, or left out', async (proxy, variant) => {
  proxy.isAssigned(e1).asks('cluster', ['gone']).asks('endpoint', ['gone']);
  await proxy.takes(...(variant === 'sotw' ? ['cluster'] : ['cluster -gone', 'endpoint -gone']));
  for (const frame of proxy.stream.frames) {
    for (const number of fieldsOf(frame).numbers) expect([1, 2, 4, 5, 6]).toContain(number);
  }
});

const bytes = (value: Buffer): Buffer => value;

it.each([
  ['virtual hosts', '/envoy.service.route.v3.VirtualHostDiscoveryService/DeltaVirtualHosts'],
  ['scoped routes', '/envoy.service.route.v3.ScopedRoutesDiscoveryService/StreamScopedRoutes'],
])('E-31 the service for %s is not there', async (_what, path) => {
  const client = new Client(`127.0.0.1:${place().server.port}`, credentials.createInsecure());
  const call = client.makeBidiStreamRequest(path, bytes, bytes);
  call.on('error', () => undefined).on('data', () => undefined);
  call.write(bytesHeader(1, 0));
  const ended = await new Promise((resolve) => call.on('status', resolve));
  expect(ended).toMatchObject({ code: status.UNIMPLEMENTED });
  client.close();
});
