import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Answer, TestApp } from '../tenancy/app.js';

describe('proxy groups', () => {
  let app: TestApp;
  let token: string;

  beforeAll(async () => {
    app = await TestApp.start();
    token = await app.login();
  });
  afterAll(() => app.stop());

  const call = (method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown, ifMatch?: string) =>
    app.call(method, path, { token, body, headers: ifMatch === undefined ? {} : { 'if-match': ifMatch } });
  const put = (name: string, body: object = {}, ifMatch?: string) =>
    call('PUT', `/proxy-groups/name:${name}`, body, ifMatch);
  const putProxy = (name: string, labels: object = {}) =>
    call('PUT', `/proxies/name:${name}`, { nodeId: name, labels }, '*');
  const namesOf = ({ body }: Answer): string[] => body.items.map((item: { name: string }) => item.name);
  const proxiesOf = async (group: string) => namesOf(await call('GET', `/proxy-groups/name:${group}/proxies`));
  const eventsOf = async (group: string): Promise<unknown[]> =>
    (await call('GET', `/proxy-groups/name:${group}/membership-events`)).body.items.map(
      (event: { proxy: { name: string }; change: string; source: string; reason: string }) =>
        `${event.proxy.name} ${event.change} ${event.source} ${event.reason}`,
    );

  it('follow the conventions of every resource', async () => {
    const body = { selector: 'role=conv', labels: { tier: 'public' }, description: 'for people' };
    const created = await put('conv', body);
    expect(created.status).toBe(201);
    expect(created.headers).toMatchObject({ etag: '"1"', location: `/api/v1/proxy-groups/${created.body.id}` });
    expect(created.body).toEqual({
      id: expect.any(String),
      name: 'conv',
      ...body,
      parent: null,
      selectionStrategy: 'all',
      isActive: true,
      revision: 1,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    const again = await put('conv', body);
    expect([again.status, again.body]).toEqual([200, created.body]);
    expect((await put('conv', {})).status).toBe(428);
    expect((await put('conv', {}, '"2"')).status).toBe(412);
    expect((await put('conv', { ...body, description: '' }, '"1"')).body).toMatchObject({ revision: 2 });
    const patched = await call('PATCH', '/proxy-groups/name:conv', { selector: null, isActive: false }, '"2"');
    expect(patched.body).toMatchObject({ selector: null, isActive: false, labels: { tier: 'public' }, revision: 3 });
    expect((await call('GET', `/proxy-groups/${created.body.id}`)).body).toEqual(patched.body);
    expect((await call('POST', '/proxy-groups', { name: 'conv' })).body.type).toBe('/problems/group-name-taken');
    expect((await put('conv', {}, '"3"')).status).toBe(200);
    expect((await call('DELETE', '/proxy-groups/name:conv')).status).toBe(428);
    expect((await call('DELETE', '/proxy-groups/name:conv', undefined, '"1"')).status).toBe(412);
    expect((await call('DELETE', '/proxy-groups/name:conv', undefined, '"4"')).status).toBe(204);
    expect((await call('GET', '/proxy-groups/name:conv')).status).toBe(404);
  });

  it.each([
    [{ selector: 'a==b' }, '/selector'],
    [{ selector: 'a in (b' }, '/selector'],
    [{ selector: 7 }, '/selector'],
    [{ parent: 'everything' }, '/parent'],
    [{ parent: 'name:nobody' }, '/parent'],
    [{ labels: ['x'] }, '/labels'],
    [{ description: 'x\0' }, '/description'],
    [{ selectionStrategy: 'some' }, '/selectionStrategy'],
    [{ isActive: 'yes' }, '/isActive'],
    [{ members: [] }, '/members'],
  ])('are refused for %j', async (body, pointer) => {
    const answer = await put('refused', body);
    expect(answer.status).toBe(422);
    expect(answer.body.errors).toContainEqual(expect.objectContaining({ pointer }));
    expect((await call('GET', '/proxy-groups/name:refused')).status).toBe(404);
  });

  it('are listed by name, filtered by prefix, labels and parent', async () => {
    await put('list-top', { labels: { suite: 'list' } });
    for (const i of [1, 2, 3])
      await put(`list-${i}`, { parent: 'name:list-top', labels: { suite: 'list', odd: `${i % 2}` } });
    const list = (query: string) => call('GET', `/proxy-groups?${query}`);
    const first = await list('name=list-&limit=2');
    expect(namesOf(first)).toEqual(['list-1', 'list-2']);
    const rest = await list(`name=list-&limit=2&cursor=${first.body.nextCursor}`);
    expect([namesOf(rest), rest.body.nextCursor]).toEqual([['list-3', 'list-top'], null]);
    expect(namesOf(await list('labels=suite=list,odd%20in%20(1,2)'))).toEqual(['list-1', 'list-3']);
    expect(namesOf(await list('labels=suite,!odd'))).toEqual(['list-top']);
    expect(namesOf(await list('parent=name:list-top&limit=1'))).toEqual(['list-1']);
    expect(namesOf(await list('parent=name:none'))).toEqual([]);
    expect((await list('labels=a==b')).status).toBe(400);
    expect((await list('parent=none')).status).toBe(422);
    expect((await list('sort=size')).status).toBe(422);
  });

  it('know who matches their selector, whenever labels or the selector change, and remember it', async () => {
    await putProxy('sel-1', { suite: 'sel', zone: 'a' });
    await putProxy('sel-2', { suite: 'sel', zone: 'b' });
    await put('sel', { selector: 'suite=sel,zone in (a,c)' });
    expect(await proxiesOf('sel')).toEqual(['sel-1']);
    await call('PATCH', '/proxies/name:sel-2', { labels: { zone: 'c' } }, '*');
    await call('PATCH', '/proxies/name:sel-1', { labels: { zone: null } }, '*');
    expect(await proxiesOf('sel')).toEqual(['sel-2']);
    await call('PATCH', '/proxies/name:sel-2', { cluster: 'unrelated' }, '*');
    await call('PATCH', '/proxy-groups/name:sel', { selector: 'suite=sel,!zone' }, '*');
    expect(await proxiesOf('sel')).toEqual(['sel-1']);
    await call('DELETE', '/proxies/name:sel-1', undefined, '*');
    expect(await eventsOf('sel')).toEqual([
      'sel-1 left selector proxy_deleted',
      'sel-2 left selector selector',
      'sel-1 joined selector selector',
      'sel-1 left selector labels',
      'sel-2 joined selector labels',
      'sel-1 joined selector selector',
    ]);
  });

  it.each([
    ['m=x', ['m-x']],
    ['m!=x,mset', ['m-y', 'm-none']],
    ['m in (x,y)', ['m-x', 'm-y']],
    ['m notin (x,y),mset', ['m-none']],
    ['m,mset', ['m-x', 'm-y']],
    ['!m,mset', ['m-none']],
  ])('read the selector %s as lists do', async (selector, expected) => {
    await putProxy('m-x', { m: 'x', mset: '' });
    await putProxy('m-y', { m: 'y', mset: '' });
    await putProxy('m-none', { mset: '' });
    await put('matching', { selector }, '*');
    expect((await proxiesOf('matching')).sort()).toEqual([...expected].sort());
    const listed = await call('GET', `/proxies?labels=${encodeURIComponent(selector)}`);
    expect(namesOf(listed).sort()).toEqual([...expected].sort());
  });

  it('are not left behind when labels and selectors change at once', async () => {
    await Promise.all(Array.from({ length: 6 }, (_, i) => putProxy(`race-${i}`, { race: 'before' })));
    await put('race', { selector: 'race=before' });
    const answers = await Promise.all([
      ...Array.from({ length: 6 }, (_, i) =>
        call('PATCH', `/proxies/name:race-${i}`, { labels: { race: i % 2 === 0 ? 'after' : null } }, '*'),
      ),
      call('PATCH', '/proxy-groups/name:race', { selector: 'race=after' }, '*'),
      ...Array.from({ length: 6 }, (_, i) => putProxy(`race-new-${i}`, { race: 'after' })),
      call('DELETE', '/proxies/name:race-5', undefined, '*'),
    ]);
    expect(answers.map(({ status }) => status).filter((status) => status >= 400 && status !== 404)).toEqual([]);
    const expected = namesOf(await call('GET', '/proxies?labels=race=after'));
    expect(expected).toHaveLength(9);
    expect(await proxiesOf('race')).toEqual(expected);
  });

  it('take proxies that are put into them, once, and say why each belongs', async () => {
    await putProxy('put-1', { suite: 'put' });
    await putProxy('put-2');
    await put('put', { selector: 'suite=put' });
    const member = (method: 'PUT' | 'DELETE', proxy: string) =>
      call(method, `/proxy-groups/name:put/members/name:${proxy}`);
    for (const proxy of ['put-1', 'put-2', 'put-2']) expect((await member('PUT', proxy)).status).toBe(204);
    const members = await call('GET', '/proxy-groups/name:put/members');
    expect(members.body.items).toEqual([
      {
        proxy: { id: expect.any(String), name: 'put-1' },
        sources: ['static', 'selector'],
        joinedAt: expect.any(String),
      },
      { proxy: { id: expect.any(String), name: 'put-2' }, sources: ['static'], joinedAt: expect.any(String) },
    ]);
    const first = await call('GET', '/proxy-groups/name:put/members?limit=1');
    const second = await call('GET', `/proxy-groups/name:put/members?limit=1&cursor=${first.body.nextCursor}`);
    expect(second.body).toMatchObject({ items: [{ proxy: { name: 'put-2' } }], nextCursor: null });
    const falling = await call('GET', '/proxy-groups/name:put/members?sort=-name&limit=1');
    expect(falling.body.items[0].proxy.name).toBe('put-2');
    await put('put-elsewhere', { selector: 'suite=put' });
    for (const path of ['put-elsewhere/members?', 'put/members?sort=-name&', 'put/membership-events?']) {
      const foreign = await call('GET', `/proxy-groups/name:${path}cursor=${first.body.nextCursor}`);
      expect([path, foreign.status]).toEqual([path, 400]);
    }
    expect((await member('DELETE', 'put-1')).status).toBe(204);
    expect((await member('DELETE', 'put-1')).body.type).toBe('/problems/member-not-found');
    expect(await proxiesOf('put')).toEqual(['put-1', 'put-2']);
    expect((await member('PUT', 'nobody')).status).toBe(404);
    expect((await call('PUT', '/proxy-groups/name:nobody/members/name:put-1')).status).toBe(404);
    expect(await eventsOf('put')).toEqual([
      'put-1 left static removed',
      'put-2 joined static added',
      'put-1 joined static added',
      'put-1 joined selector selector',
    ]);
    const events = await call('GET', '/proxy-groups/name:put/membership-events?limit=3');
    expect(events.body.items[0].actor).toMatchObject({ kind: 'user', name: 'admin@efms.local' });
    const more = await call('GET', `/proxy-groups/name:put/membership-events?cursor=${events.body.nextCursor}`);
    expect(more.body).toMatchObject({ items: [{ reason: 'selector' }], nextCursor: null });
    const oldest = await call('GET', '/proxy-groups/name:put/membership-events?sort=at&limit=1');
    expect(oldest.body.items[0].reason).toBe('selector');
  });

  it('hold the proxies of the groups under them, and cannot be deleted from above those', async () => {
    await putProxy('tree-1');
    await put('tree-top');
    await put('tree-mid', { parent: 'name:tree-top' });
    await put('tree-low', { parent: 'name:tree-mid' });
    await call('PUT', '/proxy-groups/name:tree-low/members/name:tree-1');
    await call('PUT', '/proxy-groups/name:tree-top/members/name:tree-1');
    expect(await proxiesOf('tree-top')).toEqual(['tree-1']);
    expect(await proxiesOf('tree-mid')).toEqual(['tree-1']);
    expect(namesOf(await call('GET', '/proxy-groups/name:tree-top/proxies?name=other'))).toEqual([]);
    const refused = await call('DELETE', '/proxy-groups/name:tree-mid', undefined, '*');
    expect([refused.status, refused.body.type]).toEqual([409, '/problems/group-in-use']);
  });

  it('never stand above themselves, also when two move at once', async () => {
    await put('circle-a');
    await put('circle-b', { parent: 'name:circle-a' });
    for (const parent of ['name:circle-a', 'name:circle-b']) {
      const refused = await call('PATCH', '/proxy-groups/name:circle-a', { parent }, '*');
      expect([refused.status, refused.body.type]).toEqual([409, '/problems/group-circle']);
    }
    for (let round = 0; round < 5; round += 1) {
      await put('circle-a', {}, '*');
      await put('circle-b', {}, '*');
      const answers = await Promise.all([
        put('circle-a', { parent: 'name:circle-b' }, '*'),
        put('circle-b', { parent: 'name:circle-a' }, '*'),
      ]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
      await put(answers[0].status === 200 ? 'circle-a' : 'circle-b', {}, '*');
    }
  });

  it('of another tenant do not exist', async () => {
    const { login } = await app.addTenant('group-strangers');
    const stranger = await app.login(login);
    await putProxy('mine', { suite: 'mine' });
    const { body: group } = await put('mine', { selector: 'suite=mine' });
    for (const path of [
      `/proxy-groups/${group.id}`,
      '/proxy-groups/name:mine/proxies',
      '/proxy-groups/name:mine/members',
    ]) {
      expect((await app.call('GET', path, { token: stranger })).status).toBe(404);
    }
    const call = (method: 'PUT', path: string, body: object) => app.call(method, path, { token: stranger, body });
    expect((await call('PUT', '/proxy-groups/name:theirs', { parent: group.id })).status).toBe(422);
    const theirs = await call('PUT', '/proxy-groups/name:theirs', { selector: 'suite=mine' });
    expect(theirs.status).toBe(201);
    expect((await app.call('GET', '/proxy-groups/name:theirs/proxies', { token: stranger })).body.items).toEqual([]);
    expect((await app.call('PUT', `/proxy-groups/name:theirs/members/name:mine`, { token: stranger })).status).toBe(
      404,
    );
  });
});
