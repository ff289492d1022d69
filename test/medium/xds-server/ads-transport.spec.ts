import { connect as connectHttp2 } from 'node:http2';
import { connect, createServer, type AddressInfo } from 'node:net';
import { Client, credentials, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication, FastifyAdapter } from '@nestjs/platform-fastify';
import { service as healthService } from 'grpc-health-check';
import { type ResourceKind, resourceType } from '../../../src/xds/resource-types.js';
import { ADS_SERVICE } from '../../../src/xds/server/discovery-services.js';
import { Connections } from '../../../src/xds/server/connections.js';
import { CannotListen, XdsGrpcServer } from '../../../src/xds/server/grpc-server.js';
import type { ServerStats } from '../../../src/xds/server/server-stats.js';
import type { CompiledSnapshot } from '../../../src/xds/snapshots/compiled-snapshot.js';
import { XdsClient, type XdsClientStream } from '../../kit/xds-client.js';
import { resource, snapshot, type Variant } from '../../kit/xds-stream.js';
import {
  IDENTITY,
  type TestAuthenticator,
  type TestHost,
  XdsTestModule,
  XdsTestServer,
} from '../../kit/xds-test-server.js';
import {
  type DecodedResponse,
  decodeDeltaResponse,
  decodeSotwResponse,
  encodeDeltaRequest,
  encodeNode,
  encodeSotwRequest,
} from '../../kit/xds-wire.js';

let xds: XdsTestServer;
let app: INestApplication;
let server: XdsGrpcServer;
let client: XdsClient;
let host: TestHost;
let authenticator: TestAuthenticator;
let stats: ServerStats;

beforeEach(async () => {
  xds = await XdsTestServer.start();
  ({ app, grpc: server, host, authenticator, stats } = xds);
  client = new XdsClient(xds.port);
});

afterEach(async () => {
  client.close();
  await xds.stop();
});

/** Waits for something that another process or tick brings about. */
async function eventually(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(condition()).toBe(true);
}

/** A client that takes nothing out of its HTTP/2 window (64 KB) until it is told to; a gRPC client always reads ahead. */
class UnhurriedReader {
  private readonly session = connectHttp2(`http://127.0.0.1:${server.address.port}`);
  private readonly stream;

  constructor(private readonly variant: Variant) {
    this.stream = this.session.request({
      ':method': 'POST',
      ':path': `/${ADS_SERVICE}/${variant === 'sotw' ? 'StreamAggregatedResources' : 'DeltaAggregatedResources'}`,
      'content-type': 'application/grpc',
      te: 'trailers',
      authorization: 'Bearer good',
    });
  }

  subscribe(kind: ResourceKind, names: readonly string[] = []): this {
    const common = { typeUrl: resourceType(kind).typeUrl, node: encodeNode() };
    const message =
      this.variant === 'sotw'
        ? encodeSotwRequest({ ...common, names })
        : encodeDeltaRequest({ ...common, subscribe: names });
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(message.length, 1);
    this.stream.write(Buffer.concat([prefix, message]));
    return this;
  }

  async read(count: number): Promise<DecodedResponse[]> {
    let buffered = Buffer.alloc(0);
    const responses: DecodedResponse[] = [];
    for await (const chunk of this.stream as AsyncIterable<Buffer>) {
      buffered = Buffer.concat([buffered, chunk]);
      while (buffered.length >= 5 && buffered.length >= 5 + buffered.readUInt32BE(1)) {
        const end = 5 + buffered.readUInt32BE(1);
        const frame = buffered.subarray(5, end);
        responses.push(this.variant === 'sotw' ? decodeSotwResponse(frame) : decodeDeltaResponse(frame));
        buffered = buffered.subarray(end);
      }
      if (responses.length === count) break;
    }
    return responses;
  }

  close(): void {
    this.session.destroy();
  }
}

const c1 = resource('cluster', 'c1', 'v1', ['endpoint/e1']);
const e1 = resource('endpoint', 'e1');
const whole = snapshot(c1, e1, resource('listener', 'l1'));

