import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { ClientOptions } from 'ws';
import { EXAMPLE_SNAPSHOT } from '../../src/versioning/dto/example-snapshot.js';
import { type Efms, spawnEfms, startEfms } from '../kit/efms.js';
import { eventually } from '../kit/eventually.js';
import { expectStatus } from '../kit/fleet-of-one.js';
import { SocketListener } from '../kit/socket-listener.js';

const SOCKET = '/api/v1/events/ws';
const COMMITTED = 'configuration.version.committed';

describe('events over WebSocket', () => {
  let efms: Efms;
  let replica: Efms;
  const open: SocketListener[] = [];

  const connect = (at: Efms, query = '', options: ClientOptions = {}): SocketListener => {
    const listener = new SocketListener(`${at.http}${SOCKET}${query}`, options);
    open.push(listener);
    return listener;
  };
  /** As a client that can set headers. */
  const follow = async (at: Efms, query = '', headers: Record<string, string> = {}): Promise<SocketListener> => {
    const listener = connect(at, query, { headers: { authorization: `Bearer ${at.adminToken}`, ...headers } });
    await listener.begun();
    return listener;
  };
  const refusal = async (headers: Record<string, string>, query = ''): Promise<{ code: number; reason: string }> =>
    connect(efms, query, { headers }).closed;
  const commit = async (configuration: string, headers: Record<string, string> = {}): Promise<void> => {
    await expectStatus(201, efms.api('POST', '/configurations', { name: configuration }, headers));
    const version = { branch: 'main', expectedHead: null, message: 'a change', snapshot: EXAMPLE_SNAPSHOT };
    await expectStatus(201, efms.api('POST', `/configurations/name:${configuration}/versions`, version, headers));
  };
  const namesOf = (listener: SocketListener): string[] =>
    listener.events.map(({ data }) => data.payload.configuration as string);
  const keyFor = async (name: string, more: object): Promise<{ id: string; key: string }> =>
    (await expectStatus(201, efms.api('POST', '/api-keys', { name, ...more }))).body;

  beforeAll(async () => {
    efms = await startEfms();
    replica = await startEfms({ database: efms.database });
  }, 60_000);
  afterEach(() => {
    for (const listener of open.splice(0)) listener.leave();
  });
  afterAll(async () => {
    await replica.stop();
    await efms.stop();
  });

  it('arrive on every replica, each as one JSON message, as they do over SSE', async () => {
    const listeners = [await follow(efms), await follow(replica, `?types=${COMMITTED}`)];
    await commit('told');
    for (const listener of listeners) {
      const told = await eventually('the event', () => listener.events.find(({ event }) => event === COMMITTED));
      expect(told).toMatchObject({ data: { type: COMMITTED, payload: { configuration: 'told' } } });
      expect(told.id).toBeDefined();
      expect(listener.messages.slice(0, 2).map(({ event }) => event)).toEqual(['open', 'heartbeat']);
    }
    const body = await (await fetch(`${efms.http}/metrics`)).text();
    expect(body).toMatch(/^efms_event_streams\{transport="websocket"\} 1$/m);
  });

  it('are followed with a first message where headers cannot be set', async () => {
    const listener = connect(efms, '', { origin: efms.http });
    await listener.say({ token: efms.adminToken, types: [COMMITTED] });
    await listener.begun();
    await commit('browser');
    await listener.until(1);
    expect(namesOf(listener)).toEqual(['browser']);
    await listener.say({ token: efms.adminToken });
    expect(await listener.closed).toEqual({ code: 4400, reason: 'Nothing is expected after the first message.' });
  });

  it.each(['a header', 'the first message'])('go on behind the last id in %s, on another replica', async (way) => {
    const name = way.replaceAll(' ', '-');
    const first = await follow(efms, `?types=${COMMITTED}`);
    await commit(`${name}-1`);
    // What was committed right before may be told as well.
    await eventually('the first event', () => namesOf(first).includes(`${name}-1`) || undefined);
    first.leave();
    await commit(`${name}-2`);
    const lastEventId = first.lastId!;
    const next =
      way === 'a header'
        ? await follow(replica, `?types=${COMMITTED}`, { 'last-event-id': lastEventId })
        : connect(replica, `?types=${COMMITTED}`);
    if (way !== 'a header') await next.say({ token: replica.adminToken, lastEventId });
    await next.until(1);
    expect(namesOf(next)).toEqual([`${name}-2`]);
  });

  it('say that some may be missing when the last id is none', async () => {
    const listener = await follow(efms, '', { 'last-event-id': 'v1.nonsense' });
    await eventually('the reset', () => listener.messages.some(({ event }) => event === 'reset') || undefined);
  });

  it('follow one deployment from its beginning', async () => {
    await commit('deployed');
    await expectStatus(201, efms.api('PUT', '/proxies/name:edge-1', { nodeId: 'edge-1' }));
    const order = { configuration: 'name:deployed', version: 1, strategy: { type: 'immediate' } };
    const started = await expectStatus(
      202,
      efms.api('POST', '/deployments', { ...order, targets: { proxies: ['name:edge-1'] } }),
    );
    const listener = await follow(replica, `?deployment=${started.body.id as string}`);
    await listener.until(1);
    expect(new Set(listener.events.map(({ data }) => data.subjectId as string))).toEqual(new Set([started.body.id]));
  });

  it('stay within the tenant, which a platform admin may choose', async () => {
    await expectStatus(201, efms.api('POST', '/tenants', { name: 'other' }));
    const home = await follow(efms, `?types=${COMMITTED}`);
    const other = await follow(efms, `?types=${COMMITTED}`, { 'x-efms-tenant': 'other' });
    await commit('theirs', { 'x-efms-tenant': 'other' });
    await other.until(1);
    await commit('ours');
    await home.until(1);
    expect([namesOf(home), namesOf(other)]).toEqual([['ours'], ['theirs']]);
    const { key } = await keyFor('no visitor', { permissions: ['configurations:read'] });
    const refused = await refusal({ authorization: `Bearer ${key}`, 'x-efms-tenant': 'other' });
    expect(refused.code).toBe(4403);
  });

  it('show a key only what it may read', async () => {
    const { key } = await keyFor('deployments only', { permissions: ['deployments:read'] });
    const narrow = await follow(efms, '', { authorization: `Bearer ${key}` });
    const wide = await follow(efms, `?types=${COMMITTED}`);
    await commit('hidden');
    await wide.until(1);
    expect(narrow.events).toEqual([]);
    const { key: other } = await keyFor('configurations only', { permissions: ['configurations:read'] });
    const deployment = '?deployment=00000000-0000-7000-8000-000000000000';
    expect((await refusal({ authorization: `Bearer ${other}` }, deployment)).code).toBe(4403);
  });

  it('end on every replica once the key is revoked, also over SSE', async () => {
    const { id, key } = await keyFor('short-lived', { permissions: ['configurations:read'] });
    const authorization = `Bearer ${key}`;
    const here = await follow(efms, '', { authorization });
    const there = await follow(replica, '', { authorization });
    const sse = await fetch(`${replica.http}/api/v1/events`, { headers: { authorization } });
    await expectStatus(204, efms.api('DELETE', `/api-keys/${id}`, undefined, { 'if-match': '*' }));
    for (const listener of [here, there]) {
      expect(await listener.closed).toMatchObject({ code: 4401 });
      expect(listener.messages.at(-1)).toMatchObject({ event: 'end', data: { reason: 'credential' } });
    }
    expect(await sse.text()).toContain('"reason":"credential"');
    // Seen by the streams, it is seen by requests too, which would otherwise believe what they remember.
    const refused = await fetch(`${replica.http}/api/v1/me`, { headers: { authorization } });
    expect(refused.status).toBe(401);
  });

  it('end when the key expires', async () => {
    const expiresAt = new Date(Date.now() + 3_000).toISOString();
    const { key } = await keyFor('ephemeral', { permissions: ['configurations:read'], expiresAt });
    const listener = await follow(efms, '', { authorization: `Bearer ${key}` });
    expect(await listener.closed).toMatchObject({ code: 4401 });
  });

  it.each([
    ['a wrong token in a header', { authorization: 'Bearer efms_nobody' }, '', 4401],
    ['a header that is no credential', { authorization: 'Basic eDp5' }, '', 4401],
    ['a type that can be none', {}, '?types=A', 4422],
    ['a credential in the address', {}, '?token=x', 4422],
    ['a deployment that does not exist', {}, '?deployment=00000000-0000-7000-8000-000000000000', 4404],
    ['a deployment by name', {}, '?deployment=name:x', 4404],
  ])('refuse %s', async (_, headers, query, code) => {
    const answer = await refusal({ authorization: `Bearer ${efms.adminToken}`, ...headers }, query);
    expect(answer.code).toBe(code);
    expect(answer.reason).not.toBe('');
  });

  it.each<[string, string | Buffer | object, number]>([
    ['text that is no JSON', 'hello', 4400],
    ['JSON that is no object', '[1]', 4400],
    ['a binary message', Buffer.from('{}'), 4400],
    ['a message without token', {}, 4422],
    ['an unknown field', { token: 'x', colour: 'red' }, 4422],
    ['a wrong token', { token: 'efms_nobody' }, 4401],
    ['an empty token', { token: '' }, 4401],
    ['NUL in a field', { token: 'x', tenant: 'a\0b' }, 4422],
    ['a message that is too long', { token: 'x'.repeat(20_000) }, 1009],
  ])('end the connection at %s, and say why', async (_, message, code) => {
    const listener = connect(efms);
    await listener.say(message);
    const answer = await listener.closed;
    expect(answer.code).toBe(code);
    if (code !== 1009) expect(answer.reason).not.toBe('');
  });

  it('are audited where a credential is refused', async () => {
    await eventually('the row', async () => {
      const rows = await efms.database.sql(
        `select from audit_logs where tenant_id is null and action = 'authenticate' and outcome = 'denied' limit 1`,
      );
      return rows.length > 0 || undefined;
    });
  });

  it('end with what waits for a client that reads too slowly', async () => {
    const listener = await follow(efms, '?types=test.flood');
    const [me] = await efms.database.sql<{ id: string }>(`select id from tenants where name = 'default'`);
    listener.socket.pause();
    // Far more than sockets of both sides hold.
    for (let i = 0; i < 30; i += 1) {
      await efms.database.sql(
        `insert into outbox_events (id, tenant_id, type, subject_id, payload)
         select gen_random_uuid(), $1, 'test.flood', n, jsonb_build_object('text', repeat('x', 20000)) from generate_series(1, 100) n`,
        [me!.id],
      );
    }
    await eventually('the end of the stream', async () => {
      const body = await (await fetch(`${efms.http}/metrics`)).text();
      return /efms_event_streams_ended_total\{transport="websocket",reason="slow"\} 1/.test(body) || undefined;
    });
    listener.socket.resume();
    await listener.closed;
    expect(listener.events.length).toBeLessThan(3000);
  }, 90_000);

  it('are not for pages of other origins', async () => {
    for (const origin of ['https://elsewhere.example', 'null']) {
      const listener = connect(efms, '', { origin });
      const response = await new Promise<http.IncomingMessage>((resolve) =>
        listener.socket.once('unexpected-response', (_, answer) => resolve(answer)),
      );
      expect(response.statusCode).toBe(403);
      expect(response.headers['content-type']).toBe('application/problem+json');
    }
  });

  it('leave other wishes to change the protocol unheard', async () => {
    const ask = (path: string, headers: http.OutgoingHttpHeaders): Promise<http.IncomingMessage> =>
      new Promise((resolve, reject) => http.get(`${efms.http}${path}`, { headers }, resolve).on('error', reject));
    const h2c = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQAAP__' };
    expect((await ask('/health/live', h2c)).statusCode).toBe(200);
    expect((await ask('/health/live', { connection: 'upgrade', upgrade: 'websocket' })).statusCode).toBe(200);
    const plain = await fetch(`${efms.http}${SOCKET}`, { headers: { authorization: `Bearer ${efms.adminToken}` } });
    expect(plain.status).toBe(426);
    expect(plain.headers.get('upgrade')).toBe('websocket');
  });

  it.each([
    ['a host that is none', `GET ${SOCKET} HTTP/1.1\r\nhost: [\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`],
    ['no key', `GET ${SOCKET} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`],
  ])('outlive a handshake with %s', async (_, bytes) => {
    const socket = net.connect(Number(new URL(efms.http).port), '127.0.0.1');
    socket.write(bytes);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 400/);
    socket.destroy();
    expect((await efms.api('GET', '/me')).status).toBe(200);
  });

  it('end with the process, and say so', async () => {
    const other = await spawnEfms({ database: efms.database });
    try {
      const listener = await follow(other);
      const waiting = connect(other);
      await waiting.opened();
      expect(await other.terminate()).toBe(0);
      expect(await listener.closed).toMatchObject({ code: 1001 });
      expect(listener.messages.at(-1)).toMatchObject({ event: 'end', data: { reason: 'shutdown' } });
      expect(await waiting.closed).toMatchObject({ code: 1001 });
    } finally {
      await other.stop();
    }
  }, 60_000);
});
