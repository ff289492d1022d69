import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RESOURCE_TYPES } from '../../src/xds/resource-types.js';
import { DeltaStream } from '../../src/xds/server/delta-stream.js';
import { SotwStream } from '../../src/xds/server/sotw-stream.js';
import { readDeltaRequest, readSotwRequest } from '../../src/xds/server/wire/discovery-request.js';
import { readNode } from '../../src/xds/server/wire/node.js';
import { MalformedMessage } from '../../src/xds/server/wire/protobuf.js';
import { eventually } from '../kit/eventually.js';
import { FrameMutator } from '../kit/frame-mutator.js';
import { XdsClient } from '../kit/xds-client.js';
import { EventLog, resource, snapshot, type Variant } from '../kit/xds-stream.js';
import { XdsTestServer } from '../kit/xds-test-server.js';
import { encodeDeltaRequest, encodeNode, encodeSotwRequest } from '../kit/xds-wire.js';
import { Proxy } from './proxy.js';
import { c1, whole } from './suite.js';

/** Frames a variant; `npm run fuzz:xds` asks for many more. The seed of a failure is in its message. */
const FRAMES = Number(process.env['FUZZ_FRAMES'] ?? 1_000);
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1_000_000);

const TARGETS = [
  snapshot(...whole),
  snapshot(resource('cluster', 'c1', 'v2', ['endpoint/e1']), resource('endpoint', 'e1', 'v2')),
  null,
];

/** Requests as an Envoy says them, of every type, with everything that a request can carry. */
function seedsOf(variant: Variant): Buffer[] {
  const node = encodeNode({ id: 'fuzz', bootId: 'b', zone: 'z', extensions: 3 });
  const names = ['e1', 'r1', '*', 'xdstp://a/b/c'];
  const [versions, error] = [
    { c1: c1.version, gone: 'x' },
    { code: 13, message: 'refused' },
  ];
  return RESOURCE_TYPES.flatMap(({ typeUrl }) =>
    [
      { typeUrl, node },
      { typeUrl, names, subscribe: names },
      { typeUrl, nonce: '1', version: 'v', names, unsubscribe: names },
      { typeUrl, nonce: '2', error, names },
      { typeUrl, version: 'claimed', versions, names: ['c1'], subscribe: ['c1'] },
    ].map((fields) => (variant === 'sotw' ? encodeSotwRequest(fields) : encodeDeltaRequest(fields))),
  );
}

/** Gives a machine one frame after the other, and a new machine after each that it refuses. */
function feed(variant: Variant, frames: FrameMutator): { refused: number; taken: number } {
  const log = new EventLog();
  const sink = { send: () => true };
  const fresh = () => (variant === 'sotw' ? new SotwStream(sink, log) : new DeltaStream(sink, log));
  let [machine, refused] = [fresh(), 0];
  for (let i = 0; i < FRAMES; i++) {
    const frame = frames.next();
    try {
      if (machine instanceof SotwStream) {
        const request = readSotwRequest(frame);
        if (request.node) readNode(request.node);
        machine.onRequest(request);
      } else {
        const request = readDeltaRequest(frame);
        if (request.node) readNode(request.node);
        machine.onRequest(request);
      }
      if (i % 7 === 0) machine.serve(TARGETS[i % 3]!);
    } catch (error) {
      if (!(error instanceof MalformedMessage)) {
        throw new Error(`seed ${SEED}, frame ${i}: ${frame.toString('base64')}`, { cause: error });
      }
      machine.close();
      machine = fresh();
      refused++;
    }
    log.events.length = 0;
    log.errors.length = 0;
  }
  return { refused, taken: FRAMES - refused };
}

describe.each<Variant>(['sotw', 'delta'])('frames that are nearly right, %s', (variant) => {
  let server: XdsTestServer;
  let client: XdsClient;
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => void unhandled.push(error);

  beforeAll(async () => {
    process.on('unhandledRejection', note);
    server = await XdsTestServer.start();
    client = new XdsClient(server.port);
  });
  afterAll(async () => {
    process.off('unhandledRejection', note);
    client.close();
    await server.stop();
  });

  it('are taken or refused by the machine, and nothing else happens', () => {
    const { refused, taken } = feed(variant, new FrameMutator(SEED, seedsOf(variant)));
    expect(refused).toBeGreaterThan(FRAMES / 20);
    expect(taken).toBeGreaterThan(FRAMES / 20);
  });

  it('end their own stream at most, over gRPC, and leave nothing behind', async () => {
    const frames = new FrameMutator(SEED, seedsOf(variant));
    const bystander = new Proxy({ server, client }, variant, 'bystander');
    await bystander.isAssigned(c1).asks('cluster').takes('cluster c1=v1');
    server.host.assign('fuzz', TARGETS[0]!);
    const [first] = seedsOf(variant);
    const STREAMS_AT_ONCE = 25;
    for (let sent = 0; sent < FRAMES;) {
      const streams = Array.from({ length: STREAMS_AT_ONCE }, (_, i) =>
        client.open(variant, 'fuzz', 'fuzz').sendRaw(i % 5 === 0 ? frames.next() : first!),
      );
      for (let i = 0; i < 8; i++) for (const stream of streams) if (!stream.isOver) stream.sendRaw(frames.next());
      sent += STREAMS_AT_ONCE * 8;
      for (const [i, { call }] of streams.entries()) if (i % 2 === 0) call.end();
      // Some have their end already, by what they sent.
      await Promise.all(streams.filter((_, i) => i % 2 === 0).map(({ ended }) => ended));
      for (const stream of streams) if (!stream.isOver) stream.call.cancel();
      await Promise.all(streams.map(({ ended }) => ended));
      if (sent % 10_000 === 0) server.host.hosted.splice(1);
    }
    await eventually('only the bystander is left', () => server.stats.openStreams[variant] === 1 || undefined);
    await bystander.isAssigned(resource('cluster', 'c1', 'after')).takes('cluster c1=after');
    expect(unhandled).toEqual([]);
  });
});
