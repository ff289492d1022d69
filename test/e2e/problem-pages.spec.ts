import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Efms, startEfms } from '../kit/efms.js';

describe('the addresses that EFMS names', () => {
  let efms: Efms;

  beforeAll(async () => {
    efms = await startEfms();
  });
  afterAll(() => efms.stop());

  const open = (path: string, accept = '*/*'): Promise<Response> =>
    fetch(`${efms.http}${path}`, { headers: { accept }, redirect: 'manual' });

  it.each([
    ['GET', '/proxies/name:nobody', undefined],
    ['POST', '/auth/login', { email: 'a@b.c', password: 'x' }],
    ['POST', '/proxies', {}],
    ['DELETE', '/proxies', undefined],
    ['GET', '/nowhere', undefined],
  ])('explain the type of a problem: %s %s', async (method, path, body) => {
    const { type, title, status } = (await efms.api(method, path, body)).body;
    const page = await open(type);
    expect([page.status, page.headers.get('vary')]).toEqual([200, expect.stringMatching(/accept/i)]);
    expect(await page.json()).toEqual({ type, title, status, whatToDo: expect.stringMatching(/^[A-Z].{10,}\.$/) });
    const html = await open(type, 'text/html,application/xhtml+xml,*/*;q=0.8');
    expect([html.status, html.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(await html.text()).toContain(`<h1>${title}</h1>`);
  });

  it('list every problem, each with a page of its own', async () => {
    const { items } = (await (await open('/problems')).json()) as { items: { type: string; title: string }[] };
    const types = items.map(({ type }) => type);
    expect(types).toEqual([...new Set(types)].sort());
    const everyModule = ['not-found', 'dry-run-refused', 'idempotency-key-busy', 'last-admin', 'vm-in-use'];
    const more = ['secret-in-use', 'head-moved', 'proxy-in-deployment'];
    expect(types).toEqual(expect.arrayContaining([...everyModule, ...more].map((code) => `/problems/${code}`)));
    const html = await (await open('/problems', 'text/html')).text();
    for (const item of items) {
      expect(html).toContain(`href="${item.type}"`);
      expect(await (await open(item.type)).json()).toEqual(item);
    }
  });

  it('say of a problem that there is none that there is none', async () => {
    for (const path of ['/problems/nothing', '/problems/__proto__', '/problems/%3Cscript%3E']) {
      const answer = await open(path, 'text/html');
      expect([answer.status, answer.headers.get('content-type')]).toEqual([
        404,
        expect.stringContaining('application/problem+json'),
      ]);
    }
  });

  it('lead from the root to the documentation', async () => {
    expect(await (await open('/')).json()).toEqual({
      name: 'EFMS',
      api: '/api/v1',
      docs: '/docs',
      openapi: '/openapi.json',
      problems: '/problems',
    });
    const browser = await open('/', 'text/html');
    expect([browser.status, browser.headers.get('location')]).toEqual([302, '/docs']);
    expect((await open('/docs')).status).toBe(200);
  });
});
