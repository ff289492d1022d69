import { EventEmitter } from 'node:events';
import { Metadata, status } from '@grpc/grpc-js';
import { Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { CredentialChecks } from '../assignments/credential-checks.js';
import type { CredentialVerdict } from '../assignments/reconciler.js';
import { type PeerProof, type ProxyIdentity, StreamAuthenticator } from '../server/ports.js';
import { ServerStats } from '../server/server-stats.js';
import { StreamAdmission } from '../server/stream-admission.js';
import { ReportStreams } from './report-streams.js';
import { TrafficStats } from './traffic-stats.js';

/** Takes any token for the id of a credential. */
class Trusting extends StreamAuthenticator {
  override authenticate({ token = '' }: PeerProof): Promise<ProxyIdentity> {
    const identity = { tenantId: 't', proxyId: 'p', nodeId: 'n', credentialId: token, credentialEpoch: 0 };
    return Promise.resolve(identity);
  }
  override refused(): void {}
}

class FakeCall extends EventEmitter {
  readonly metadata = new Metadata();
  cancelled = false;
  readonly received: string[] = [];
  readonly ends: unknown[] = [];

  constructor(token: string) {
    super();
    this.metadata.set('authorization', `Bearer ${token}`);
  }

  getAuthContext(): object {
    return {};
  }
  getPeer(): string {
    return '127.0.0.1:1';
  }
}

describe('ReportStreams', () => {
  let verdicts: Map<string, CredentialVerdict>;
  let stats: TrafficStats;
  let streams: ReportStreams;
  let admission: StreamAdmission;

  beforeAll(() => {
    Logger.overrideLogger(false);
  });
  afterAll(() => {
    Logger.overrideLogger(['log', 'warn', 'error']);
  });
  afterEach(() => streams.beforeApplicationShutdown());

  beforeEach(() => {
    verdicts = new Map();
    stats = new TrafficStats();
    const checks: Pick<CredentialChecks, 'check'> = { check: () => Promise.resolve(verdicts) };
    const limits = { streams: 100, waiting: 100, loopDelay: 1_000 };
    admission = new StreamAdmission(limits, new ServerStats(), { current: 0 });
    streams = new ReportStreams(new Trusting(), checks as CredentialChecks, stats, admission);
  });

  /** Opened, and past its authentication. */
  async function opened(token = 'c', cancelled = false): Promise<FakeCall> {
    const call = new FakeCall(token);
    call.cancelled = cancelled;
    streams.open(call, {
      reporter: (bytes) => bytes.toString(),
      begin: () => undefined,
      receive: (bytes) => {
        if (bytes.toString() === 'throw') throw new Error('a bug');
        call.received.push(bytes.toString());
      },
      end: (failure) => call.ends.push(failure),
    });
    await new Promise((resolve) => setImmediate(resolve));
    return call;
  }

  it('end with their credential, and the others go on', async () => {
    const calls = [await opened('valid'), await opened('revoked'), await opened('gone')];
    verdicts.set('valid', 'valid').set('revoked', 'revoked');
    await streams.checkCredentials();
    const refusal = (details: string): object => ({ code: status.PERMISSION_DENIED, details });
    expect(calls.map(({ ends }) => ends)).toEqual([
      [],
      [refusal('the credential is revoked')],
      [refusal('the credential is gone')],
    ]);
    expect(stats.openStreams).toBe(1);
  });

  it('read nothing after they ended, and end once', async () => {
    const call = await opened();
    for (const message of ['n', 'one', 'throw', 'two']) call.emit('data', Buffer.from(message));
    call.emit('end');
    expect(call.received).toEqual(['n', 'one']);
    expect(call.ends).toEqual([{ code: status.INTERNAL, details: 'internal error' }]);
  });

  it('make place for others when they go, however they go', async () => {
    for (let i = 0; i < 20; i += 1) {
      const call = await opened('c', i === 7);
      expect(call.ends).toEqual([]);
      call.emit(i % 2 === 0 ? 'cancelled' : 'end');
    }
    expect(stats.openStreams).toBe(0);
  });

  it('end when the process does, and no more are taken', async () => {
    const [call] = [await opened()];
    streams.beforeApplicationShutdown();
    const late = await opened();
    for (const { ends } of [call, late]) expect(ends).toMatchObject([{ code: status.UNAVAILABLE }]);
    expect(stats.openStreams).toBe(0);
  });
});
