import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../../src/common/context/ids.js';
import type { Database, Transaction } from '../../../src/common/database/database.js';
import { listProxyViews, type ProxyFilter } from '../../../src/infrastructure/services/proxy-views.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';

const FLEET = 100_000;

describe('lists of proxies', () => {
  let db: TestDatabase;
  let database: Database;
  const tenantId = newId();

  beforeAll(async () => {
    db = await createTestDatabase();
    database = await db.open();
    await db.sql('insert into tenants (id, name) values ($1, $2)', [tenantId, 'large']);
    // Without triggers: their work is done below, in one statement per table.
    await db.sql(`alter table envoy_proxies disable trigger user`);
    await db.sql(
      `insert into envoy_proxies (tenant_id, id, name, node_id)
       select $1, gen_random_uuid(), 'proxy-' || lpad(n::text, 6, '0'), 'node-' || n from generate_series(1, $2::int) as n`,
      [tenantId, FLEET],
    );
    await db.sql('insert into proxy_status (tenant_id, proxy_id) select tenant_id, id from envoy_proxies');
    await db.sql(
      `insert into proxy_labels (tenant_id, key, value, proxy_id)
       select tenant_id, 'rack', (right(name, 6)::int % 1000)::text, id from envoy_proxies`,
    );
    await db.sql(
      `insert into proxy_labels (tenant_id, key, value, proxy_id) select tenant_id, 'role', 'edge', id from envoy_proxies`,
    );
    await db.sql('analyze');
  }, 120_000);
  afterAll(() => db.drop());

  async function planOf(filter: ProxyFilter, after?: string): Promise<string> {
    let plan = '';
    await database.tenant({ tenantId }, async (tx) => {
      const explaining: Transaction = {
        ...tx,
        query: async (sql, params) => {
          const rows = await tx.query<{ 'QUERY PLAN': string }>(`explain ${sql}`, params);
          plan = rows.map((row) => row['QUERY PLAN']).join('\n');
          return [];
        },
      };
      await listProxyViews(explaining, filter, { limit: 51, ...(after && { after: { name: after, id: tenantId } }) });
    });
    return plan;
  }

  it.each([
    ['the first page', {}, undefined],
    ['a page in the middle', {}, 'proxy-050000'],
    ['a prefix', { namePrefix: 'proxy-0999' }, undefined],
    ['a rare label', { labels: [{ key: 'rack', value: '7' }] }, undefined],
    ['a common label', { labels: [{ key: 'role', value: 'edge' }] }, undefined],
    ['labels and a prefix', { namePrefix: 'proxy-01', labels: [{ key: 'rack', value: '7' }] }, 'proxy-011000'],
  ])('use indexes under row-level security for %s', async (_, filter, after) => {
    const plan = await planOf({ labels: [], ...filter }, after);
    expect(plan).toContain('Index');
    expect(plan).not.toContain('Seq Scan');
  });
});
