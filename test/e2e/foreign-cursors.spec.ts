import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { makeTenant } from '../kit/accounts.js';
import { type ApiAnswer, type Efms, startEfms } from '../kit/efms.js';
import { expectStatus } from '../kit/fleet-of-one.js';

const FUTURE = '2990-01-01T00:00:00Z';

/** Lists, and what makes one item of them. */
const LISTS: Readonly<Record<string, (name: string) => readonly [method: string, path: string, body: object]>> = {
  '/vms': (name) => ['PUT', `/vms/name:${name}`, {}],
  '/proxy-groups': (name) => ['PUT', `/proxy-groups/name:${name}`, {}],
  '/proxies': (name) => ['PUT', `/proxies/name:${name}`, { nodeId: name }],
  '/configurations': (name) => ['PUT', `/configurations/name:${name}`, {}],
  '/tenants': (name) => ['PUT', `/tenants/name:${name}`, {}],
  '/api-keys': (name) => ['POST', '/api-keys', { name }],
  '/enrolment-tokens': (name) => ['POST', '/enrolment-tokens', { name, expiresAt: FUTURE }],
  '/users': (name) => ['POST', '/users', { email: `${name}@efms.example`, role: 'viewer' }],
  '/proxies/name:a/credentials': (name) => ['POST', '/proxies/name:a/credentials', { name }],
  '/proxies/name:b/credentials': (name) => ['POST', '/proxies/name:b/credentials', { name }],
};

describe('a cursor', () => {
  let efms: Efms;
  const cursors = new Map<string, string>();

  beforeAll(async () => {
    efms = await startEfms();
    for (const [list, item] of Object.entries(LISTS)) {
      for (const name of ['a', 'b']) await expectStatus(201, efms.api(...item(name)));
      cursors.set(list, (await expectStatus(200, efms.api('GET', `${list}?limit=1`))).body.nextCursor);
    }
  });
  afterAll(() => efms.stop());

  const next = (list: string, cursor = cursors.get(list), more = '', headers = {}): Promise<ApiAnswer> =>
    efms.api('GET', `${list}?cursor=${cursor}${more}`, undefined, headers);

  it.each(Object.keys(LISTS))('of %s goes on there only', async (list) => {
    expect(cursors.get(list)).toEqual(expect.any(String));
    await expectStatus(200, next(list));
    for (const [other, cursor] of cursors) {
      if (other !== list) expect([other, (await next(list, cursor)).status]).toEqual([other, 400]);
    }
  });

  it('goes on in its order and with its filters only', async () => {
    await expectStatus(400, next('/proxies', cursors.get('/proxies'), '&sort=-name'));
    await expectStatus(400, next('/proxies', cursors.get('/proxies'), '&labels=a%3Db'));
    await expectStatus(400, next('/users', cursors.get('/users'), '&role=viewer'));
  });

  it('goes on in its tenant only', async () => {
    const tenant = await makeTenant(efms, 'other');
    for (const list of [
      '/vms',
      '/proxy-groups',
      '/proxies',
      '/configurations',
      '/api-keys',
      '/enrolment-tokens',
      '/users',
    ]) {
      const answer = await next(list, cursors.get(list), '', { 'x-efms-tenant': tenant });
      expect([list, answer.status, answer.body.type]).toEqual([list, 400, '/problems/bad-request']);
    }
  });
});
