import { EventEmitter } from 'node:events';
import { Metadata, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { EventLog, resource, snapshot } from '../../../test/kit/xds-stream.js';
import { decodeSotwResponse, encodeNode, encodeSotwRequest } from '../../../test/kit/xds-wire.js';
import { resourceType } from '../resource-types.js';
import type { DiscoveryMethod } from './discovery-services.js';
import { type DiscoveryCall, FIRST_REQUEST_MS, GrpcStream } from './grpc-stream.js';
import type { AttachedStream, PeerProof, ProxyIdentity, ServedStream } from './ports.js';
import { ProxyStreams } from './proxy-streams.js';
import { ServerStats } from './server-stats.js';

const IDENTITY: ProxyIdentity = { tenantId: 't', proxyId: 'p', nodeId: 'p1', credentialId: 'c', credentialEpoch: 1 };
const FIRST = encodeSotwRequest({ typeUrl: resourceType('cluster').typeUrl, node: encodeNode({ id: 'p1' }) });

/** As much of a grpc-js call as a stream touches; what is written stays unwritten until the test lets it go. */
class FakeCall extends EventEmitter {
  readonly metadata = new Metadata();
  cancelled = false;
  readonly written: { readonly frame: Buffer; readonly done: () => void }[] = [];
  readonly statuses: { code: number; details: string }[] = [];
  hasEnded = false;

  constructor() {
    super();
    this.on('error', (error: { code: number; details: string }) => this.statuses.push(error));
  }
  getPeer(): string {
    return '192.0.2.1:1234';
  }
  write(frame: Buffer, done: () => void): boolean {
    this.written.push({ frame, done });
    return true;
  }
  end(): void {
    this.hasEnded = true;
  }
}

class Attached extends EventLog implements AttachedStream {
  isRecorded = true;
  detached(): void {
    this.events.push('detached');
  }
}

async function opened(
  authorization = 'Bearer good',
  method: DiscoveryMethod = { variant: 'sotw', kind: null },
  { call = new FakeCall(), meanwhile = (_: FakeCall): void => undefined } = {},
) {
  call.metadata.set('authorization', authorization);
  const log = new Attached();
  const tokens: (string | undefined)[] = [];
  const hosted: ServedStream[] = [];
  const over: GrpcStream[] = [];
  const context = {
    authenticator: {
      authenticate: ({ token }: PeerProof) => {
        tokens.push(token);
        return Promise.resolve(IDENTITY);
      },
      refused: () => undefined,
    },
    host: {
      attach: (served: ServedStream) => {
        hosted.push(served);
        return log;
      },
    },
    stats: new ServerStats(),
    proxies: new ProxyStreams(),
  };
  const stream = new GrpcStream(call as unknown as DiscoveryCall, method, context, {
    served: () => undefined,
    over: (ended) => over.push(ended),
  });
  expect(over).toEqual([]);
  const opening = stream.open();
  meanwhile(call);
  await opening;
  return { call, stream, log, hosted, over, tokens, stats: context.stats };
}

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

describe('a gRPC stream', () => {
  it.each([
    ['Bearer abc.DEF-1_2~3+4/5==', 'abc.DEF-1_2~3+4/5=='],
    ['bearer abc', 'abc'],
    ['Bearer  abc', undefined],
    ['Bearer a b', undefined],
    ['Basic abc', undefined],
    ['', undefined],
  ])('reads the token of "%s" as %s', async (authorization, token) => {
    expect((await opened(authorization)).tokens).toEqual([token]);
  });

  it('ends where no request comes, and only then', async () => {
    const silent = await opened();
    const talking = await opened();
    talking.call.emit('data', FIRST);
    jest.advanceTimersByTime(FIRST_REQUEST_MS);
    expect(silent.call.statuses).toEqual([
      { code: status.INVALID_ARGUMENT, details: 'no request came after the stream was opened' },
    ]);
    expect(silent.over).toEqual([silent.stream]);
    expect(talking.call.statuses).toEqual([]);
  });

  it('is over with its opening where its call was cancelled before or right behind it, and nobody is asked who it is', async () => {
    const before = new FakeCall();
    before.cancelled = true;
    for (const how of [{ call: before }, { meanwhile: (call: FakeCall) => void call.emit('cancelled') }]) {
      const { over, stream, tokens } = await opened('Bearer good', { variant: 'sotw', kind: null }, how);
      expect([over, tokens]).toEqual([[stream], []]);
    }
  });

  it('ends where a later request carries another node, and before it is taken', async () => {
    const { call, log } = await opened();
    call.emit('data', FIRST);
    call.emit('data', FIRST);
    expect(call.statuses).toEqual([]);
    const typeUrl = resourceType('listener').typeUrl;
    call.emit('data', encodeSotwRequest({ typeUrl, node: encodeNode({ id: 'p2' }) }));
    expect(call.statuses).toEqual([
      { code: status.PERMISSION_DENIED, details: 'the node id is not that of the credential' },
    ]);
    expect(log.events).toEqual(['subscribed cluster *+0', 'detached']);
  });

  it('takes one type only where it is of one, named or not', async () => {
    const { call, log } = await opened('Bearer good', { variant: 'sotw', kind: 'secret' });
    call.emit('data', encodeSotwRequest({ typeUrl: '', names: ['s1'], node: encodeNode({ id: 'p1' }) }));
    call.emit('data', encodeSotwRequest({ typeUrl: resourceType('secret').typeUrl, names: ['s1', 's2'] }));
    expect(log.of('subscribed')).toEqual(['subscribed secret 1', 'subscribed secret 2']);
    call.emit('data', encodeSotwRequest({ typeUrl: resourceType('cluster').typeUrl }));
    expect(call.statuses).toEqual([
      { code: status.INVALID_ARGUMENT, details: expect.stringContaining('v3.Secret only') },
    ]);
  });

  it('tells that its process claims nothing only where it is of all types: one that starts opens several of the others', async () => {
    const claims = async (kind: DiscoveryMethod['kind'], version = '') => {
      const { call, hosted } = await opened('Bearer good', { variant: 'sotw', kind });
      const typeUrl = resourceType('secret').typeUrl;
      call.emit('data', encodeSotwRequest({ typeUrl, names: ['s1'], version, node: encodeNode({ id: 'p1' }) }));
      return hosted[0]!.claimsNothing;
    };
    expect([await claims(null), await claims(null, 'v1'), await claims('secret')]).toEqual([true, false, false]);
  });

  it('is told once of its end, in whatever way and however often it ends', async () => {
    const { call, stream, log, over, hosted, stats } = await opened();
    call.emit('data', FIRST);
    expect(stats.openStreams.sotw).toBe(1);
    call.emit('cancelled');
    call.emit('close');
    call.emit('end');
    stream.end('unavailable', 'late');
    hosted[0]!.end('permission_denied', 'late');
    expect(log.of('detached')).toHaveLength(1);
    expect(over).toEqual([stream]);
    expect(stats.openStreams.sotw).toBe(0);
    expect(call.statuses).toEqual([]);
  });

  it('hands the transport two responses at a time, and composes the next when one is written', async () => {
    const { call, hosted, stats } = await opened();
    const target = (version: string) =>
      snapshot(...(['cluster', 'endpoint', 'secret'] as const).map((kind) => resource(kind, 'a', version)));
    call.emit('data', FIRST);
    for (const kind of ['endpoint', 'secret'] as const) {
      call.emit('data', encodeSotwRequest({ typeUrl: resourceType(kind).typeUrl, names: ['a'] }));
    }
    hosted[0]!.serve(target('v1'));
    expect(call.written).toHaveLength(2);
    expect(stats.slowReaders).toBe(1);
    hosted[0]!.serve(target('v2'));
    call.written[0]!.done();
    expect(call.written).toHaveLength(3);
    // It was given another one right away, and does not count any more once it is gone.
    expect(stats.slowReaders).toBe(1);
    call.emit('cancelled');
    for (const { done } of call.written.slice(1)) done();
    expect(stats.slowReaders).toBe(0);
    expect(call.written[2]!.frame.includes('a:v2')).toBe(true);
  });

  it('is at rest with nothing under way: no response without an answer, no answer unrecorded, no children to come', async () => {
    const { call, stream, hosted, log } = await opened();
    const atRest = (later = 0): boolean => stream.isAtRest(performance.now() + later);
    expect(atRest()).toBe(true);
    call.emit('data', FIRST);
    hosted[0]!.serve(snapshot(resource('cluster', 'a', 'v1', ['endpoint/e']), resource('endpoint', 'e')));
    expect(atRest(60_000)).toBe(false);
    const nonce = decodeSotwResponse(call.written[0]!.frame).nonce;
    const cluster = resourceType('cluster').typeUrl;
    call.emit('data', encodeSotwRequest({ typeUrl: cluster, nonce, version: 'any' }));
    // Its endpoints were not asked for: they may be at any moment, and are not after a while.
    expect([atRest(), atRest(1_001)]).toEqual([false, true]);
    log.isRecorded = false;
    expect(atRest(60_000)).toBe(false);
    log.isRecorded = true;

    hosted[0]!.serve(snapshot());
    call.emit('data', encodeSotwRequest({ typeUrl: resourceType('listener').typeUrl }));
    for (let i = 1; i < call.written.length; i += 1) {
      call.written[i]!.done();
      const answered = decodeSotwResponse(call.written[i]!.frame);
      const typeUrl = resourceType(answered.kind).typeUrl;
      call.emit('data', encodeSotwRequest({ typeUrl, nonce: answered.nonce, version: 'any' }));
    }
    expect(log.of('converged')).not.toEqual([]);
    expect(atRest()).toBe(true);
  });

  it('has its proxy go elsewhere, which is no refusal', async () => {
    const { call, stream, stats } = await opened();
    call.emit('data', FIRST);
    stream.handOver('drain', 'go');
    stream.handOver('drain', 'go');
    expect(call.statuses).toEqual([{ code: status.UNAVAILABLE, details: 'go' }]);
    expect([...stats.handedOver]).toEqual([['drain', 1]]);
    expect([...stats.refusals]).toEqual([]);
  });

  it('neither writes nor reports after its end, whatever the host still says', async () => {
    const { call, hosted, log } = await opened();
    call.emit('data', FIRST);
    call.emit('cancelled');
    hosted[0]!.serve(snapshot(resource('cluster', 'a')));
    call.emit('data', FIRST);
    expect(call.written).toEqual([]);
    expect(log.events).toEqual(['subscribed cluster *+0', 'detached']);
  });
});
