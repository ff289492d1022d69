import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { type Answer, TestApp } from '../tenancy/app.js';

interface Item {
  readonly action: string;
  readonly id?: string;
  readonly ifMatch?: string;
  readonly body?: unknown;
}

describe('batches', () => {
  let app: TestApp;
  let token: string;

  beforeAll(async () => {
    app = await TestApp.start();
    token = await app.login();
  });
  afterAll(() => app.stop());

  const batch = (path: string, items: unknown, headers: Record<string, string> = {}, query = ''): Promise<Answer> =>
    app.call('POST', `/${path}:batch${query}`, { token, body: { items }, headers });
  const get = (path: string): Promise<Answer> => app.call('GET', path, { token });
  const put = (path: string, body: object, headers: Record<string, string> = {}): Promise<Answer> =>
    app.call('PUT', path, { token, body, headers });
  const makeProxy = (name: string, more: object = {}): Item => ({
    action: 'create',
    body: { name, nodeId: name, ...more },
  });
  const names = async (prefix: string): Promise<string[]> => {
    const { body } = await get(`/proxies?limit=500&name=${prefix}`);
    return body.items.map(({ name }: { name: string }) => name);
  };
  /** How many statements the server is sent meanwhile. */
  async function counted(work: () => Promise<Answer>): Promise<{ answer: Answer; statements: number }> {
    const { prototype } = pg.Client;
    const original = Reflect.get(prototype, 'query') as (...args: unknown[]) => unknown;
    let statements = 0;
    prototype.query = function counting(this: pg.Client, ...args: unknown[]): unknown {
      statements += 1;
      return original.apply(this, args);
    } as typeof prototype.query;
    try {
      return { answer: await work(), statements };
    } finally {
      prototype.query = original as typeof prototype.query;
    }
  }

  it('do what single calls do, in order, and answer each', async () => {
    await put('/proxies/name:a-put', { nodeId: 'a-put' });
    await put('/proxies/name:a-patch', { nodeId: 'a-patch', labels: { zone: 'a' } });
    await put('/proxies/name:a-gone', { nodeId: 'a-gone' });
    await put('/proxies/name:a-same', { nodeId: 'a-same' });
    const answer = await batch('proxies', [
      makeProxy('a-new', { labels: { role: 'edge' } }),
      { action: 'put', id: 'name:a-put', ifMatch: '"1"', body: { nodeId: 'a-put', cluster: 'x' } },
      { action: 'put', id: 'name:a-born', body: { nodeId: 'a-born' } },
      { action: 'patch', id: 'name:a-patch', ifMatch: '*', body: { labels: { zone: null, rack: '4' } } },
      { action: 'delete', id: 'name:a-gone', ifMatch: '"1"' },
      { action: 'put', id: 'name:a-same', body: { nodeId: 'a-same' } },
    ]);
    expect([answer.status, answer.body.errors]).toEqual([200, undefined]);
    const uuid = expect.stringMatching(/^[0-9a-f-]{36}$/);
    expect(answer.body.items).toEqual([
      { index: 0, status: 201, id: uuid, name: 'a-new', etag: '"1"' },
      { index: 1, status: 200, id: uuid, name: 'a-put', etag: '"2"' },
      { index: 2, status: 201, id: uuid, name: 'a-born', etag: '"1"' },
      { index: 3, status: 200, id: uuid, name: 'a-patch', etag: '"2"' },
      { index: 4, status: 204, id: uuid, name: 'a-gone', etag: null },
      { index: 5, status: 200, id: uuid, name: 'a-same', etag: '"1"' },
    ]);
    expect(await names('a-')).toEqual(['a-born', 'a-new', 'a-patch', 'a-put', 'a-same']);
    expect((await get('/proxies/name:a-patch')).body).toMatchObject({ labels: { rack: '4' }, revision: 2 });
    expect((await get('/proxies/name:a-put')).body).toMatchObject({ cluster: 'x', labels: {} });
  });

  it('of a thousand take few statements, each thing audited and put into its groups', async () => {
    await put('/proxy-groups/name:thousand', { selector: 'set=thousand' });
    await put('/vms/name:host', {});
    const all = Array.from({ length: 1_000 }, (_, i) => `b-${String(i).padStart(4, '0')}`);
    const labels = { set: 'thousand', role: 'edge', zone: 'eu-central-a' };
    const made = await counted(() =>
      batch(
        'proxies',
        all.map((name) => makeProxy(name, { labels, vm: 'name:host', locality: { region: 'eu', zone: 'a' } })),
      ),
    );
    expect([made.answer.status, made.answer.body.items.length]).toEqual([200, 1_000]);
    expect(made.statements).toBeLessThan(40);
    const [count] = await app.db.sql<{ members: string; audited: string }>(
      `select (select count(*) from proxy_group_members m join envoy_proxies p on p.id = m.envoy_proxy_id
                where p.name like 'b-%' and m.source = 'selector') as members,
              (select count(*) from audit_logs where resource_type = 'envoy_proxies' and action = 'create'
                 and resource_name like 'b-%') as audited`,
    );
    expect(count).toEqual({ members: '1000', audited: '1000' });

    const changed = await counted(() =>
      batch(
        'proxies',
        all.map((name, i) => ({
          action: 'patch',
          id: `name:${name}`,
          ifMatch: '"1"',
          body: { labels: { zone: `z${i}` }, metadata: { at: i }, cluster: `c${i}` },
        })),
      ),
    );
    expect([changed.answer.status, changed.answer.body.errors?.[0]]).toEqual([200, undefined]);
    expect(new Set(changed.answer.body.items.map(({ etag }: { etag: string }) => etag))).toEqual(new Set(['"2"']));
    expect(changed.statements).toBeLessThan(40);
    expect((await get('/proxies/name:b-0734')).body).toMatchObject({
      labels: { ...labels, zone: 'z734' },
      metadata: { at: 734 },
      cluster: 'c734',
    });

    const gone = await counted(() =>
      batch(
        'proxies',
        all.map((name) => ({ action: 'delete', id: `name:${name}`, ifMatch: '"2"' })),
      ),
    );
    expect([gone.answer.status, gone.answer.body.errors?.[0]]).toEqual([200, undefined]);
    expect(gone.statements).toBeLessThan(40);
    expect(await names('b-')).toEqual([]);
  });

  it('change nothing where one is refused, and say of each what is wrong and where', async () => {
    await put('/proxies/name:c-1', { nodeId: 'c-1' });
    const before = await app.db.sql('select count(*) from audit_logs');
    const answer = await batch('proxies', [
      makeProxy('c-2'),
      { action: 'put', id: 'name:c-1', ifMatch: '"9"', body: { nodeId: 'c-1', cluster: 'x' } },
      makeProxy('c-1'),
      { action: 'delete', id: 'name:c-1' },
      makeProxy('c-3', { vm: 'name:nowhere' }),
      { action: 'patch', id: 'name:c-nowhere', ifMatch: '*', body: {} },
      { action: 'patch', id: 'name:c-1', ifMatch: '*', body: { labels: { 'a b': 'c' } } },
    ]);
    expect([answer.status, answer.headers['content-type']]).toEqual([422, expect.stringContaining('problem+json')]);
    expect(answer.body.errors).toMatchObject([
      { pointer: '/items/1/ifMatch', rule: 'problem.precondition-failed', detail: expect.stringContaining('"1"') },
      { pointer: '/items/2', rule: 'problem.proxy-name-taken' },
      { pointer: '/items/3/ifMatch', rule: 'problem.precondition-required' },
      { pointer: '/items/4/body/vm', rule: 'reference.vm' },
      { pointer: '/items/5/id', rule: 'problem.proxy-not-found' },
      { pointer: '/items/6/body/labels', rule: 'request.labels' },
    ]);
    expect(await names('c-')).toEqual(['c-1']);
    expect(await app.db.sql('select count(*) from audit_logs')).toEqual(before);
  });

  it.each([
    [409, [makeProxy('c-1')]],
    [412, [{ action: 'delete', id: 'name:c-1', ifMatch: '"7"' }]],
    [428, [{ action: 'delete', id: 'name:c-1' }]],
    [422, [{ action: 'delete', id: 'name:c-nowhere', ifMatch: '*' }]],
  ])('are answered %i where that is all that is wrong', async (status, items) => {
    await put('/proxies/name:c-1', { nodeId: 'c-1' });
    expect((await batch('proxies', items)).status).toBe(status);
  });

  it('name every item that cannot be read', async () => {
    const answer = await batch('proxies', [
      makeProxy('d-1', { colour: 'blue' }),
      { action: 'create', id: 'name:d-2', body: { name: 'd-2', nodeId: 'd-2' } },
      { action: 'put', body: { nodeId: 'd-3' } },
      { action: 'patch', id: 'd-4', ifMatch: '*', body: {} },
      { action: 'delete', id: 'name:d-5', ifMatch: '*', body: {} },
      { action: 'create' },
      { action: 'patch', id: 'name:d-6', body: [] },
      { action: 'create', body: { name: 'd-7', labels: { 'a b': 'c' } } },
    ]);
    expect(answer.status).toBe(422);
    expect(answer.body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
      '/items/0/body/colour',
      '/items/1/id',
      '/items/2/id',
      '/items/3/id',
      '/items/4/body',
      '/items/5/body',
      '/items/6/body',
      '/items/7/body/nodeId',
      '/items/7/body/labels',
    ]);
    for (const items of [[], 'many', [{ action: 'upsert' }], Array.from({ length: 1_001 }, () => makeProxy('x'))]) {
      expect((await batch('proxies', items)).status).toBe(422);
    }
    expect((await batch('proxies', [{ action: 'create', more: 1 }])).body.errors[0].pointer).toBe('/items/0/more');
  });

  it('may build on what stands before in them', async () => {
    const answer = await batch('proxy-groups', [
      { action: 'create', body: { name: 'e-top' } },
      { action: 'create', body: { name: 'e-middle', parent: 'name:e-top' } },
      { action: 'put', id: 'name:e-low', body: { parent: 'name:e-middle' } },
      { action: 'patch', id: 'name:e-low', ifMatch: '"1"', body: { description: 'x' } },
      { action: 'patch', id: 'name:e-low', ifMatch: '"2"', body: { name: 'e-lower' } },
      { action: 'create', body: { name: 'e-low' } },
      { action: 'delete', id: 'name:e-low', ifMatch: '"1"' },
    ]);
    expect([answer.status, answer.body.errors]).toEqual([200, undefined]);
    expect((await get('/proxy-groups/name:e-lower')).body).toMatchObject({
      parent: { name: 'e-middle' },
      description: 'x',
      revision: 3,
    });
    const again = await batch('proxy-groups', [
      { action: 'patch', id: 'name:e-lower', ifMatch: '"3"', body: { description: 'y' } },
      { action: 'patch', id: 'name:e-lower', ifMatch: '"3"', body: { description: 'z' } },
    ]);
    expect([again.status, again.body.errors[0].pointer]).toEqual([412, '/items/1/ifMatch']);
  });

  it('exchange what is unique where single calls in that order could', async () => {
    await batch('proxies', [makeProxy('f-1'), makeProxy('f-2')]);
    const over = (id: string, nodeId: string): Item => ({ action: 'patch', id, ifMatch: '*', body: { nodeId } });
    const turned = await batch('proxies', [
      over('name:f-1', 'f-0'),
      over('name:f-2', 'f-1'),
      { action: 'delete', id: 'name:f-2', ifMatch: '*' },
      makeProxy('f-3', { nodeId: 'f-1' }),
    ]);
    expect([turned.status, turned.body.errors]).toEqual([200, undefined]);
    expect((await get('/proxies/name:f-3')).body.nodeId).toBe('f-1');
    const swapped = await batch('proxies', [over('name:f-1', 'f-1'), over('name:f-3', 'f-0')]);
    expect([swapped.status, swapped.body.errors[0].pointer]).toEqual([409, '/items/0']);
  });

  it('close no circle of groups', async () => {
    await batch('proxy-groups', [
      { action: 'create', body: { name: 'g-1' } },
      { action: 'create', body: { name: 'g-2' } },
    ]);
    const answer = await batch('proxy-groups', [
      { action: 'patch', id: 'name:g-1', ifMatch: '*', body: { parent: 'name:g-2' } },
      { action: 'patch', id: 'name:g-2', ifMatch: '*', body: { parent: 'name:g-1' } },
    ]);
    expect([answer.status, answer.body.errors[0]]).toMatchObject([
      409,
      { pointer: '/items/1', rule: 'problem.group-circle' },
    ]);
    expect((await get('/proxy-groups/name:g-1')).body.parent).toBeNull();
  });

  it('serve machines and containers too', async () => {
    const machines = await batch('vms', [
      { action: 'create', body: { hostname: 'h-1', ipAddress: '10.0.0.1' } },
      { action: 'put', id: 'name:h-2', body: { region: 'eu' } },
    ]);
    expect(machines.body.items).toMatchObject([{ name: 'h-1' }, { name: 'h-2' }]);
    const containers = await batch('containers', [
      { action: 'create', body: { name: 'h-1/envoy', containerId: 'c1', vm: 'name:h-1' } },
      { action: 'create', body: { name: 'h-2/envoy', containerId: 'c2', vm: `${machines.body.items[1].id}` } },
    ]);
    expect([containers.status, containers.body.items?.length]).toEqual([200, 2]);
    const moved = await batch('vms', [
      { action: 'patch', id: 'name:h-1', ifMatch: '*', body: { ipAddress: '10.0.0.9', cpuCores: 8 } },
      { action: 'patch', id: 'name:h-2', ifMatch: '*', body: { labels: { rack: '4' } } },
    ]);
    expect(moved.status).toBe(200);
    const refused = await batch('vms', [{ action: 'delete', id: 'name:h-1', ifMatch: '*' }]);
    expect([refused.status, refused.body.errors[0].rule]).toEqual([409, 'problem.vm-in-use']);
  });

  it('are done once for one Idempotency-Key, and not at all when they fail or are only tried', async () => {
    const key = { 'idempotency-key': 'batch-1' };
    const items = [makeProxy('i-1'), makeProxy('i-2')];
    expect((await batch('proxies', [makeProxy('i-1'), makeProxy('i-1')], key)).status).toBe(409);
    const tried = await batch('proxies', items, key, '?dryRun=true');
    expect([tried.status, tried.headers['x-efms-dry-run'], tried.body.items.length]).toEqual([200, 'true', 2]);
    expect(await names('i-')).toEqual([]);
    const done = await batch('proxies', items, key);
    const again = await batch('proxies', items, key);
    expect([done.status, again.status, again.headers['idempotency-replayed']]).toEqual([200, 200, 'true']);
    expect(again.body).toEqual(done.body);
    expect(await names('i-')).toEqual(['i-1', 'i-2']);
  });

  it('need the permission that the single calls need', async () => {
    const { body } = await app.call('POST', '/api-keys', {
      token,
      body: { name: 'reader', permissions: ['proxies:read', 'vms:write'] },
    });
    const answer = await app.call('POST', '/proxies:batch', { token: body.key, body: { items: [makeProxy('j-1')] } });
    expect(answer.status).toBe(403);
  });
});
