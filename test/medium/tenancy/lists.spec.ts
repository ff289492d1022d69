import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Answer, TestApp } from './app.js';

describe('lists', () => {
  let app: TestApp;
  let admin: string;
  const get = (path: string, token = admin): Promise<Answer> => app.call('GET', path, { token });

  beforeAll(async () => {
    app = await TestApp.start();
    admin = await app.login();
    for (const name of ['c', 'a', 'e', 'b', 'd']) {
      await app.call('POST', '/api-keys', { token: admin, body: { name, permissions: ['proxies:read'] } });
    }
    // Two at one moment, and two a microsecond apart, which JavaScript cannot tell from each other.
    await app.db.sql(`update api_keys set created_at = '2026-01-01T00:00:00.000001Z' where name in ('b', 'd')`);
    await app.db.sql(`update api_keys set created_at = '2026-01-01T00:00:00.000002Z' where name = 'a'`);
  });
  afterAll(() => app.stop());

  /** Every page from the first to the last, by the `Link` header alone. */
  async function pages(path: string): Promise<string[][]> {
    const found: string[][] = [];
    for (let next: string | undefined = path; next !== undefined;) {
      const { status, body, headers } = await get(next);
      expect(status).toBe(200);
      found.push(body.items.map(({ name }: { name: string }) => name));
      const link = headers['link'] as string | undefined;
      expect(link === undefined).toBe(body.nextCursor === null);
      next = link === undefined ? undefined : /^<\/api\/v1(\S+)>; rel="next"$/.exec(link)![1];
    }
    return found;
  }

  it('are paged in the order asked for, each item once', async () => {
    expect(await pages('/api-keys?limit=2')).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
    expect(await pages('/api-keys?limit=2&sort=-name')).toEqual([['e', 'd'], ['c', 'b'], ['a']]);
    expect((await pages('/api-keys?limit=1&sort=createdAt')).flat().slice(2)).toEqual(['a', 'c', 'e']);
    expect((await pages('/api-keys?limit=2&sort=createdAt,-name')).flat()).toEqual(['d', 'b', 'a', 'c', 'e']);
    expect((await pages('/api-keys?limit=3&sort=-createdAt,name')).flat()).toEqual(['e', 'c', 'a', 'b', 'd']);
  });

  it('neither repeat nor skip what is there when others come and go', async () => {
    const first = await get('/api-keys?limit=2');
    await app.call('POST', '/api-keys', { token: admin, body: { name: 'aa' } });
    await app.call('DELETE', '/api-keys/name:aa', { token: admin });
    const second = await get(`/api-keys?limit=2&cursor=${first.body.nextCursor}`);
    expect(second.body.items.map(({ name }: { name: string }) => name)).toEqual(['c', 'd']);
  });

  it('take a cursor only with the sort, filters and tenant that it was given out for', async () => {
    const { nextCursor } = (await get('/api-keys?limit=2')).body;
    const { userId } = (await get('/api-keys?limit=1')).body.items[0];
    for (const query of ['sort=-name', 'sort=createdAt', `userId=${userId}`]) {
      const answer = await get(`/api-keys?limit=2&${query}&cursor=${nextCursor}`);
      expect(answer.status).toBe(400);
      expect(answer.body.type).toBe('/problems/bad-request');
    }
    const stranger = await app.login((await app.addTenant('reader')).login);
    expect((await get(`/api-keys?limit=2&cursor=${nextCursor}`, stranger)).status).toBe(400);
    expect((await get(`/proxies?limit=2&cursor=${nextCursor}`)).status).toBe(400);
  });

  it.each(['sort=', 'sort=unknown', 'sort=name,name', 'sort=keyHash', 'limit=0', 'limit=501', 'userId=x', 'color=red'])(
    'refuse %s with a pointer',
    async (query) => {
      const answer = await get(`/api-keys?${query}`);
      expect(answer.status).toBe(422);
      expect(answer.body.errors[0].pointer).toBe(`/${query.split('=')[0]}`);
    },
  );
});
