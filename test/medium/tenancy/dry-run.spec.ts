import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Answer, type Call, TestApp } from './app.js';

type Method = 'POST' | 'PUT' | 'PATCH' | 'DELETE';

const ANY = { 'if-match': '*' };

/** Written by processes for themselves. */
const NOT_OF_REQUESTS = ['api_key_status', 'leases'];

describe('dryRun=true', () => {
  let app: TestApp;
  let token: string;
  let stored: Record<string, string>;

  beforeAll(async () => {
    app = await TestApp.start();
    token = await app.login();
    await send('PUT', '/proxies/name:there', { nodeId: 'there', labels: { role: 'edge' } });
    await send('PUT', '/proxy-groups/name:edges', { selector: 'role=edge' });
    await send('PUT', '/vms/name:m', {});
    await send('PUT', '/containers/name:c', { containerId: 'c', vm: 'name:m' });
    await send('POST', '/proxies/name:there/credentials', {});
    await send('POST', '/api-keys', { name: 'k' });
    await send('POST', '/users', { email: 'jo@efms.local', username: 'jo', role: 'viewer' });
    await send('POST', '/tenants', { name: 'other' });
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    stored = await content();
  });

  const send = (method: Method, path: string, body?: unknown, headers: Call['headers'] = {}): Promise<Answer> =>
    app.call(method, path, { token, headers, ...(body === undefined ? {} : { body }) });

  async function content(): Promise<Record<string, string>> {
    const tables = await app.db.sql<{ name: string }>(
      `select c.relname as name from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
          and c.relname <> all($1::text[]) order by 1`,
      [NOT_OF_REQUESTS],
    );
    const digest = ({ name }: { name: string }): string =>
      `select '${name}' as name, md5(coalesce(string_agg(t::text, ',' order by t::text), '')) as digest from ${name} t`;
    const rows = await app.db.sql<{ name: string; digest: string }>(tables.map(digest).join(' union all '));
    return Object.fromEntries(rows.map(({ name, digest: text }) => [name, text]));
  }

  const TRIED: readonly (readonly [Method, string, number, unknown?])[] = [
    ['POST', '/proxies', 201, { name: 'new', nodeId: 'new', labels: { role: 'edge' } }],
    ['PUT', '/proxies/name:new', 201, { nodeId: 'new' }],
    ['PUT', '/proxies/name:there', 200, { nodeId: 'there', cluster: 'x' }],
    ['PATCH', '/proxies/name:there', 200, { cluster: 'x' }],
    ['DELETE', '/proxies/name:there', 204],
    ['POST', '/proxy-groups', 201, { name: 'new', selector: 'role=edge' }],
    ['PATCH', '/proxy-groups/name:edges', 200, { selector: 'role=mesh' }],
    ['DELETE', '/proxy-groups/name:edges', 204],
    ['PUT', '/proxy-groups/name:edges/members/name:there', 204],
    ['POST', '/vms', 201, { hostname: 'new' }],
    ['PATCH', '/vms/name:m', 200, { region: 'eu' }],
    ['POST', '/containers', 201, { name: 'new', containerId: 'new', vm: 'name:m' }],
    ['DELETE', '/containers/name:c', 204],
    ['POST', '/containers/name:c/events', 201, { kind: 'started' }],
    ['PATCH', '/users/name:jo', 200, { role: 'operator' }],
    ['POST', '/users/name:jo/deactivate', 200],
    ['DELETE', '/api-keys/name:k', 204],
    ['PATCH', '/tenants/name:other', 200, { description: 'x' }],
    ['POST', '/tenants/name:other/close', 200],
  ];

  it.each(TRIED.map((row) => ({ row })))('$row.0 $row.1 answers $row.2 and leaves nothing', async ({ row }) => {
    const [method, path, status, body] = row;
    const headers = { ...ANY, ...(method === 'POST' ? { 'idempotency-key': 'tried' } : {}) };
    const answer = await send(method, `${path}?dryRun=true`, body, headers);
    expect([answer.status, answer.body?.errors]).toEqual([status, undefined]);
    expect(answer.headers['x-efms-dry-run']).toBe('true');
    expect([answer.headers['location'], answer.headers['etag']]).toEqual([undefined, undefined]);
    if (status === 200 && body !== undefined) expect(answer.body).toMatchObject(body as object);
    expect(await content()).toEqual(stored);
  });

  it('refuses what it would refuse', async () => {
    const statuses = await Promise.all([
      send('POST', '/proxies?dryRun=true', { name: 'there', nodeId: 'x' }),
      send('POST', '/proxies?dryRun=true', { name: 'x', nodeId: 'there' }),
      send('PATCH', '/proxies/name:there?dryRun=true', { cluster: 'x' }),
      send('PATCH', '/proxies/name:there?dryRun=true', { cluster: 'x' }, { 'if-match': '"9"' }),
      send('PATCH', '/proxies/name:there?dryRun=true', { nodeId: 'other' }, ANY),
      send('DELETE', '/vms/name:m?dryRun=true', undefined, ANY),
      send('POST', '/containers?dryRun=true', { name: 'x', containerId: 'x', vm: 'name:nowhere' }),
    ]);
    expect(statuses.map(({ status }) => status)).toEqual([409, 409, 428, 412, 409, 409, 422]);
    expect(await content()).toEqual(stored);
  });

  it.each<[Method, string, unknown]>([
    ['POST', '/proxies/name:there/credentials', {}],
    ['POST', '/api-keys', { name: 'never' }],
    ['POST', '/users', { email: 'never@efms.local', username: 'never', role: 'viewer' }],
    ['POST', '/tenants', { name: 'never' }],
    ['POST', '/enrol', { nodeId: 'never', token: 'x' }],
    ['POST', '/auth/login', { email: 'admin@efms.local', password: 'correct horse battery' }],
  ])('is refused where the answer shows a secret: %s %s', async (method, path, body) => {
    const answer = await send(method, `${path}?dryRun=true`, body);
    expect([answer.status, answer.body.type]).toEqual([422, '/problems/dry-run-refused']);
    expect(await content()).toEqual(stored);
  });

  it('must be true or false', async () => {
    for (const query of ['dryRun=yes', 'dryRun=', 'dryRun=true&dryRun=true']) {
      const answer = await send('POST', `/proxies?${query}`, { name: 'never', nodeId: 'never' });
      expect([query, answer.status, answer.body.errors[0].pointer]).toEqual([query, 422, '/dryRun']);
    }
    expect(await content()).toEqual(stored);
  });

  it('is not overlooked where it is misspelt', async () => {
    for (const name of ['dryrun', 'dry_run', 'dryRun ']) {
      const query = `${encodeURIComponent(name)}=true`;
      const answer = await send('DELETE', `/proxies/name:there?${query}`, undefined, ANY);
      expect([answer.status, answer.body.errors]).toEqual([
        422,
        [expect.objectContaining({ pointer: `/${name}`, rule: 'request.unknown-field' })],
      ]);
      expect((await send('POST', `/proxies:batch?${query}`, { items: [] })).status).toBe(422);
    }
    expect(await content()).toEqual(stored);
  });

  it('said to be false does it', async () => {
    expect((await send('POST', '/proxies?dryRun=false', { name: 'real', nodeId: 'real' })).status).toBe(201);
    expect((await send('DELETE', '/proxies/name:real?dryRun=false', undefined, ANY)).status).toBe(204);
  });

  it('takes no Idempotency-Key: the same request in earnest is done', async () => {
    const body = { name: 'tried', nodeId: 'tried' };
    const key = { 'idempotency-key': 'first-tried' };
    expect((await send('POST', '/proxies?dryRun=true', body, key)).status).toBe(201);
    const done = await send('POST', '/proxies', body, key);
    expect([done.status, done.headers['x-efms-dry-run'], done.headers['idempotency-replayed']]).toEqual([
      201,
      undefined,
      undefined,
    ]);
    expect((await send('GET' as Method, '/proxies/name:tried')).status).toBe(200);
  });
});
