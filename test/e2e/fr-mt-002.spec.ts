import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Efms, startEfms } from '../kit/efms.js';
import { expectStatus } from '../kit/fleet-of-one.js';
import { openTenant } from '../kit/tenancy.js';

/** See tenant-isolation.spec.ts for every operation with another tenant's ids; here the whole crowd over one pool. */
describe('FR-MT-002: tenants are isolated from each other', () => {
  let efms: Efms;
  const TENANTS = 100;

  beforeAll(async () => {
    efms = await startEfms();
  });
  afterAll(() => efms.stop());

  it('given a hundred tenants at once, shows each its own rows, counts, ETags and cursors, and no other', async () => {
    const tenants = [];
    for (let i = 0; i < TENANTS; i++) {
      await expectStatus(201, efms.api('POST', '/tenants', { name: `tenant-${i}` }));
      const [row] = await efms.database.sql<{ id: string }>('select id from tenants where name = $1', [`tenant-${i}`]);
      tenants.push({ number: i, id: row!.id, headers: { 'x-efms-tenant': `tenant-${i}` } });
    }
    await Promise.all(
      tenants.flatMap(({ number, headers }) =>
        Array.from({ length: 1 + (number % 3) }, (_, n) =>
          expectStatus(201, efms.api('PUT', `/proxies/name:p-${n}`, { nodeId: `of-${number}-${n}` }, headers)),
        ),
      ),
    );
    const cursors = new Map<number, string>();
    await Promise.all(
      [...tenants, ...tenants].map(async ({ number, headers }) => {
        const { body } = await expectStatus(200, efms.api('GET', '/proxies?limit=2', undefined, headers));
        const nodes = body.items.map(({ nodeId }: { nodeId: string }) => nodeId);
        expect(nodes).toEqual(Array.from({ length: Math.min(2, 1 + (number % 3)) }, (_, n) => `of-${number}-${n}`));
        expect(body.nextCursor === null).toBe(number % 3 < 2);
        if (body.nextCursor !== null) cursors.set(number, body.nextCursor);
        const one = await expectStatus(200, efms.api('GET', '/proxies/name:p-0', undefined, headers));
        expect([one.body.nodeId, one.headers.get('etag')]).toEqual([`of-${number}-0`, '"1"']);
      }),
    );
    // Somebody else's cursor is no cursor.
    const [mine, theirs] = [cursors.get(2)!, { 'x-efms-tenant': 'tenant-5' }];
    expect(mine).not.toBe(cursors.get(5));
    await expectStatus(400, efms.api('GET', `/proxies?limit=2&cursor=${mine}`, undefined, theirs));
  });

  it('refuses to let anybody but a platform admin name a tenant, and tells the visited tenant who came', async () => {
    const { id, admin } = await openTenant(efms, 'visited');
    await openTenant(efms, 'curious');
    const refused = await admin('GET', '/proxies', undefined, { 'x-efms-tenant': 'curious' });
    expect([refused.status, refused.body.type]).toEqual([403, '/problems/platform-only']);
    await expectStatus(200, efms.api('GET', '/proxies', undefined, { 'x-efms-tenant': 'visited' }));
    const rows = await efms.database.sql(
      `select actor_name, changes from audit_logs where tenant_id = $1 and action = 'visit'`,
      [id],
    );
    expect(rows).toEqual([{ actor_name: 'admin@efms.local', changes: { from: 'default' } }]);
  });
});
