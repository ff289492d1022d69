import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EXAMPLE_SNAPSHOT } from '../../src/versioning/dto/example-snapshot.js';
import { type Efms, startEfms } from '../kit/efms.js';
import { EventListener } from '../kit/event-listener.js';
import { eventually } from '../kit/eventually.js';

describe('the event stream', () => {
  let efms: Efms;
  let replica: Efms;
  const open: AbortController[] = [];

  const follow = async (at: Efms, path: string, headers: Record<string, string> = {}) => {
    const controller = new AbortController();
    open.push(controller);
    const response = await fetch(`${at.http}/api/v1${path}`, {
      headers: { authorization: `Bearer ${at.adminToken}`, ...headers },
      signal: controller.signal,
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const listener = new EventListener(Readable.fromWeb(response.body as any));
    return Object.assign(listener, { leave: () => controller.abort() });
  };
  const commit = async (configuration: string, expectedHead: number | null = null) => {
    const answer = await efms.api('POST', `/configurations/name:${configuration}/versions`, {
      branch: 'main',
      expectedHead,
      message: 'a change',
      snapshot: EXAMPLE_SNAPSHOT,
    });
    expect(answer.status).toBe(201);
    return answer.body;
  };
  const configure = async (name: string) =>
    expect((await efms.api('POST', '/configurations', { name })).status).toBe(201);
  const keyFor = async (name: string, permissions: string[]) => {
    const { status, body } = await efms.api('POST', '/api-keys', { name, permissions });
    expect(status).toBe(201);
    return { id: body.id as string, authorization: `Bearer ${body.key as string}` };
  };

  beforeAll(async () => {
    efms = await startEfms();
    replica = await startEfms({ database: efms.database });
  });
  afterAll(async () => {
    for (const controller of open) controller.abort();
    await replica.stop();
    await efms.stop();
  });

  it('ends with the tenant that a platform admin follows it in', async () => {
    expect((await efms.api('PUT', '/tenants/name:closing', {})).status).toBe(201);
    const visitor = await follow(replica, '/events', { 'x-efms-tenant': 'closing' });
    const { headers } = await efms.api('GET', '/tenants/name:closing');
    const ifMatch = { 'if-match': headers.get('etag') ?? '' };
    expect((await efms.api('POST', '/tenants/name:closing/close', undefined, ifMatch)).status).toBeLessThan(300);
    await eventually('the end of the stream', () => visitor.types.includes('end') || undefined);
  });

  it('tells a commit on every replica', async () => {
    const listeners = [await follow(efms, '/events'), await follow(replica, '/events?types=configuration.*')];
    await configure('told');
    await commit('told');
    for (const listener of listeners) {
      await eventually('the event', () => listener.types.includes('configuration.version.committed') || undefined);
      const told = listener.messages.find(({ event }) => event === 'configuration.version.committed');
      expect(told).toMatchObject({ data: { payload: { configuration: 'told' } } });
      listener.leave();
    }
  });

  it('goes on behind the last id, on another replica', async () => {
    await configure('resumed');
    const first = await follow(efms, '/events?types=configuration.version.committed');
    await eventually('a place', () => first.lastId);
    await commit('resumed');
    await first.until(1);
    first.leave();
    const other = await efms.api('GET', '/configurations/name:resumed');
    expect(other.status).toBe(200);
    await configure('resumed-2');
    await commit('resumed-2');
    const next = await follow(replica, '/events?types=configuration.version.committed', {
      'last-event-id': first.lastId!,
    });
    await next.until(1);
    expect(next.messages[0]!.data.payload).toMatchObject({ configuration: 'resumed-2' });
    next.leave();
  });

  it('follows one deployment from its beginning', async () => {
    await configure('deployed');
    await commit('deployed');
    expect((await efms.api('PUT', '/proxies/name:edge-1', { nodeId: 'edge-1' })).status).toBe(201);
    const started = await efms.api('POST', '/deployments', {
      configuration: 'name:deployed',
      version: 1,
      targets: { proxies: ['name:edge-1'] },
      strategy: { type: 'immediate' },
    });
    expect(started.status).toBe(202);
    const { id } = started.body;
    const listener = await follow(replica, `/deployments/${id as string}/events`);
    await listener.until(1);
    expect((await efms.api('POST', `/deployments/${id as string}/abort`)).status).toBe(200);
    await eventually('the end', () => listener.types.includes('deployment.aborted') || undefined);
    expect(new Set(listener.subjects())).toEqual(new Set([id]));
    listener.leave();
  });

  it('shows a key only what it may read', async () => {
    const { authorization } = await keyFor('deployments only', ['deployments:read']);
    const narrow = await follow(efms, '/events', { authorization });
    const wide = await follow(efms, '/events');
    await configure('hidden');
    await commit('hidden');
    await eventually('the event', () => wide.types.includes('configuration.version.committed') || undefined);
    // What a deployment of an earlier test says late is for both.
    expect(narrow.types.filter((type) => type?.startsWith('deployment.') !== true)).toEqual([]);
    narrow.leave();
    wide.leave();
  });

  it('ends within seconds once the key is revoked', async () => {
    const { id, authorization } = await keyFor('short-lived', ['configurations:read']);
    const listener = await follow(efms, '/events', { authorization });
    await eventually('a place', () => listener.lastId);
    const revoked = await efms.api('DELETE', `/api-keys/${id}`, undefined, { 'if-match': '*' });
    expect(revoked.status).toBe(204);
    await listener.until(1);
    expect(listener.messages[0]).toMatchObject({ event: 'end', data: { reason: 'credential' } });
    await eventually('the end of the response', () => listener.stream.readableEnded || undefined);
  });

  it('answers HEAD without keeping a stream', async () => {
    const head = await fetch(`${efms.http}/api/v1/events`, {
      method: 'HEAD',
      headers: { authorization: `Bearer ${efms.adminToken}` },
    });
    expect([200, 404, 405]).toContain(head.status);
  });

  it.each([
    ['no credential', '/events', { authorization: '' }, 401],
    ['a type that can be none', '/events?types=A%0Ab', {}, 422],
    ['an unknown parameter', '/events?colour=red', {}, 422],
    ['a deployment that does not exist', '/deployments/00000000-0000-7000-8000-000000000000/events', {}, 404],
    ['a deployment by name', '/deployments/name:x/events', {}, 404],
  ])('refuses %s', async (_, path, headers, status) => {
    const answer = await efms.api('GET', path, undefined, headers);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
  });
});
