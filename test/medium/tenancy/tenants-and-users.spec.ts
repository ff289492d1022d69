import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DeniedAccessLog } from '../../../src/common/audit/denied-access.js';
import { ApiKeyUses } from '../../../src/tenancy/services/api-key-uses.js';
import { ADMIN, type Answer, TestApp } from './app.js';

const PASSWORD = 'a long enough password';

describe('tenants and users', () => {
  let app: TestApp;
  let platform: string;

  beforeAll(async () => {
    app = await TestApp.start();
    platform = await app.login();
  });
  afterAll(() => app.stop());

  const post = (path: string, token: string, body: object = {}, headers = {}): Promise<Answer> =>
    app.call('POST', path, { token, body, headers });
  const get = (path: string, token: string, headers = {}): Promise<Answer> => app.call('GET', path, { token, headers });
  const patch = (path: string, token: string, body: object, ifMatch = '*'): Promise<Answer> =>
    app.call('PATCH', path, { token, body, headers: { 'if-match': ifMatch } });
  const accept = (token: string): Promise<Answer> =>
    app.call('POST', '/auth/accept-invitation', { body: { token, password: PASSWORD } });

  /** Somebody with a password, logged in. */
  async function person(
    inviter: string,
    body: { email: string; role?: string; permissions?: Record<string, boolean> },
  ): Promise<{ id: string; token: string }> {
    const invited = await post('/users', inviter, { role: 'viewer', ...body });
    expect(invited.status).toBe(201);
    expect((await accept(invited.body.invitation.token)).status).toBe(204);
    return { id: invited.body.id, token: await app.login({ email: body.email, password: PASSWORD }) };
  }

  /** A tenant with an admin who is logged in. */
  async function tenant(name: string): Promise<{ id: string; admin: string; adminId: string }> {
    const made = await post('/tenants', platform, { name, admin: { email: `admin@${name}.example` } });
    expect(made.status).toBe(201);
    await accept(made.body.invitation.token);
    const admin = await app.login({ email: `admin@${name}.example`, password: PASSWORD });
    const [user] = (await get('/users', admin)).body.items;
    return { id: made.body.id, admin, adminId: user.id };
  }

  it('are made together: a tenant and the admin who is invited to it', async () => {
    const { id, admin } = await tenant('made');
    const me = await get('/me', admin);
    expect(me.body).toMatchObject({ tenant: { id, name: 'made' }, role: 'admin', principal: { platformAdmin: false } });
    expect((await get('/proxies', admin)).body.items).toEqual([]);
    const read = await get('/tenants/name:made', platform);
    expect(read.body).toMatchObject({ id, state: 'open', description: '' });
    expect(read.headers['etag']).toBe('"1"');
  });

  it('are made whole or not at all', async () => {
    const taken = await post('/tenants', platform, { name: 'half', admin: { email: ADMIN.email } });
    expect(taken.status).toBe(409);
    expect(taken.body.type).toBe('/problems/email-taken');
    expect((await get('/tenants/name:half', platform)).status).toBe(404);
    expect((await post('/tenants', platform, { name: 'made' })).body.type).toBe('/problems/tenant-name-taken');
  });

  it('are for platform admins: an admin of a tenant sees none of them, and a narrowed key neither', async () => {
    const { admin, id } = await tenant('fenced');
    for (const answer of [
      await get('/tenants', admin),
      await get(`/tenants/${id}`, admin),
      await post('/tenants', admin, { name: 'x' }),
      await post(`/tenants/${id}/close`, admin),
      await patch(`/tenants/${id}`, admin, { name: 'y' }),
      await get('/proxies', admin, { 'x-efms-tenant': 'default' }),
    ]) {
      expect([answer.status, answer.body.type]).toEqual([403, '/problems/platform-only']);
    }
    const { body: key } = await post('/api-keys', platform, { name: 'narrow', permissions: ['proxies:read'] });
    expect((await get('/tenants', key.key)).status).toBe(403);
    expect((await get('/proxies', key.key, { 'x-efms-tenant': 'fenced' })).status).toBe(403);
    await app.nest.get(DeniedAccessLog).flush();
    const denied = await app.db.sql(`select 1 from audit_logs where tenant_id = $1 and outcome = 'denied'`, [id]);
    expect(denied).not.toEqual([]);
  });

  it('are named by their visitors in UTF-8, as clients send it, or in ISO 8859-1', async () => {
    expect((await post('/tenants', platform, { name: 'Zürich' })).status).toBe(201);
    for (const encoding of ['utf8', 'latin1'] as const) {
      const there = { 'x-efms-tenant': Buffer.from('Zürich', encoding).toString('latin1') };
      expect((await get('/me', platform, there)).body.tenant?.name).toBe('Zürich');
    }
  });

  it('are visited by a platform admin by name or id, and the tenant can read who came', async () => {
    const { id } = await tenant('visited');
    const there = { 'x-efms-tenant': 'visited' };
    expect((await get('/me', platform, there)).body).toMatchObject({ tenant: { id, name: 'visited' }, role: 'admin' });
    expect((await get('/me', platform, { 'x-efms-tenant': id })).body.tenant.id).toBe(id);
    expect((await post('/proxies', platform, { name: 'p', nodeId: 'p' }, there)).status).toBe(201);
    expect((await get('/proxies/name:p', platform)).status).toBe(404);
    const rows = await app.db.sql(
      `select action, actor_name, resource_type from audit_logs where tenant_id = $1 and actor_name = $2 and action in ('visit', 'create')
          and resource_type in ('tenants', 'envoy_proxies') and created_at > (select min(created_at) from audit_logs where tenant_id = $1 and action = 'visit') - interval '1 ms'
        order by created_at`,
      [id, ADMIN.email],
    );
    expect(rows).toEqual([
      { action: 'visit', actor_name: ADMIN.email, resource_type: 'tenants' },
      { action: 'create', actor_name: ADMIN.email, resource_type: 'envoy_proxies' },
    ]);
    for (const name of ['nowhere', '0190a0b0-0000-7000-8000-000000000001']) {
      expect((await get('/me', platform, { 'x-efms-tenant': name })).status).toBe(404);
    }
    // What belongs to the visitor as a person stays at home.
    expect((await post('/api-keys', platform, { name: 'k' }, there)).body.type).toBe('/problems/visiting');
  });

  it('are put by name: made, left alone when equal, and changed under If-Match', async () => {
    const put = (address: string, body: object, headers = {}): Promise<Answer> =>
      app.call('PUT', `/tenants/${address}`, { token: platform, body, headers });
    const made = await put('name:put', { description: 'x', metadata: { a: 1 } });
    expect([made.status, made.headers['etag']]).toEqual([201, '"1"']);
    expect(made.headers['location']).toBe(`/api/v1/tenants/${made.body.id}`);
    const again = await put('name:put', { metadata: { a: 1 }, description: 'x' });
    expect([again.status, again.body]).toEqual([200, made.body]);
    expect((await put('name:put', { description: 'y' })).status).toBe(428);
    expect((await put('name:put', { description: 'y' }, { 'if-match': '"9"' })).status).toBe(412);
    const changed = await put(made.body.id, { description: 'y' }, { 'if-match': '"1"' });
    expect(changed.body).toMatchObject({ name: 'put', description: 'y', metadata: {}, revision: 2 });
    expect((await put('name:vanished', {}, { 'if-match': '"1"' })).status).toBe(412);
    expect((await put('0190a0b0-0000-7000-8000-000000000001', {})).status).toBe(404);
    const raced = await Promise.all(Array.from({ length: 6 }, () => put('name:raced', { description: 'r' })));
    expect(raced.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 201]);
    const tried = await put('name:tried?dryRun=true', {});
    expect([tried.status, tried.body.name]).toEqual([201, 'tried']);
    expect((await get('/tenants/name:tried', platform)).status).toBe(404);
    const { admin } = await tenant('putter');
    expect((await app.call('PUT', '/tenants/name:mine', { token: admin, body: {} })).status).toBe(403);
  });

  it('are changed by merge patch under If-Match, in their own audit log', async () => {
    const { id } = await tenant('patched');
    expect((await app.call('PATCH', `/tenants/${id}`, { token: platform, body: { description: 'x' } })).status).toBe(
      428,
    );
    expect((await patch(`/tenants/${id}`, platform, { description: 'x' }, '"7"')).status).toBe(412);
    const changed = await patch(`/tenants/${id}`, platform, { description: 'x', metadata: { a: 1, b: 2 } }, '"1"');
    expect([changed.status, changed.headers['etag']]).toEqual([200, '"2"']);
    const again = await patch(`/tenants/${id}`, platform, { metadata: { a: null } });
    expect(again.body).toMatchObject({ description: 'x', metadata: { b: 2 } });
    expect((await patch(`/tenants/${id}`, platform, { name: 'default' })).status).toBe(409);
    expect((await patch(`/tenants/${id}`, platform, { name: null })).status).toBe(422);
    const rows = await app.db.sql(
      `select 1 from audit_logs where tenant_id = $1 and resource_type = 'tenants' and action = 'update'`,
      [id],
    );
    expect(rows).toHaveLength(2);
  });

  it('end their sessions, keys and streams when they are closed, and keep their data', async () => {
    const { id, admin } = await tenant('closing');
    const { body: key } = await post('/api-keys', admin, { name: 'k' });
    await post('/proxies', admin, { name: 'p', nodeId: 'p' });
    const epoch = async (): Promise<unknown> =>
      (await app.db.sql('select credential_epoch::int as epoch from proxy_heads where tenant_id = $1', [id]))[0];
    expect(await epoch()).toEqual({ epoch: 0 });
    const closed = await post('/tenants/name:closing/close', platform);
    expect(closed.body).toMatchObject({ state: 'closed', closedAt: expect.any(String) });
    expect(await epoch()).toEqual({ epoch: 1 });
    expect((await get('/me', admin)).status).toBe(401);
    expect((await get('/me', key.key)).status).toBe(401);
    expect(await app.login({ email: 'admin@closing.example', password: PASSWORD })).toBeUndefined();
    expect((await get('/me', platform, { 'x-efms-tenant': 'closing' })).status).toBe(404);
    expect((await post('/tenants/name:closing/close', platform)).body.type).toBe('/problems/tenant-state');
    expect((await post('/tenants/name:closing/reopen', platform)).body).toMatchObject({
      state: 'open',
      closedAt: null,
    });
    const token = await app.login({ email: 'admin@closing.example', password: PASSWORD });
    expect((await get('/proxies', token)).body.items).toHaveLength(1);
    expect((await post('/tenants/name:default/close', platform)).body.type).toBe('/problems/own-tenant');
  });

  it('give a person a password that only the person knows, once', async () => {
    const { admin } = await tenant('inviting');
    const invited = await post('/users', admin, { email: 'Jo@Inviting.example', username: 'jo', role: 'operator' });
    expect(invited.body).toMatchObject({ email: 'jo@inviting.example', state: 'invited', role: 'operator' });
    const { token } = invited.body.invitation;
    const again = await post('/users/name:jo/invitations', admin);
    expect((await accept(token)).body.type).toBe('/problems/invitation-ended');
    const both = await Promise.all([accept(again.body.invitation.token), accept(again.body.invitation.token)]);
    expect(both.map(({ status }) => status).sort()).toEqual([204, 401]);
    expect((await get('/users/name:jo', admin)).body.state).toBe('active');
    const kept = await app.db.sql(
      `select 1 from user_invitations i join users u on u.id = i.user_id where u.username = 'jo'`,
    );
    expect(kept).toEqual([]);
    const short = await post('/users', admin, { email: 'late@inviting.example', role: 'viewer' });
    app.clock.shift = 7 * 24 * 3_600_000 + 1000;
    expect((await accept(short.body.invitation.token)).status).toBe(401);
    app.clock.shift = 0;
  });

  it('let permissions narrow and widen a role, at once where they are changed', async () => {
    const { admin } = await tenant('shaping');
    const jo = await person(admin, {
      email: 'jo@shaping.example',
      permissions: { 'proxies:write': true, 'credentials:read': false },
    });
    expect((await post('/proxies', jo.token, { name: 'p', nodeId: 'p' })).status).toBe(201);
    expect((await get('/proxies/name:p/credentials', jo.token)).status).toBe(403);
    expect((await post('/configurations', jo.token, { name: 'c' })).status).not.toBe(201);
    const changed = await patch(`/users/${jo.id}`, admin, { permissions: { 'proxies:write': null } });
    expect(changed.body.permissions).toEqual({ 'credentials:read': false });
    expect((await post('/proxies', jo.token, { name: 'q', nodeId: 'q' })).status).toBe(403);
    expect((await patch(`/users/${jo.id}`, admin, { role: 'operator' })).status).toBe(200);
    expect((await post('/proxies', jo.token, { name: 'q', nodeId: 'q' })).status).toBe(201);
    for (const body of [
      { role: 'king' },
      { permissions: { everything: true } },
      { permissions: { 'a:read': 1 } },
      { email: 'x@y.z' },
    ]) {
      expect((await patch(`/users/${jo.id}`, admin, body)).status).toBe(422);
    }
  });

  it('let nobody give more than they have, nor touch who may do more', async () => {
    const { admin, adminId } = await tenant('climbing');
    const clerk = await person(admin, { email: 'clerk@climbing.example', permissions: { 'users:write': true } });
    for (const answer of [
      await post('/users', clerk.token, { email: 'puppet@climbing.example', role: 'admin' }),
      await post('/users', clerk.token, {
        email: 'puppet@climbing.example',
        role: 'viewer',
        permissions: { 'proxies:write': true },
      }),
      await patch(`/users/${clerk.id}`, clerk.token, { role: 'admin' }),
      await patch(`/users/${adminId}`, clerk.token, { role: 'viewer' }),
      await post(`/users/${adminId}/deactivate`, clerk.token),
      await post(`/users/${adminId}/invitations`, clerk.token),
      await post(`/users/${adminId}/anonymise`, clerk.token),
    ]) {
      expect([answer.status, answer.body.type]).toEqual([403, '/problems/beyond-caller']);
    }
    expect((await post('/users', clerk.token, { email: 'peer@climbing.example', role: 'viewer' })).status).toBe(201);
    const { body: key } = await post('/api-keys', admin, { name: 'k', permissions: ['users:write', '*:read'] });
    expect((await post('/users', key.key, { email: 'made@climbing.example', role: 'operator' })).status).toBe(403);
    const friend = await person(platform, { email: 'friend@efms.local', role: 'admin' });
    const [owner] = (await get(`/users?email=${ADMIN.email}`, platform)).body.items;
    expect((await post(`/users/${owner.id}/invitations`, friend.token)).body.type).toBe('/problems/beyond-caller');
  });

  it('always keep an admin, also when two remove each other at once', async () => {
    const { admin, adminId } = await tenant('keeping');
    expect((await post(`/users/${adminId}/deactivate`, admin)).body.type).toBe('/problems/last-admin');
    expect((await patch(`/users/${adminId}`, admin, { role: 'viewer' })).status).toBe(409);
    await post('/users', admin, { email: 'invited@keeping.example', role: 'admin' });
    expect((await post(`/users/${adminId}/anonymise`, admin)).status).toBe(409);
    const other = await person(admin, { email: 'other@keeping.example', role: 'admin' });
    const both = await Promise.all([
      post(`/users/${other.id}/deactivate`, admin),
      post(`/users/${adminId}/deactivate`, other.token),
    ]);
    expect(both.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it('always keep an admin whom nothing is denied: nobody else could give it back', async () => {
    const { admin, adminId } = await tenant('narrowing');
    const narrowed = { permissions: { 'users:write': false } };
    expect((await patch(`/users/${adminId}`, admin, narrowed)).body.type).toBe('/problems/last-admin');
    const other = await person(admin, { email: 'other@narrowing.example', role: 'admin' });
    expect((await patch(`/users/${adminId}`, admin, narrowed)).status).toBe(200);
    expect((await patch(`/users/${other.id}`, other.token, narrowed)).body.type).toBe('/problems/last-admin');
    expect((await post(`/users/${other.id}/deactivate`, other.token)).body.type).toBe('/problems/last-admin');
    expect((await patch(`/users/${adminId}`, other.token, { permissions: null })).status).toBe(200);
  });

  it('keep the last platform admin, whom no other admin replaces', async () => {
    await person(platform, { email: 'deputy@efms.local', role: 'admin' });
    const [owner] = (await get(`/users?email=${ADMIN.email}`, platform)).body.items;
    for (const answer of [
      await post(`/users/${owner.id}/deactivate`, platform),
      await post(`/users/${owner.id}/anonymise`, platform),
      await patch(`/users/${owner.id}`, platform, { role: 'viewer' }),
      await patch(`/users/${owner.id}`, platform, { permissions: { 'tenants:write': false } }),
    ]) {
      expect([answer.status, answer.body.type]).toEqual([409, '/problems/last-admin']);
    }
  });

  it('end sessions and keys of who is deactivated, and the keys for good', async () => {
    const { admin } = await tenant('leaving');
    const jo = await person(admin, { email: 'jo@leaving.example', role: 'admin' });
    const session = await app.call('POST', '/auth/login', {
      body: { email: 'jo@leaving.example', password: PASSWORD },
    });
    const { body: key } = await post('/api-keys', jo.token, { name: 'k' });
    expect((await post(`/users/${jo.id}/deactivate`, admin)).body.state).toBe('deactivated');
    for (const token of [jo.token, key.key]) expect((await get('/me', token)).status).toBe(401);
    const { refreshToken } = session.body;
    expect((await app.call('POST', '/auth/refresh', { body: { refreshToken } })).status).toBe(401);
    expect(await app.login({ email: 'jo@leaving.example', password: PASSWORD })).toBeUndefined();
    expect((await post(`/users/${jo.id}/deactivate`, admin)).body.type).toBe('/problems/user-state');
    expect((await post(`/users/${jo.id}/reactivate`, admin)).body.state).toBe('active');
    expect(await app.login({ email: 'jo@leaving.example', password: PASSWORD })).toEqual(expect.any(String));
    expect((await get('/me', key.key)).status).toBe(401);
    const gone = await post(`/users/${jo.id}/anonymise`, admin);
    expect(gone.body).toMatchObject({ state: 'anonymised', fullName: '', username: jo.id });
    expect(JSON.stringify(gone.body)).not.toContain('leaving.example');
    expect((await post(`/users/${jo.id}/reactivate`, admin)).status).toBe(409);
    expect((await post('/users', admin, { email: 'jo@leaving.example', role: 'viewer' })).status).toBe(201);
  });

  it('show when a key was last used', async () => {
    const { body: key } = await post('/api-keys', platform, { name: 'watched' });
    expect((await get('/api-keys/name:watched', platform)).body.lastUsedAt).toBeNull();
    await get('/me', key.key);
    await app.nest.get(ApiKeyUses).flush();
    await get('/me', key.key);
    await app.nest.get(ApiKeyUses).flush();
    const { lastUsedAt } = (await get('/api-keys/name:watched', platform)).body;
    expect(Math.abs(Date.parse(lastUsedAt) - Date.now())).toBeLessThan(60_000);
    const listed = (await get('/api-keys?limit=500', platform)).body.items;
    expect(listed).toContainEqual(expect.objectContaining({ id: key.id, lastUsedAt }));
  });

  it('of one tenant do not exist for another', async () => {
    const { admin } = await tenant('apart');
    const { adminId } = await tenant('elsewhere');
    const never = '0190a0b0-0000-7000-8000-00000000dead';
    for (const id of [adminId, never]) {
      const answers = [
        await get(`/users/${id}`, admin),
        await post(`/users/${id}/deactivate`, admin),
        await patch(`/users/${id}`, admin, {}),
      ];
      for (const { status, body } of answers) {
        expect([status, body.type, body.detail]).toEqual([404, '/problems/user-not-found', undefined]);
      }
    }
  });
});
