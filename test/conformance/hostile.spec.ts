import v8 from 'node:v8';
import vm from 'node:vm';
import { status } from '@grpc/grpc-js';
import { expect } from '@jest/globals';
import { resourceType } from '../../src/xds/resource-types.js';
import { eventually } from '../kit/eventually.js';
import type { XdsClientStream } from '../kit/xds-client.js';
import { resource, snapshot, type Variant } from '../kit/xds-stream.js';
import { encodeDeltaRequest, encodeNode, encodeSotwRequest } from '../kit/xds-wire.js';
import { c1, e1, suite } from './suite.js';

/** Peers that mean harm, or are broken: what they cost is bounded, and nobody else notices. */
const { both, delta, another, place } = suite();
const encode = { sotw: encodeSotwRequest, delta: encodeDeltaRequest };
const endpoints = resourceType('endpoint').typeUrl;

/** Another proxy on the same connection, which is served as if nothing were. */
async function bystander(variant: Variant): Promise<() => Promise<unknown>> {
  const proxy = another(variant).isAssigned(c1);
  await proxy.asks('cluster').takes('cluster c1=v1');
  return async () => {
    await proxy.isAssigned(resource('cluster', 'c1', 'after')).takes('cluster c1=after');
  };
}

function heapAfterCollection(): number {
  v8.setFlagsFromString('--expose-gc');
  (vm.runInNewContext('gc') as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

both('E-29 R15 frames of any size before authentication are not read', async (proxy, variant) => {
  const served = await bystander(variant);
  const { authenticator } = place().server;
  let open!: () => void;
  authenticator.gate = new Promise((resolve) => (open = resolve));
  const strangers = Array.from({ length: 5 }, () => place().client.open(variant, 'revoked'));
  for (const stranger of strangers) for (let i = 0; i < 8; i++) stranger.sendRaw(Buffer.alloc(1024 * 1024, 0xff));
  await served();
  open();
  authenticator.gate = Promise.resolve();
  for (const { ended } of strangers) expect(await ended).toMatchObject({ code: status.PERMISSION_DENIED });
  await proxy.isAssigned(c1).asks('cluster').gets('cluster c1=v1');
});

both('R22 names of 64 KB, NUL, and half of UTF-8 end the stream INVALID_ARGUMENT, and no other', async (_, variant) => {
  const served = await bystander(variant);
  const half = Buffer.concat([encode[variant]({ typeUrl: endpoints }), Buffer.from([0x1a, 1, 0xc3])]);
  const named = (name: string) => encode[variant]({ typeUrl: endpoints, names: [name], subscribe: [name] });
  for (const frame of [named('n'.repeat(65_536)), named('a\0b'), half]) {
    const hostile = another(variant);
    hostile.stream.sendRaw(encode[variant]({ typeUrl: endpoints, node: encodeNode({ id: hostile.nodeId }) }));
    hostile.stream.sendRaw(frame);
    expect(await hostile.ended).toMatchObject({ code: status.INVALID_ARGUMENT });
  }
  await served();
});

both('R15 R22 a node of 8 MB is stepped over, and its id is what counts', async (proxy, variant) => {
  const served = await bystander(variant);
  const extension = Buffer.alloc(8 * 1024 * 1024, 'x');
  const header = Buffer.from([0x4a, 0x80, 0x80, 0x80, 0x04]); // field 9 of a Node, 8 MiB
  const node = Buffer.concat([encodeNode({ id: proxy.nodeId }), header, extension]);
  await proxy.isAssigned(c1).asks('cluster', [], { node }).gets('cluster c1=v1');
  await served();
});

both('R3 R14 a subscription that flaps without an ACK costs one response', async (proxy, variant) => {
  const served = await bystander(variant);
  const names = Array.from({ length: 1_000 }, (_, i) => `e${i}`);
  await proxy.isAssigned(e1).asks('endpoint', names).settles();
  for (let i = 0; i < 100; i++) {
    const [all, change] = i % 2 === 0 ? [names.slice(1), { unsubscribe: ['e0'] }] : [names, { subscribe: ['e0'] }];
    proxy.stream.request('endpoint', variant === 'sotw' ? { names: all, nonce: 'stale' } : change);
  }
  await proxy.settles();
  expect(proxy.log.of('sent')).toHaveLength(1);
  await served();
});

both('E-16 E-51 thousands of wrong nonces are no answer to anything', async (proxy, variant) => {
  const served = await bystander(variant);
  await proxy.isAssigned(e1).asks('endpoint', ['e1']).gets('endpoint e1=v1');
  const error = { code: 13, message: 'no' };
  for (let i = 0; i < 3_000; i++) {
    proxy.stream.request('endpoint', { nonce: `wrong-${i}`, names: ['e1'], ...(i % 2 === 0 ? { error } : {}) });
  }
  await proxy.gets();
  expect(proxy.log.of('acked')).toEqual([]);
  expect(proxy.log.of('nacked')).toEqual([]);
  await served();
});

both('R17 a NACK of 10 MB is one NACK', async (proxy, variant) => {
  const served = await bystander(variant);
  await proxy.isAssigned(e1).asks('endpoint', ['e1']).gets('endpoint e1=v1');
  await proxy.nacks('endpoint', 'private_key: "x" {'.repeat(600_000)).gets();
  expect(proxy.log.of('nacked')).toHaveLength(1);
  await served();
});

both(
  'E-27 E-29 streams that never read and never answer are given two responses, and are gone when they go',
  async (_, variant) => {
    const served = await bystander(variant);
    const { host, stats } = place().server;
    const large = 'x'.repeat(100_000);
    const target = (i: number) =>
      snapshot(...(['cluster', 'endpoint', 'secret'] as const).map((kind) => resource(kind, 'a', `${i}${large}`)));
    const before = { heap: heapAfterCollection(), streams: stats.openStreams[variant] };
    const nodes = Array.from({ length: 20 }, (__, i) => `silent-${variant}-${i}`);
    const streams = nodes.map((nodeId): XdsClientStream => {
      const stream = place().client.open(variant, nodeId, nodeId).subscribe('cluster');
      stream.call.pause();
      return stream.subscribe('endpoint', ['a']).subscribe('secret', ['a']);
    });
    await eventually('all streams', () => nodes.every((id) => host.of(id).length === 1) || undefined);
    for (let i = 0; i < 200; i++) {
      const next = target(i);
      for (const nodeId of nodes) host.assign(nodeId, next);
    }
    // One response of each type at most, whatever was published since.
    for (const nodeId of nodes) expect(host.of(nodeId)[0]!.of('sent').length).toBeLessThanOrEqual(3);
    expect(heapAfterCollection() - before.heap).toBeLessThan(64 * 1024 * 1024);
    await served();
    for (const { call } of streams) call.cancel();
    await eventually('no stream left', () => stats.openStreams[variant] === before.streams || undefined);
  },
);

both(
  'E-29 of the streams of one proxy the oldest end where they are too many, and no other proxy',
  async (_, variant) => {
    const served = await bystander(variant);
    const { stats } = place().server;
    const before = stats.openStreams[variant];
    const nodeId = `many-${variant}`;
    const streams = Array.from({ length: 100 }, () =>
      place().client.open(variant, nodeId, nodeId).subscribe('endpoint'),
    );
    for (const { ended } of streams.slice(0, 36))
      expect(await ended).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    await eventually('the others', () => stats.openStreams[variant] === before + 64 || undefined);
    await served();
    for (const { call } of streams) call.cancel();
  },
);

both('R22 of the streams of one proxy the oldest end where they remember too much', async (_, variant) => {
  const served = await bystander(variant);
  const { host, stats } = place().server;
  const before = stats.openStreams[variant];
  const nodeId = `much-${variant}`;
  const names = Array.from({ length: 8_000 }, (__, i) => `${i}-${'n'.repeat(1_900)}`);
  const streams = Array.from({ length: 20 }, () =>
    place().client.open(variant, nodeId, nodeId).subscribe('endpoint', names),
  );
  await eventually('all of them', () => host.of(nodeId).length === 20 || undefined);
  await eventually('eight that stay', () => stats.openStreams[variant] === before + 8 || undefined);
  expect(await streams[0]?.ended).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  await served();
  for (const { call } of streams) call.cancel();
});

delta('R5 names that are given up under a wildcard, and were never there, are not remembered', async (proxy) => {
  const served = await bystander('delta');
  await proxy.isAssigned(c1).asks('cluster').takes('cluster c1=v1');
  const before = heapAfterCollection();
  for (let i = 0; i < 100; i++) {
    const unsubscribe = Array.from({ length: 2_000 }, (_, j) => `${i}-${j}-${'n'.repeat(1_000)}`);
    await proxy.says('cluster', { unsubscribe }).gets();
  }
  expect(heapAfterCollection() - before).toBeLessThan(96 * 1024 * 1024);
  await proxy.says('cluster', { unsubscribe: ['c1'] }).takes('cluster c1=v1');
  await served();
});
