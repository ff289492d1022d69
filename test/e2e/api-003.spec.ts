import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ApiAnswer, type Efms, startEfms } from '../kit/efms.js';

describe('API-003: lists come in pages', () => {
  let efms: Efms;
  const COUNT = 7;

  beforeAll(async () => {
    efms = await startEfms();
    for (let i = 0; i < COUNT; i++) await efms.api('PUT', `/proxies/name:p-${i}`, { nodeId: `p-${i}` });
  });
  afterAll(() => efms.stop());

  const list = (query: string): Promise<ApiAnswer> => efms.api('GET', `/proxies?${query}`);
  const names = ({ body }: ApiAnswer): string[] => body.items.map(({ name }: { name: string }) => name);

  it('given a limit, Link leads from page to page until all were seen once', async () => {
    const seen: string[] = [];
    for (let next: string | undefined = '/proxies?limit=3'; next !== undefined;) {
      const answer: ApiAnswer = await efms.api('GET', next);
      seen.push(...names(answer));
      next = /^<\/api\/v1(\S+)>; rel="next"$/.exec(answer.headers.get('link') ?? '')?.[1];
      expect(answer.body.nextCursor === null).toBe(next === undefined);
    }
    expect(seen).toEqual(Array.from({ length: COUNT }, (_, i) => `p-${i}`));
  });

  it('given rows that come and go between pages, no other is repeated or skipped', async () => {
    const first = await list('limit=3');
    await efms.api('PUT', '/proxies/name:p-0a', { nodeId: 'p-0a' });
    await efms.api('DELETE', '/proxies/name:p-1', undefined, { 'if-match': '*' });
    expect(names(await list(`limit=3&cursor=${first.body.nextCursor}`))).toEqual(['p-3', 'p-4', 'p-5']);
  });

  it('refuses limits that are none, and cursors of nobody or of another order', async () => {
    for (const limit of ['0', '501', '-1', 'all', '1.5']) expect((await list(`limit=${limit}`)).status).toBe(422);
    for (const cursor of ['x', 'e30', 'W10']) expect((await list(`cursor=${cursor}`)).status).toBe(400);
    const { nextCursor } = (await list('limit=2')).body;
    expect((await list(`limit=2&sort=-name&cursor=${nextCursor}`)).status).toBe(400);
    expect((await list(`limit=2&labels=a%3Db&cursor=${nextCursor}`)).status).toBe(400);
    expect((await efms.api('GET', `/configurations?limit=2&cursor=${nextCursor}`)).status).toBe(400);
  });
});
