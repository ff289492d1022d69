import { status } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';
import { type Efms, startEfms } from '../kit/efms.js';
import { expectStatus } from '../kit/fleet-of-one.js';
import { type RegisteredProxy, registerProxy } from '../kit/fleet.js';
import { HollowEnvoy } from '../kit/hollow-envoy.js';
import { eventually } from '../kit/eventually.js';
import { Teardown } from '../kit/teardown.js';
import { XdsClient } from '../kit/xds-client.js';
import type { Variant } from '../kit/xds-stream.js';
import { encodeNode } from '../kit/xds-wire.js';

const NODE_MISMATCH = 'the node id is not that of the credential';

interface AuditRow {
  readonly actor_name: string;
  readonly reason: string;
  readonly count: number;
}

describe('an Envoy that is not who it says', () => {
  const teardown = new Teardown();
  let database: TestDatabase;
  let efms: Efms;
  let number = 0;

  beforeAll(async () => {
    database = await createTestDatabase();
    efms = await startEfms({ database });
  });
  afterEach(() => teardown.run());
  afterAll(async () => {
    await efms.stop();
    await database.drop();
  });

  const register = (): Promise<RegisteredProxy> => registerProxy(efms, `proxy-${++number}`);

  function connection(): XdsClient {
    const client = new XdsClient(efms.xdsPort);
    const stop = (): Promise<void> => {
      client.close();
      return Promise.resolve();
    };
    teardown.add({ stop });
    return client;
  }

  /** Opens a stream and asks for clusters; answers how it ended and what it got before. */
  async function attempt(token: string | null, nodeId: string, variant: Variant = 'delta') {
    const stream = connection().open(variant, token, nodeId).subscribe('cluster').subscribe('listener');
    const { code, details } = await stream.ended;
    return { code, details, answers: stream.frames.length };
  }

  /** Denied rows of a proxy, or of nobody known. */
  async function denied(proxy: string): Promise<AuditRow[]> {
    return database.sql<AuditRow & Record<string, unknown>>(
      `select actor_name, changes ->> 'reason' as reason, (changes ->> 'count')::integer as count from audit_logs
        where outcome = 'denied' and action = 'xds.connect' and actor_name = $1 order by created_at`,
      [proxy],
    );
  }
  const firstDenied = (proxy: string): Promise<AuditRow> =>
    eventually(`an audit row of ${proxy}`, async () => (await denied(proxy))[0]);

  describe.each<Variant>(['delta', 'sotw'])('over %s', (variant) => {
    it('is refused as unauthenticated without a token, or with one that never was', async () => {
      const proxy = await register();
      const unknown = `${proxy.token.slice(0, -4)}AAAA`;
      for (const token of [null, 'garbage', 'x'.repeat(5000), unknown, efms.adminToken]) {
        expect(await attempt(token, proxy.name, variant)).toMatchObject({ code: status.UNAUTHENTICATED, answers: 0 });
      }
      expect(await firstDenied('unknown proxy')).toMatchObject({ count: 1 });
    });

    it('is refused with a revoked token', async () => {
      const proxy = await register();
      await expectStatus(204, efms.api('DELETE', `/proxies/${proxy.id}/credentials/${proxy.credentialId}`));
      const outcome = await attempt(proxy.token, proxy.name, variant);
      expect(outcome).toEqual({
        code: status.PERMISSION_DENIED,
        details: expect.stringMatching(/revoked/),
        answers: 0,
      });
      expect(await firstDenied(proxy.name)).toMatchObject({ reason: 'the credential is revoked' });
    });

    it('is refused with an expired token', async () => {
      const proxy = await register();
      await database.sql(`update proxy_credentials set expires_at = now() - interval '1 second' where id = $1`, [
        proxy.credentialId,
      ]);
      const outcome = await attempt(proxy.token, proxy.name, variant);
      expect(outcome).toEqual({
        code: status.PERMISSION_DENIED,
        details: expect.stringMatching(/expired/),
        answers: 0,
      });
      expect(await firstDenied(proxy.name)).toMatchObject({ reason: 'the credential is expired' });
    });

    it("is refused with another proxy's token, which that proxy's audit tells", async () => {
      const [mine, other] = [await register(), await register()];
      const outcome = await attempt(other.token, mine.name, variant);
      expect(outcome).toEqual({ code: status.PERMISSION_DENIED, details: NODE_MISMATCH, answers: 0 });
      expect(await firstDenied(other.name)).toMatchObject({ reason: NODE_MISMATCH });
    });

    it('is refused where it says no node at all', async () => {
      const proxy = await register();
      const stream = connection().open(variant, proxy.token, proxy.name);
      stream.request('cluster', { node: Buffer.alloc(0) });
      expect([status.INVALID_ARGUMENT, status.PERMISSION_DENIED]).toContain((await stream.ended).code);
      expect(stream.frames).toHaveLength(0);
    });

    it('is refused where its node holds what cannot be stored, and the status of others is still written', async () => {
      const [mine, other] = [await register(), await register()];
      const stream = connection().open(variant, mine.token, mine.name);
      stream.request('cluster', { node: encodeNode({ id: mine.name, bootId: 'boot\0id' }) });
      expect((await stream.ended).code).toBe(status.INVALID_ARGUMENT);

      const envoy = { port: efms.xdsPort, nodeId: other.name, token: other.token, variant };
      teardown.add(new HollowEnvoy(envoy));
      await eventually('the status of another proxy', async () => {
        const { body } = await efms.api('GET', `/proxies/${other.id}`);
        return body.status.connection === 'connected' || undefined;
      });
    });

    it('is refused where it changes its node on the stream', async () => {
      const [mine, other] = [await register(), await register()];
      const stream = connection().open(variant, mine.token, mine.name).subscribe('cluster');
      await stream.next();
      stream.request('listener', { node: encodeNode({ id: other.name }) });
      expect(await stream.ended).toMatchObject({ code: status.PERMISSION_DENIED, details: NODE_MISMATCH });
      expect(stream.frames).toHaveLength(1);
      expect(await firstDenied(mine.name)).toMatchObject({ reason: NODE_MISMATCH });
    });
  });

  it('is cut off when its credential is revoked, and only it', async () => {
    const proxy = await register();
    const second = await expectStatus(201, efms.api('POST', `/proxies/${proxy.id}/credentials`, {}));
    const options = { port: efms.xdsPort, nodeId: proxy.name, variant: 'delta' as const };
    const first = teardown.add(new HollowEnvoy({ ...options, token: proxy.token }));
    const other = teardown.add(new HollowEnvoy({ ...options, token: second.body.token }));
    await eventually('first answers', () => (first.received.length > 0 && other.received.length > 0) || undefined);

    await expectStatus(204, efms.api('DELETE', `/proxies/${proxy.id}/credentials/${proxy.credentialId}`));

    expect(await first.ended).toMatchObject({ code: status.PERMISSION_DENIED, details: 'the credential is revoked' });
    expect(other.isConnected).toBe(true);
    expect((await attempt(proxy.token, proxy.name)).code).toBe(status.PERMISSION_DENIED);
  });

  it('is cut off when the proxy is deleted', async () => {
    const proxy = await register();
    const { name: nodeId, token } = proxy;
    const envoy = teardown.add(new HollowEnvoy({ port: efms.xdsPort, nodeId, token, variant: 'sotw' }));
    await eventually('a first answer', () => envoy.received.length > 0 || undefined);

    await expectStatus(204, efms.api('DELETE', `/proxies/${proxy.id}`, undefined, { 'if-match': '*' }));

    expect(await envoy.ended).toMatchObject({ code: status.PERMISSION_DENIED });
    const outcome = await attempt(token, nodeId);
    expect([status.UNAUTHENTICATED, status.PERMISSION_DENIED]).toContain(outcome.code);
    expect(outcome.answers).toBe(0);
  });

  it('is told once in the audit log, with its repeats folded into one row', async () => {
    const other = await startEfms({ database });
    const proxy = await register();
    const stranger = new XdsClient(other.xdsPort);
    for (let i = 0; i < 5; i++) {
      const { code } = await stranger.open('delta', proxy.token, 'somebody-else').subscribe('cluster').ended;
      expect(code).toBe(status.PERMISSION_DENIED);
    }
    stranger.close();
    expect(await firstDenied(proxy.name)).toMatchObject({ reason: NODE_MISMATCH, count: 1 });

    // What was counted is written with the minute, or with the end of the process.
    await other.stop();

    expect((await denied(proxy.name)).map(({ count }) => count)).toEqual([1, 4]);
  });

  it('leaves no token in the database', async () => {
    const { token } = await register();
    const columns = await database.sql<{ row: string }>(`select c::text as row from proxy_credentials c`);
    for (const { row } of columns) expect(row).not.toContain(token.slice(6));
  });
});
