import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { ProxyCredentials } from '../../../src/infrastructure/index.js';
import { TestApp } from '../tenancy/app.js';

describe('proxy credentials', () => {
  let app: TestApp;
  let token: string;
  let credentials: ProxyCredentials;
  let proxy: { id: string; tenantId: string };

  beforeAll(async () => {
    app = await TestApp.start();
    token = await app.login();
    credentials = app.nest.get(ProxyCredentials);
    const { body } = await app.call('PUT', '/proxies/name:edge-1', { token, body: { nodeId: 'node-1' } });
    const { body: me } = await app.call('GET', '/me', { token });
    proxy = { id: body.id, tenantId: me.tenant.id };
  });
  afterAll(() => app.stop());

  const issue = async (body: object = {}) => app.call('POST', '/proxies/name:edge-1/credentials', { token, body });
  const epoch = async (): Promise<number> => {
    const sql = 'select credential_epoch from proxy_heads where tenant_id = $1 and proxy_id = $2';
    const [head] = await app.db.sql<{ credential_epoch: string }>(sql, [proxy.tenantId, proxy.id]);
    return Number(head!.credential_epoch);
  };

  it('are shown once, with a bootstrap that carries them', async () => {
    const { status, body, headers } = await issue({ name: 'first' });
    expect(status).toBe(201);
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      location: `/api/v1/proxies/${proxy.id}/credentials/${body.id}`,
    });
    expect(body.token).toMatch(/^efmsp_[A-Za-z0-9_-]{43}$/);
    expect(parse(body.bootstrap)).toMatchObject({
      node: { id: 'node-1' },
      dynamic_resources: {
        ads_config: {
          grpc_services: [{ initial_metadata: [{ key: 'authorization', value: `Bearer ${body.token}` }] }],
        },
      },
    });
    expect(body.startCommand).toMatch(/^envoy -c bootstrap\.yaml --config-yaml /);
    const list = await app.call('GET', '/proxies/name:edge-1/credentials', { token });
    expect(list.body.items).toContainEqual({
      id: body.id,
      kind: 'token',
      name: 'first',
      expiresAt: null,
      revokedAt: null,
      revokedReason: null,
      createdAt: expect.any(String),
      certificate: null,
    });
    expect(list.text).not.toContain(body.token);
    const one = await app.call('GET', String(headers['location']).replace('/api/v1', ''), { token });
    expect(list.body.items).toContainEqual(one.body);
  });

  it('lead to their proxy, whatever the tenant', async () => {
    const { body } = await issue({ expiresAt: '2990-01-01T00:00:00Z' });
    expect(await credentials.authenticate(body.token)).toEqual({
      tenantId: proxy.tenantId,
      proxyId: proxy.id,
      nodeId: 'node-1',
      credentialId: body.id,
      credentialEpoch: await epoch(),
      notBefore: null,
      expiresAt: new Date('2990-01-01T00:00:00Z'),
      revokedAt: null,
    });
  });

  it.each(['', 'EFMS_TOKEN', 'efmsp_', `efmsp_${'a'.repeat(43)}`, `efms_${'a'.repeat(43)}`])(
    'are not found for "%s"',
    async (text) => {
      expect(await credentials.authenticate(text)).toBeUndefined();
    },
  );

  it('are told apart from guesses once revoked, which raises the credential epoch once', async () => {
    const { body } = await issue();
    const before = await epoch();
    const path = `/proxies/name:edge-1/credentials/${body.id}`;
    expect((await app.call('DELETE', `${path}?reason=sold`, { token })).status).toBe(204);
    expect((await app.call('DELETE', path, { token })).status).toBe(204);
    expect(await epoch()).toBe(before + 1);
    expect(await credentials.authenticate(body.token)).toMatchObject({
      credentialId: body.id,
      revokedAt: expect.any(Date),
      credentialEpoch: before + 1,
    });
    const list = await app.call('GET', '/proxies/name:edge-1/credentials', { token });
    expect(list.body.items.find(({ id }: { id: string }) => id === body.id)).toMatchObject({ revokedReason: 'sold' });
  });

  it('of another proxy, or of none, cannot be revoked', async () => {
    await app.call('PUT', '/proxies/name:edge-2', { token, body: { nodeId: 'node-2' } });
    const { body } = await issue();
    for (const id of [body.id, 'x', '0192f0c1-2d3e-7a4b-8c5d-6e7f8091a2b3']) {
      expect((await app.call('DELETE', `/proxies/name:edge-2/credentials/${id}`, { token })).status).toBe(404);
    }
    expect(await credentials.authenticate(body.token)).toMatchObject({ revokedAt: null });
  });

  it('need no body', async () => {
    expect((await app.call('POST', '/proxies/name:edge-1/credentials', { token })).status).toBe(201);
  });

  it('are refused with an end that is past', async () => {
    const { status, body } = await issue({ expiresAt: '2001-01-01T00:00:00Z' });
    expect(status).toBe(422);
    expect(body.errors[0].pointer).toBe('/expiresAt');
  });

  it('are kept as hashes, also in the audit log', async () => {
    const { body } = await issue();
    const [row] = await app.db.sql<{ dump: string }>(
      `select (select string_agg(c::text, ' ') from proxy_credentials c) || (select string_agg(a::text, ' ') from audit_logs a) as dump`,
    );
    expect(row!.dump).not.toContain(body.token.slice(6));
    const [audit] = await app.db.sql<{ changes: object }>(`select changes from audit_logs where resource_id = $1`, [
      body.id,
    ]);
    expect(audit!.changes).toMatchObject({ token_hash: '[redacted]' });
  });

  it('keep the node id of their proxy from changing until they are revoked', async () => {
    const named = (path = '') => `/proxies/name:edge-3${path}`;
    await app.call('PUT', named(), { token, body: { nodeId: 'node-3' } });
    const { body: credential } = await app.call('POST', named('/credentials'), { token, body: {} });
    const change = () =>
      app.call('PATCH', named(), { token, body: { nodeId: 'node-3b' }, headers: { 'if-match': '*' } });
    const refused = await change();
    expect(refused.status).toBe(409);
    expect(refused.body.type).toBe('/problems/node-id-in-use');
    await app.call('DELETE', named(`/credentials/${credential.id}`), { token });
    expect((await change()).body.nodeId).toBe('node-3b');
  });

  it('are rotated with an overlap, in which both are good', async () => {
    const old = (await issue({ name: 'rotated' })).body;
    const before = await epoch();
    const rotate = (id: string, body?: object) =>
      app.call('POST', `/proxies/name:edge-1/credentials/${id}/rotate`, { token, body });
    const { status, body, headers } = await rotate(old.id, { overlap: '1h' });
    expect(status).toBe(201);
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      location: `/api/v1/proxies/${proxy.id}/credentials/${body.id}`,
    });
    expect(body).toMatchObject({ name: 'rotated', expiresAt: null });
    expect(body.bootstrap).toContain(body.token);
    expect(await epoch()).toBe(before + 1);
    const ends = (await credentials.authenticate(old.token))!.expiresAt!.getTime();
    expect(Math.abs(ends - app.clock.now() - 3_600_000)).toBeLessThan(60_000);
    expect(await credentials.authenticate(body.token)).toMatchObject({ credentialId: body.id, expiresAt: null });

    const sooner = (await rotate(old.id, { overlap: '90m', name: 'again' })).body;
    expect(sooner.name).toBe('again');
    expect((await credentials.authenticate(old.token))!.expiresAt!.getTime()).toBe(ends);
    await rotate(body.id, { overlap: '0' });
    expect((await credentials.authenticate(body.token))!.expiresAt!.getTime()).toBeLessThanOrEqual(app.clock.now());
  });

  it('are not rotated once they have ended, nor with an overlap that cannot be read', async () => {
    const { body } = await issue();
    const path = `/proxies/name:edge-1/credentials/${body.id}`;
    const rotate = (wanted: object) => app.call('POST', `${path}/rotate`, { token, body: wanted });
    for (const overlap of ['1 hour', '721h', '-1h', 60]) {
      const refused = await rotate({ overlap });
      expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, '/overlap']);
    }
    await app.call('DELETE', path, { token });
    const ended = await rotate({});
    expect([ended.status, ended.body.type]).toEqual([409, '/problems/credential-ended']);
    const unknown = '/proxies/name:edge-1/credentials/0192f0c1-2d3e-7a4b-8c5d-6e7f8091a2b3/rotate';
    expect((await app.call('POST', unknown, { token, body: {} })).status).toBe(404);
  });

  it('leave no trace of a proxy that is deleted', async () => {
    await app.call('PUT', '/proxies/name:edge-4', { token, body: { nodeId: 'node-4' } });
    const { body } = await app.call('POST', '/proxies/name:edge-4/credentials', { token, body: {} });
    await app.call('DELETE', '/proxies/name:edge-4', { token, headers: { 'if-match': '*' } });
    expect(await credentials.authenticate(body.token)).toBeUndefined();
  });

  it('stand as a placeholder in a bootstrap that is asked for later', async () => {
    const bootstrap = (query = '') => app.call('GET', `/proxies/name:edge-1/bootstrap${query}`, { token });
    const yaml = await bootstrap();
    expect(yaml.status).toBe(200);
    expect(yaml.headers['content-type']).toBe('application/yaml; charset=utf-8');
    expect(yaml.text).toContain('value: "Bearer EFMS_TOKEN"');
    const json = await bootstrap('?format=json&protocol=sotw&adminPort=9999');
    expect(json.body).toMatchObject({
      admin: { address: { socket_address: { port_value: 9999 } } },
      dynamic_resources: { ads_config: { api_type: 'GRPC' } },
    });
    expect((await bootstrap('?protocol=rest')).status).toBe(422);
    expect((await bootstrap('?adminPort=0')).status).toBe(422);
  });
});