describe.each<Variant>(['sotw', 'delta'])('ADS over gRPC, %s', (variant) => {
  const opened = (token?: string | null, nodeId?: string): XdsClientStream => client.open(variant, token, nodeId);

  it('serves a proxy up to convergence, and tells its host what happens', async () => {
    host.serving = whole;
    const stream = opened().subscribe('cluster');
    const clusters = await stream.next();
    expect(clusters.resources).toEqual(new Map([['c1', 'v1']]));
    stream.subscribe('endpoint', ['e1']);
    const endpoints = await stream.next();
    stream.ack(clusters).ack(endpoints, ['e1']).subscribe('listener');
    stream.ack(await stream.next());
    const [hosted] = host.hosted;
    await eventually(() => hosted!.of('converged').length === 1);
    expect(hosted!.stream).toMatchObject({
      identity: IDENTITY,
      variant,
      node: { id: 'p1', userAgentVersion: '1.40.0' },
    });
    expect(stats.openStreams[variant]).toBe(1);
    expect(stats.acks.get('cluster')).toBe(1);
  });

  it('authenticates before it reads anything', async () => {
    let open!: () => void;
    authenticator.gate = new Promise((resolve) => (open = resolve));
    const stream = opened('revoked').sendRaw(Buffer.from('not protobuf at all'));
    await eventually(() => authenticator.asked === 1);
    open();
    expect(await stream.ended).toMatchObject({ code: status.PERMISSION_DENIED, details: 'the credential was revoked' });
  });

  it.each([
    [null, status.UNAUTHENTICATED, 'a bearer token is required'],
    ['revoked', status.PERMISSION_DENIED, 'the credential was revoked'],
    ['away', status.UNAVAILABLE, 'the database is away'],
    ['bug', status.INTERNAL, 'internal error'],
  ])('ends a stream with token %s with status %d', async (token, code, details) => {
    const stream = opened(token).subscribe('cluster');
    expect(await stream.ended).toMatchObject({ code, details });
    expect(host.hosted).toEqual([]);
  });

  it('ends a stream whose node id is not that of its credential, and has it recorded', async () => {
    const stream = opened('good', 'another').subscribe('cluster');
    expect(await stream.ended).toMatchObject({ code: status.PERMISSION_DENIED });
    expect(authenticator.refusals).toEqual(['the node id is not that of the credential']);
    expect(host.hosted).toEqual([]);
    expect(stats.refusals.get('permission_denied')).toBe(1);
  });

  it('takes the same node with every request, and ends a stream on which it changes', async () => {
    host.serving = whole;
    const stream = opened().subscribe('cluster');
    await stream.next();
    stream.subscribe('endpoint', ['e1'], { node: encodeNode() });
    expect((await stream.next()).kind).toBe('endpoint');
    stream.subscribe('listener', [], { node: encodeNode({ id: 'another' }) });
    expect(await stream.ended).toMatchObject({ code: status.PERMISSION_DENIED });
    expect(authenticator.refusals).toEqual(['the node id is not that of the credential']);
  });

  it.each([
    ['garbage', () => Buffer.from('ffffffffff', 'hex')],
    ['a first request without a node', () => Buffer.alloc(0)],
    ['a string that is not UTF-8', () => Buffer.from('2202c328', 'hex')],
  ])('case 1: ends a stream that sends %s INVALID_ARGUMENT, and no other', async (_, frame) => {
    host.serving = whole;
    const other = opened().subscribe('cluster');
    const clusters = await other.next();
    const stream = opened().sendRaw(frame());
    expect(await stream.ended).toMatchObject({ code: status.INVALID_ARGUMENT });
    other.ack(clusters).subscribe('endpoint', ['e1']);
    expect((await other.next()).kind).toBe('endpoint');
  });

  it('case 2: ends a stream that does not say the type INVALID_ARGUMENT', async () => {
    host.serving = whole;
    const stream = opened().subscribe('cluster');
    await stream.next();
    stream.sendRaw(Buffer.alloc(0));
    expect(await stream.ended).toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  it('ends a stream that sends more than it takes RESOURCE_EXHAUSTED', async () => {
    const stream = opened().sendRaw(Buffer.alloc(17 * 1024 * 1024));
    expect(await stream.ended).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  });

  it('case 29: detaches once when the client hangs up, cancels, or is gone', async () => {
    host.serving = whole;
    const polite = opened().subscribe('cluster');
    await polite.next();
    polite.call.end();
    expect(await polite.ended).toMatchObject({ code: status.OK });
    const rude = opened().subscribe('cluster');
    await rude.next();
    rude.call.cancel();
    const gone = opened().subscribe('cluster');
    await gone.next();
    client.close();
    gone.call.cancel();
    await Promise.all(host.hosted.map((hosted) => hosted.detachment));
    expect(host.hosted.map((hosted) => hosted.detachedTimes)).toEqual([1, 1, 1]);
    expect(stats.openStreams[variant]).toBe(0);
    host.hosted[0]!.stream.serve(snapshot(resource('cluster', 'c1', 'v2'))); // of no effect, and no harm
  });

  it('ends a stream when its host says so', async () => {
    host.serving = whole;
    const stream = opened().subscribe('cluster');
    await stream.next();
    host.hosted[0]!.stream.end('permission_denied', 'the credential was revoked');
    expect(await stream.ended).toMatchObject({ code: status.PERMISSION_DENIED, details: 'the credential was revoked' });
    expect(host.hosted[0]!.detachedTimes).toBe(1);
  });

  it('lets a host end a stream while it attaches it', async () => {
    host.whileAttaching = (stream) => stream.end('unavailable', 'too many streams');
    const stream = opened().subscribe('cluster');
    expect(await stream.ended).toMatchObject({ code: status.UNAVAILABLE, details: 'too many streams' });
    expect(host.hosted[0]!.detachedTimes).toBe(1);
    expect(stats.openStreams[variant]).toBe(0);
  });

  it('survives a host that throws, on that stream only', async () => {
    host.whileAttaching = () => {
      throw new Error('a bug');
    };
    expect(await opened().subscribe('cluster').ended).toMatchObject({
      code: status.INTERNAL,
      details: 'internal error',
    });
    host.whileAttaching = () => undefined;
    host.serving = whole;
    expect((await opened().subscribe('cluster').next()).kind).toBe('cluster');
  });

  it('keeps only the newest for a client that does not answer', async () => {
    const target = (i: number): CompiledSnapshot => snapshot(resource('endpoint', 'e1', `v${i}`));
    host.serving = target(0);
    const stream = opened().subscribe('endpoint', ['e1']);
    const first = await stream.next();
    for (let i = 1; i < 50; i++) host.hosted[0]!.stream.serve(target(i));
    stream.ack(first, ['e1']);
    expect((await stream.next()).resources.get('e1')).toBe('v49');
    expect(host.hosted[0]!.of('sent')).toHaveLength(2);
  });

  it('holds no more than two responses for a client that does not read, and goes on when it does', async () => {
    const large = 'x'.repeat(500_000);
    const target = (i: number): CompiledSnapshot =>
      snapshot(
        resource('cluster', 'c1', `${i}${large}`),
        resource('endpoint', 'e1', `${i}${large}`),
        resource('secret', 's1', `${i}${large}`),
        resource('runtime', 'r1', `${i}${large}`),
      );
    host.serving = target(0);
    const reader = new UnhurriedReader(variant);
    reader.subscribe('cluster').subscribe('endpoint', ['e1']).subscribe('secret', ['s1']).subscribe('runtime', ['r1']);
    await eventually(() => host.hosted[0]?.of('subscribed').length === 4);
    for (let i = 1; i <= 20; i++) host.hosted[0]!.stream.serve(target(i));
    expect(host.hosted[0]!.of('sent')).toEqual(['sent cluster', 'sent endpoint']);
    const contents = await reader.read(4);
    expect(contents.map(({ kind, resources }) => [kind, [...resources.values()][0]!.replace(/x+/, '')])).toEqual([
      ['cluster', '0'],
      ['endpoint', '0'],
      ['secret', '20'],
      ['runtime', '20'],
    ]);
    reader.close();
  });

  it('sends two streams of one snapshot the same bytes', async () => {
    host.serving = whole;
    const [a, b] = [opened().subscribe('cluster'), opened().subscribe('cluster')];
    await Promise.all([a.next(), b.next()]);
    expect(a.frames[0]).toEqual(b.frames[0]);
  });

  it('case 30: ends streams UNAVAILABLE when the application shuts down', async () => {
    host.serving = whole;
    const stream = opened().subscribe('cluster');
    await stream.next();
    const [ended] = await Promise.all([stream.ended, app.close()]);
    expect(ended).toMatchObject({ code: status.UNAVAILABLE, details: 'the server is shutting down' });
    expect(host.hosted[0]!.detachedTimes).toBe(1);
  });
});

describe('the gRPC server', () => {
  it('says in one sentence that a port is in use', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const second = await NestFactory.create<NestFastifyApplication>(XdsTestModule, new FastifyAdapter(), {
      logger: false,
    });
    const connections = second.get(Connections);
    second.connectMicroservice({
      strategy: new XdsGrpcServer({ host: '127.0.0.1', port, writer: 'preframed', connections }),
    });
    const failure = second.startAllMicroservices();
    await expect(failure).rejects.toThrow(CannotListen);
    await expect(failure).rejects.toThrow(`Cannot listen for xDS on 127.0.0.1:${port}: the address is in use.`);
    await second.close();
    await new Promise((resolve) => other.close(resolve));
  });

  it('answers health checks', async () => {
    const health = new Client(`127.0.0.1:${server.address.port}`, credentials.createInsecure());
    const { path, requestSerialize, responseDeserialize } = healthService['Check'] as unknown as {
      path: string;
      requestSerialize: (value: object) => Buffer;
      responseDeserialize: (bytes: Buffer) => { status: string };
    };
    const answer = await new Promise((resolve, reject) => {
      health.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service: '' }, (error, value) =>
        error ? reject(error) : resolve(value),
      );
    });
    expect(answer).toEqual({ status: 'SERVING' });
    health.close();
  });

  it('closes with a connection that never says anything', async () => {
    const socket = connect(server.address.port, '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.resume();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await app.close();
    await closed;
  });
});
