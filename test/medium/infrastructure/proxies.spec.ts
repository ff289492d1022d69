import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Answer, TestApp } from '../tenancy/app.js';

describe('proxies', () => {
  let app: TestApp;
  let token: string;

  beforeAll(async () => {
    app = await TestApp.start();
    token = await app.login();
  });
  afterAll(() => app.stop());

  const put = (name: string, body: object, headers: Record<string, string> = {}): Promise<Answer> =>
    app.call('PUT', `/proxies/name:${encodeURIComponent(name)}`, { token, body, headers });
  const get = (name: string): Promise<Answer> =>
    app.call('GET', `/proxies/name:${encodeURIComponent(name)}`, { token });

  it('are created by PUT and then left alone by an equal one', async () => {
    const body = { nodeId: 'edge-1', labels: { role: 'edge', zone: 'a' } };
    const created = await put('edge-1', body);
    expect(created.status).toBe(201);
    expect(created.headers).toMatchObject({ etag: '"1"', location: `/api/v1/proxies/${created.body.id}` });
    expect(created.body).toEqual({
      id: expect.any(String),
      name: 'edge-1',
      nodeId: 'edge-1',
      labels: { role: 'edge', zone: 'a' },
      cluster: null,
      locality: null,
      metadata: {},
      adminAddress: '127.0.0.1',
      adminPort: 9901,
      drainStrategy: 'gradual',
      vm: null,
      container: null,
      status: {
        connection: 'never_seen',
        management: 'managed',
        lifecycle: 'running',
        envoyVersion: null,
        connectedAt: null,
      },
      revision: 1,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    const again = await put('edge-1', { labels: { zone: 'a', role: 'edge' }, nodeId: 'edge-1' });
    expect(again.status).toBe(200);
    expect(again.body).toEqual(created.body);
    expect((await get('edge-1')).body).toEqual(created.body);
    expect((await app.call('GET', `/proxies/${created.body.id}`, { token })).body).toEqual(created.body);
  });

  it('say where the admin interface listens and how they drain, for bootstraps and start commands', async () => {
    const body = { nodeId: 'edge-6', adminAddress: '2001:DB8:0::1', drainStrategy: 'immediate' };
    const created = await put('edge-6', body);
    expect(created.body).toMatchObject({ adminAddress: '2001:db8::1', drainStrategy: 'immediate', revision: 1 });
    expect((await put('edge-6', body)).body).toEqual(created.body);
    const issued = await app.call('POST', '/proxies/name:edge-6/credentials', { token, body: {} });
    expect(issued.body.startCommand).toMatch(/ --drain-strategy immediate$/);
    expect(issued.body.bootstrap).toContain('address: "2001:db8::1"');
    const patch = { adminAddress: null, drainStrategy: null };
    const patched = await app.call('PATCH', '/proxies/name:edge-6', {
      token,
      body: patch,
      headers: { 'if-match': '*' },
    });
    expect(patched.body).toMatchObject({ adminAddress: '127.0.0.1', drainStrategy: 'gradual', revision: 2 });
  });

  it('are changed by PUT only for who says what is there', async () => {
    await put('guarded', {
      nodeId: 'guarded',
      locality: { region: 'eu', subZone: 'r4' },
      metadata: { a: [1, { b: null }] },
    });
    const changed = { nodeId: 'guarded', cluster: 'edge' };
    expect((await put('guarded', changed)).status).toBe(428);
    const stale = await put('guarded', changed, { 'if-match': '"7"' });
    expect(stale.status).toBe(412);
    expect(stale.body.etag).toBe('"1"');
    const written = await put('guarded', changed, { 'if-match': '"1"' });
    expect(written.status).toBe(200);
    expect(written.headers['etag']).toBe('"2"');
    expect(written.body).toMatchObject({ cluster: 'edge', locality: null, metadata: {}, revision: 2 });
    expect((await put('guarded', { nodeId: 'guarded' }, { 'if-match': '*' })).body.revision).toBe(3);
  });

  it('are not brought back by a PUT that names what was read', async () => {
    expect((await put('vanished', { nodeId: 'vanished' }, { 'if-match': '"1"' })).status).toBe(412);
    expect((await put('vanished', { nodeId: 'vanished' }, { 'if-match': '*' })).status).toBe(201);
    const unknown = '0192f0c1-2d3e-7a4b-8c5d-6e7f8091a2b3';
    expect((await app.call('PUT', `/proxies/${unknown}`, { token, body: { nodeId: 'x' } })).status).toBe(404);
  });

  it('come into being once when many PUT one name at once', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => put('raced', { nodeId: 'raced' })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 200, 200, 201]);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
  });

  it('lose no update when many PUT different content at once', async () => {
    const answers = await Promise.all(
      ['a', 'b', 'c', 'd'].map((zone) => put('contended', { nodeId: 'contended', labels: { zone } })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 428, 428, 428]);
  });

  it('have a name and a node id of their own', async () => {
    const create = (body: object) => app.call('POST', '/proxies', { token, body });
    expect((await create({ name: 'own', nodeId: 'own' })).status).toBe(201);
    expect((await create({ name: 'own', nodeId: 'other' })).body.type).toBe('/problems/proxy-name-taken');
    expect((await create({ name: 'other', nodeId: 'own' })).body.type).toBe('/problems/node-id-taken');
    expect((await put('other', { nodeId: 'own' })).status).toBe(409);
  });

  it('are patched by merging, checked as a whole', async () => {
    await put('patched', { nodeId: 'patched', labels: { role: 'edge', zone: 'a' }, cluster: 'c' });
    const patch = (body: unknown, headers: Record<string, string> = { 'if-match': '*' }) =>
      app.call('PATCH', '/proxies/name:patched', { token, body, headers });
    expect((await patch({ cluster: 'd' }, {})).status).toBe(428);
    expect((await patch({ cluster: 'd' }, { 'if-match': '"9"' })).status).toBe(412);
    const patched = await patch(
      { labels: { zone: null, tier: '1' }, cluster: null, adminPort: 9902 },
      { 'if-match': '"1"' },
    );
    expect(patched.status).toBe(200);
    expect(patched.body).toMatchObject({
      labels: { role: 'edge', tier: '1' },
      cluster: null,
      adminPort: 9902,
      revision: 2,
    });
    const wrong = await patch({ labels: { 'not a key': 'x' }, adminPort: 0, colour: 'red', nodeId: null });
    expect(wrong.status).toBe(422);
    expect(wrong.body.errors.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual([
      '/adminPort',
      '/colour',
      '/labels',
      '/nodeId',
    ]);
    expect((await patch({})).body.revision).toBe(2);
    const renamed = await patch({ name: 'renamed' });
    expect(renamed.body.name).toBe('renamed');
    expect((await get('patched')).status).toBe(404);
  });

  it.each([
    [{}, '/nodeId'],
    [{ nodeId: '' }, '/nodeId'],
    [{ nodeId: 'a\nb' }, '/nodeId'],
    [{ nodeId: 'a', nodeid: 'b' }, '/nodeid'],
    [{ nodeId: 'a', labels: ['x'] }, '/labels'],
    [{ nodeId: 'a', metadata: { x: '\0' } }, '/metadata/x'],
    [{ nodeId: 'a', locality: { zone: 1 } }, '/locality/zone'],
    [{ nodeId: 'a', locality: { planet: 'x' } }, '/locality/planet'],
    [{ nodeId: 'a', adminPort: 65536 }, '/adminPort'],
    [{ nodeId: 'a', adminAddress: 'localhost' }, '/adminAddress'],
    [{ nodeId: 'a', adminAddress: 'fe80::1%eth0' }, '/adminAddress'],
    [{ nodeId: 'a', drainStrategy: 'slow' }, '/drainStrategy'],
  ])('are refused for %j', async (body, pointer) => {
    const answer = await put('refused', body);
    expect(answer.status).toBe(422);
    expect(answer.body.errors).toContainEqual(expect.objectContaining({ pointer }));
    expect((await get('refused')).status).toBe(404);
  });

  it('are refused with keys that reach into prototypes', async () => {
    const answer = await put('refused', { nodeId: 'a', metadata: { a: { constructor: { prototype: {} } } } });
    expect(answer.status).toBe(400);
    expect((await get('refused')).status).toBe(404);
  });

  it('are listed by name, page by page, filtered by prefix and labels', async () => {
    for (const [i, zone] of ['a', 'b', 'a', 'b', 'a'].entries()) {
      await put(`list-${i}`, { nodeId: `list-${i}`, labels: { suite: 'list', zone } });
    }
    await put('liszt', { nodeId: 'liszt' });
    const names = ({ body }: Answer): string[] => body.items.map(({ name }: { name: string }) => name);
    const list = (query: string) => app.call('GET', `/proxies?${query}`, { token });
    const first = await list('name=list-&limit=2');
    expect(names(first)).toEqual(['list-0', 'list-1']);
    const second = await list(`name=list-&limit=2&cursor=${first.body.nextCursor}`);
    expect(names(second)).toEqual(['list-2', 'list-3']);
    const third = await list(`name=list-&limit=2&cursor=${second.body.nextCursor}`);
    expect(names(third)).toEqual(['list-4']);
    expect(third.body.nextCursor).toBeNull();
    expect(names(await list('labels=suite=list,zone=a'))).toEqual(['list-0', 'list-2', 'list-4']);
    await app.call('PATCH', '/proxies/name:list-0', {
      token,
      body: { labels: { zone: 'b' } },
      headers: { 'if-match': '*' },
    });
    expect(names(await list('labels=suite=list,zone=a'))).toEqual(['list-2', 'list-4']);
    expect(names(await list('name=list-3&labels=zone=b'))).toEqual(['list-3']);
    expect((await list('labels=zone==a')).status).toBe(400);
    expect((await list('cursor=x')).status).toBe(400);
    expect((await list('limit=501')).status).toBe(422);
    expect((await list('name=%00')).status).toBe(422);
  });

  it('are deleted with all that belongs to them', async () => {
    const { body: proxy } = await put('doomed', { nodeId: 'doomed', labels: { role: 'x' } });
    await app.call('POST', '/proxies/name:doomed/credentials', { token, body: {} });
    const remove = (headers: Record<string, string>) => app.call('DELETE', '/proxies/name:doomed', { token, headers });
    expect((await remove({})).status).toBe(428);
    expect((await remove({ 'if-match': '"2"' })).status).toBe(412);
    expect((await remove({ 'if-match': '"1"' })).status).toBe(204);
    expect((await remove({ 'if-match': '*' })).status).toBe(404);
    const left = await app.db.sql(
      `select 'head' from proxy_heads where proxy_id = $1 union all select 'status' from proxy_status where proxy_id = $1
       union all select 'label' from proxy_labels where proxy_id = $1 union all select 'credential' from proxy_credentials where proxy_id = $1
       union all select 'index' from credential_index i where i.kind = 'proxy_token' and not exists (select 1 from proxy_credentials c where c.id = i.subject_id)`,
      [proxy.id],
    );
    expect(left).toEqual([]);
    const audit = await app.db.sql(
      `select actor_name, action, resource_type from audit_logs
        where resource_id = $1 or (resource_type = 'proxy_credentials' and changes -> 'proxy_id' ->> 'old' = $1) order by created_at`,
      [proxy.id],
    );
    expect(audit).toEqual([
      { actor_name: 'admin@efms.local', action: 'create', resource_type: 'envoy_proxies' },
      { actor_name: 'admin@efms.local', action: 'delete', resource_type: 'proxy_credentials' },
      { actor_name: 'admin@efms.local', action: 'delete', resource_type: 'envoy_proxies' },
    ]);
  });

  it('stay while something in the database refers to them', async () => {
    const { body: proxy } = await put('needed', { nodeId: 'needed' });
    await app.db.sql(
      `create table test_uses (tenant_id uuid, proxy_id uuid, foreign key (tenant_id, proxy_id) references envoy_proxies (tenant_id, id))`,
    );
    await app.db.sql('insert into test_uses select tenant_id, id from envoy_proxies where id = $1', [proxy.id]);
    const refused = await app.call('DELETE', '/proxies/name:needed', { token, headers: { 'if-match': '*' } });
    expect(refused.status).toBe(409);
    expect(refused.body.type).toBe('/problems/proxy-in-use');
    await app.db.sql('drop table test_uses');
  });

  it('of one tenant do not exist for another, which may use the same names', async () => {
    const { body: proxy } = await put('shared-name', { nodeId: 'shared-name' });
    const stranger = await app.login((await app.addTenant('other-fleet')).login);
    const headers = { 'if-match': '*' };
    for (const path of [`/proxies/${proxy.id}`, '/proxies/name:shared-name']) {
      expect((await app.call('GET', path, { token: stranger })).status).toBe(404);
      expect((await app.call('DELETE', path, { token: stranger, headers })).status).toBe(404);
      expect((await app.call('PATCH', path, { token: stranger, headers, body: {} })).status).toBe(404);
      expect((await app.call('POST', `${path}/credentials`, { token: stranger, body: {} })).status).toBe(404);
      expect((await app.call('GET', `${path}/bootstrap`, { token: stranger })).status).toBe(404);
    }
    expect((await app.call('GET', '/proxies', { token: stranger })).body.items).toEqual([]);
    const own = await app.call('PUT', '/proxies/name:shared-name', {
      token: stranger,
      body: { nodeId: 'shared-name' },
    });
    expect(own.status).toBe(201);
    expect((await get('shared-name')).body).toEqual(proxy);
  });

  it('may be read but not changed by a viewer', async () => {
    const { tenantId, login } = await app.addTenant('viewers');
    await app.db.sql(`update users set role = 'viewer' where tenant_id = $1`, [tenantId]);
    const viewer = await app.login(login);
    expect((await app.call('GET', '/proxies', { token: viewer })).status).toBe(200);
    expect((await app.call('PUT', '/proxies/name:x', { token: viewer, body: { nodeId: 'x' } })).status).toBe(403);
    expect((await app.call('POST', '/api-keys', { token: viewer, body: { name: 'x' } })).status).toBe(403);
  });
});
