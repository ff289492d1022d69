import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DeniedAccessLog } from '../../../src/common/audit/denied-access.js';
import { type Answer, TestApp } from './app.js';

describe('API keys', () => {
  let app: TestApp;
  let admin: string;

  beforeAll(async () => {
    app = await TestApp.start();
    admin = await app.login();
  });
  afterAll(() => app.stop());

  const make = (body: object, token = admin): Promise<Answer> => app.call('POST', '/api-keys', { token, body });

  it('are shown once and act as their user', async () => {
    const { status, body, headers } = await make({ name: 'shown' });
    expect(status).toBe(201);
    expect(body.key).toMatch(/^efms_[A-Za-z0-9_-]{43}$/);
    expect(headers['location']).toBe(`/api/v1/api-keys/${body.id}`);
    const me = await app.call('GET', '/me', { token: body.key });
    expect(me.body).toMatchObject({ principal: { kind: 'api_key', id: body.id, name: 'shown' }, role: 'admin' });
    const list = await app.call('GET', '/api-keys', { token: admin });
    expect(list.body.items).toContainEqual(expect.objectContaining({ id: body.id, keyPrefix: body.key.slice(0, 11) }));
    expect(list.text).not.toContain(body.key);
    const one = await app.call('GET', '/api-keys/name:shown', { token: admin });
    expect(list.body.items).toContainEqual(one.body);
  });

  it('do no more than their permissions, and a refusal is audited', async () => {
    const { body } = await make({ name: 'reader', permissions: ['proxies:read'] });
    expect((await app.call('GET', '/proxies', { token: body.key })).status).toBe(200);
    const refused = await app.call('POST', '/proxies', { token: body.key, body: { name: 'p', nodeId: 'p' } });
    expect(refused.status).toBe(403);
    expect(refused.body).toMatchObject({
      type: '/problems/forbidden',
      detail: expect.stringContaining('proxies:write'),
    });
    await app.nest.get(DeniedAccessLog).flush();
    const rows = await app.db.sql(
      `select actor_kind, actor_name, action, resource_type, host(ip_address) as ip from audit_logs
        where outcome = 'denied' and actor_id = $1`,
      [body.id],
    );
    expect(rows).toEqual([
      {
        actor_kind: 'api_key',
        actor_name: 'reader (admin@efms.local)',
        action: 'write',
        resource_type: 'proxies',
        ip: '127.0.0.1',
      },
    ]);
  });

  it('cannot be made wider or longer-lived than their maker', async () => {
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const { body: maker } = await make({ name: 'maker', permissions: ['api-keys:write', 'proxies:read'], expiresAt });
    const wider = await make({ name: 'wider', permissions: ['proxies:write'] }, maker.key);
    expect(wider.status).toBe(403);
    expect(wider.body.type).toBe('/problems/wider-than-caller');
    const equal = await make({ name: 'equal' }, maker.key);
    expect(equal.body).toMatchObject({ permissions: ['api-keys:write', 'proxies:read'], expiresAt });
  });

  it('end when they expire, also while they are remembered', async () => {
    const expiresAt = new Date(Date.now() + 5_000).toISOString();
    const { body } = await make({ name: 'short', expiresAt });
    expect((await app.call('GET', '/me', { token: body.key })).status).toBe(200);
    app.clock.shift = 6_000;
    expect((await app.call('GET', '/me', { token: body.key })).status).toBe(401);
    app.clock.shift = 0;
  });

  it('end at once on the replica where they are revoked, and free their name', async () => {
    const { body } = await make({ name: 'revoked' });
    expect((await app.call('GET', '/me', { token: body.key })).status).toBe(200);
    expect((await make({ name: 'revoked' })).status).toBe(409);
    expect((await app.call('DELETE', '/api-keys/name:revoked', { token: admin })).status).toBe(204);
    expect((await app.call('GET', '/me', { token: body.key })).status).toBe(401);
    expect((await app.call('DELETE', '/api-keys/name:revoked', { token: admin })).status).toBe(404);
    expect((await make({ name: 'revoked' })).status).toBe(201);
  });

  it('end within a second of their user being deactivated', async () => {
    const user = await app.addTenant('leaving');
    const token = await app.login(user.login);
    const { body } = await make({ name: 'left-behind' }, token);
    expect((await app.call('GET', '/me', { token: body.key })).status).toBe(200);
    await app.db.sql('update users set is_active = false where tenant_id = $1', [user.tenantId]);
    app.clock.shift = 1001;
    expect((await app.call('GET', '/me', { token: body.key })).status).toBe(401);
    expect((await app.call('GET', '/me', { token })).status).toBe(401);
    app.clock.shift = 0;
  });

  it('keep apart whoever asks at the same time', async () => {
    const keys = await Promise.all(Array.from({ length: 12 }, (_, i) => make({ name: `crowd-${i}` })));
    const tokens = [...keys.map(({ body }) => body.key as string), 'efms_unknown'];
    const answers = await Promise.all(tokens.map((token) => app.call('GET', '/me', { token })));
    expect(answers.map(({ status, body }) => (status === 200 ? body.principal.id : status))).toEqual([
      ...keys.map(({ body }) => body.id),
      401,
    ]);
  });

  it('are listed page by page', async () => {
    const first = await app.call('GET', '/api-keys?limit=2', { token: admin });
    expect(first.body.items).toHaveLength(2);
    const second = await app.call('GET', `/api-keys?limit=2&cursor=${first.body.nextCursor}`, { token: admin });
    const names = [...first.body.items, ...second.body.items].map(({ name }: { name: string }) => name);
    expect(names).toEqual([...new Set(names)]);
  });

  it.each([
    [{ name: '' }, '/name'],
    [{ name: 'x', permissions: ['everything'] }, '/permissions'],
    [{ name: 'x', expiresAt: 'tomorrow' }, '/expiresAt'],
    [{ name: 'x', expiresAt: '2001-01-01T00:00:00Z' }, '/expiresAt'],
  ])('are refused for %j', async (body, pointer) => {
    const answer = await make(body);
    expect(answer.status).toBe(422);
    expect(answer.body.errors[0].pointer).toBe(pointer);
  });

  it('refuse no credential and bad ones, and audit only the bad ones', async () => {
    const count = async (): Promise<number> => {
      await app.nest.get(DeniedAccessLog).flush();
      const [row] = await app.db.sql<{ n: number }>(
        `select coalesce(sum((changes ->> 'count')::int), 0)::int as n from audit_logs where tenant_id is null and action = 'authenticate'`,
      );
      return row!.n;
    };
    const before = await count();
    const without = await app.call('GET', '/me');
    expect(without.status).toBe(401);
    expect(without.headers['www-authenticate']).toBe('Bearer');
    expect(await count()).toBe(before);
    for (const token of ['x', 'efms_unknown', 'a.b.c', `efms_${'x'.repeat(5000)}`]) {
      expect((await app.call('GET', '/me', { token })).status).toBe(401);
    }
    expect((await app.call('GET', '/me', { headers: { authorization: 'Basic YTpi' } })).status).toBe(401);
    expect(await count()).toBe(before + 5);
  });

  it('of one tenant do not exist for another', async () => {
    const { body } = await make({ name: 'mine' });
    const stranger = await app.login((await app.addTenant('stranger')).login);
    expect((await app.call('DELETE', `/api-keys/${body.id}`, { token: stranger })).status).toBe(404);
    expect((await app.call('GET', '/api-keys', { token: stranger })).body.items).toEqual([]);
  });
});
