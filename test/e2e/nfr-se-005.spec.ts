import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { makeUser } from '../kit/accounts.js';
import { type Efms, startEfms } from '../kit/efms.js';
import { eventually } from '../kit/eventually.js';

describe('NFR-SE-005: audit logs of all operations', () => {
  let efms: Efms;
  let apiKey: string;

  const search = async (query: string) => {
    const { status, body } = await efms.api('GET', `/audit-logs?${query}`);
    expect(status).toBe(200);
    return body.items as any[];
  };

  beforeAll(async () => {
    efms = await startEfms();
    const key = await efms.api('POST', '/api-keys', { name: 'narrow', permissions: ['proxies:read'] });
    expect(key.status).toBe(201);
    apiKey = key.body.key;
  });
  afterAll(() => efms.stop());

  it('given a write, shows who did what to which thing, when and from where', async () => {
    const written = await efms.api(
      'PUT',
      '/proxies/name:edge-1',
      { nodeId: 'edge-1' },
      { 'x-request-id': 'audited-1' },
    );
    expect(written.status).toBe(201);
    const items = await search('resourceType=envoy_proxies&resourceName=edge-1');
    expect(items).toHaveLength(1);
    expect(items[0]).toMatchObject({
      actor: { kind: 'user', name: 'admin@efms.local' },
      action: 'create',
      resource: { type: 'envoy_proxies', id: written.body.id, name: 'edge-1' },
      outcome: 'success',
      changes: { node_id: { new: 'edge-1' } },
      ip: '127.0.0.1',
      requestId: written.headers.get('x-request-id'),
    });
    expect(Date.parse(items[0].at)).toBeGreaterThan(Date.now() - 60_000);
    expect(await search(`actor=${items[0].actor.id}&resourceId=${written.body.id}`)).toEqual(items);
  });

  it('given an account, names it by its e-mail', async () => {
    const items = await search('resourceType=users&action=create');
    expect(items.map((item) => item.resource.name)).toContain('admin@efms.local');
  });

  it('given an access that was refused, shows it among the denied', async () => {
    const refused = await fetch(`${efms.http}/api/v1/configurations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: '{"name": "edge"}',
    });
    expect(refused.status).toBe(403);
    const items = await eventually('the refusal', async () => {
      const found = await search('outcome=denied');
      return found.length > 0 ? found : undefined;
    });
    expect(items[0]).toMatchObject({
      actor: { kind: 'api_key' },
      action: 'write',
      resource: { type: 'configurations' },
      outcome: 'denied',
      changes: { reason: 'configurations:write is not granted' },
    });
  });

  it('given pages, goes through the log newest first', async () => {
    const whole = await search('limit=500');
    const paged: any[] = [];
    let cursor = '';
    do {
      const { body } = await efms.api('GET', `/audit-logs?limit=2&to=${encodeURIComponent(whole[0].at)}${cursor}`);
      paged.push(...body.items);
      cursor = body.nextCursor === null ? '' : `&cursor=${body.nextCursor as string}`;
    } while (cursor !== '');
    expect(paged.map(({ at }) => at as string)).toEqual(
      paged
        .map(({ at }) => at as string)
        .toSorted()
        .toReversed(),
    );
    expect(paged.length).toBeGreaterThan(2);
  });

  it('exports what the search finds, one object per line, oldest first', async () => {
    const response = await fetch(`${efms.http}/api/v1/audit-logs/export?resourceType=envoy_proxies`, {
      headers: { authorization: `Bearer ${efms.adminToken}` },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('application/x-ndjson');
    const lines = (await text(response.body!)).trimEnd().split('\n');
    const found = await search('resourceType=envoy_proxies');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(found.toReversed());
  });

  it('given a log that somebody with all rights over the database changed, names the place', async () => {
    const intact = await eventually('a chain over the log', async () => {
      const { body } = await efms.api('GET', '/audit-logs/chain');
      const rows = await search('limit=500');
      return body.verified === rows.length ? body : undefined;
    });
    expect(intact).toMatchObject({ state: 'intact', firstBreak: null });
    const [victim] = await search('resourceType=envoy_proxies');
    await efms.database.sql(`update audit_logs set actor_name = 'nobody' where id = $1`, [victim.id]);
    const { body } = await efms.api('GET', '/audit-logs/chain');
    expect(body).toMatchObject({ state: 'broken', firstBreak: { kind: 'row-changed', entryId: victim.id } });
  });

  describe('on the platform, which belongs to no tenant', () => {
    let tenantAdmin: string;
    const ofPlatform = (path: string) =>
      efms.api('GET', `/audit-logs${path}${path.includes('?') ? '&' : '?'}scope=platform`);
    const ask = (path: string, authorization: string) =>
      fetch(`${efms.http}/api/v1/audit-logs${path}`, { headers: { authorization } });
    const chained = () =>
      eventually('a chain over the log', async () => {
        const { body } = await ofPlatform('/chain');
        return body.verified > 0 ? body : undefined;
      });

    beforeAll(async () => {
      expect((await efms.api('GET', '/me', undefined, { authorization: 'Bearer efms_nobody' })).status).toBe(401);
      const { body: me } = await efms.api('GET', '/me');
      const user = { tenantId: me.tenant.id, email: 'other-admin@efms.local', role: 'admin' } as const;
      tenantAdmin = (await makeUser(efms, user)).authorization;
    });

    it('shows platform admins what was refused to nobody known, and their tenant not', async () => {
      const { body } = await eventually('the refusal', async () => {
        const answer = await ofPlatform('?action=authenticate&outcome=denied');
        return answer.body.items.length > 0 ? answer : undefined;
      });
      expect(body.items[0]).toMatchObject({ actor: { name: 'unknown' }, resource: { type: 'platform' } });
      expect(await search('action=authenticate&outcome=denied&resourceType=platform')).toEqual([]);
      const response = await ask('/export?scope=platform', `Bearer ${efms.adminToken}`);
      const lines = (await response.text()).trimEnd().split('\n');
      const entries = lines.map((line) => JSON.parse(line) as { resource: { type: string } });
      expect(entries.map(({ resource }) => resource.type)).not.toContain('envoy_proxies');
      expect(entries).toHaveLength((await ofPlatform('?limit=500')).body.items.length);
    });

    it.each(['', '/export', '/chain'])('is refused to the admin of a tenant: /audit-logs%s', async (path) => {
      expect((await ask(path, tenantAdmin)).status).toBe(200);
      expect((await ask(`${path}?scope=platform`, tenantAdmin)).status).toBe(403);
      expect((await ask(`${path}?scope=platform`, `Bearer ${apiKey}`)).status).toBe(403);
    });

    it('has a chain of its own, in which a change is found, by the command too', async () => {
      expect(await chained()).toMatchObject({ state: 'intact' });
      const tenants = await verifyByCommand(efms);
      expect(tenants.logs.find(({ log }) => log === 'platform')).toMatchObject({ state: 'intact' });
      // The test before this has changed an entry of the tenant.
      expect(tenants.logs.find(({ log }) => log === 'tenant default')).toMatchObject({
        state: 'broken',
        firstBreak: { kind: 'row-changed' },
      });
      expect(tenants.code).toBe(1);
      await efms.database.sql(`update audit_logs set actor_name = 'somebody' where tenant_id is null`);
      expect((await ofPlatform('/chain')).body).toMatchObject({ state: 'broken', firstBreak: { kind: 'row-changed' } });
      const { logs } = await verifyByCommand(efms);
      expect(logs.find(({ log }) => log === 'platform')).toMatchObject({ state: 'broken' });
    });

    it('is not asked for in words that it does not know', async () => {
      expect((await efms.api('GET', '/audit-logs?scope=everything')).status).toBe(422);
      const unknown = await runCommand(efms, ['--tenant', 'nobody']);
      expect(unknown).toMatchObject({ code: 1, stderr: 'efms: there is no tenant nobody\n' });
    });
  });

  it.each([
    ['an unknown filter', 'colour=red', 422],
    ['a broken cursor', 'cursor=x', 400],
    ['a window that ends before it begins', 'from=2026-02-02T00:00:00Z&to=2026-02-01T00:00:00Z', 422],
    ['a time that is none', 'from=yesterday', 422],
    ['a text that no column holds', 'action=a%00b', 422],
    ['an unknown outcome', 'outcome=fine', 422],
    ['a page too long', 'limit=501', 422],
  ])('refuses %s', async (_, query, status) => {
    const answer = await efms.api('GET', `/audit-logs?${query}`);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
  });

  it.each(['', '/export', '/chain'])('refuses a key that is not for the audit log: /audit-logs%s', async (path) => {
    const answer = await efms.api('GET', `/audit-logs${path}`, undefined, { authorization: `Bearer ${apiKey}` });
    expect(answer.status).toBe(403);
  });

  it.each(['viewer', 'operator'] as const)('refuses a %s, whose role reads everything else', async (role) => {
    const { body: me } = await efms.api('GET', '/me');
    const call = await makeUser(efms, { tenantId: me.tenant.id, email: `${role}@efms.local`, role });
    expect((await call('GET', '/proxies')).status).toBe(200);
    expect((await call('GET', '/audit-logs')).status).toBe(403);
  });
});

const BIN = fileURLToPath(new URL('../../bin/efms.mjs', import.meta.url));

/** Runs `efms audit verify` beside the server, on its database. */
async function runCommand(efms: Efms, args: readonly string[]) {
  const child = spawn(process.execPath, [BIN, 'audit', 'verify', ...args], {
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: efms.database.appUrl,
      DATABASE_SYSTEM_URL: efms.database.systemUrl,
      EFMS_JWT_SECRET: 'only-for-tests-only-for-tests-only',
      EFMS_MASTER_KEY: Buffer.alloc(32, 1).toString('base64'),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await exited, stdout, stderr };
}

async function verifyByCommand(efms: Efms) {
  const { code, stdout } = await runCommand(efms, ['--json']);
  const logs = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { log: string });
  return { code, logs };
}
