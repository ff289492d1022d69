import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../../src/common/context/ids.js';
import type { Database } from '../../../src/common/database/database.js';
import { asProblem } from '../../../src/common/http/problem.filter.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';

describe('transactions in the way of each other', () => {
  let db: TestDatabase;
  let database: Database;
  const tenantId = newId();

  beforeAll(async () => {
    db = await createTestDatabase();
    database = await db.open();
    await db.sql('insert into tenants (id, name) values ($1, $2)', [tenantId, 'clashing']);
    await db.sql(
      `insert into envoy_proxies (tenant_id, id, name, node_id)
       select $1, gen_random_uuid(), name, name from unnest(array['a', 'b']) as n (name)`,
      [tenantId],
    );
  });
  afterAll(() => db.drop());

  /** Changes both proxies in this order, the second when `others` has changed one as well. */
  const change = (order: readonly string[], { done, others }: { done: () => void; others: Promise<unknown> }) =>
    database.tenant({ tenantId }, async (tx) => {
      const sql = `update envoy_proxies set node_id = name || $1 where name = $2`;
      await tx.query(sql, [order.join(), order[0]]);
      done();
      await others;
      await tx.query(sql, [order.join(), order[1]]);
    });

  it('a deadlock fails one, which is told to send it again, and the other is written', async () => {
    const [one, two] = [Promise.withResolvers<null>(), Promise.withResolvers<null>()];
    const [first, second] = await Promise.allSettled([
      change(['a', 'b'], { done: () => one.resolve(null), others: two.promise }),
      change(['b', 'a'], { done: () => two.resolve(null), others: one.promise }),
    ]);
    const [failed, written] = first.status === 'rejected' ? [first, 'b,a'] : [second, 'a,b'];
    const reason: unknown = failed.status === 'rejected' ? failed.reason : undefined;
    expect(reason).toMatchObject({ code: '40P01' });
    expect(asProblem(reason)).toMatchObject({ code: 'unavailable', options: { retryAfter: 1 } });
    const rows = await db.sql('select node_id from envoy_proxies order by name');
    expect(rows).toEqual([{ node_id: `a${written}` }, { node_id: `b${written}` }]);
  });

  it.each(['40001', '57014'])('%s is told as something to send again', async (code) => {
    const failure = await database
      .tenant({ tenantId }, (tx) => tx.query(`do $$ begin raise exception using errcode = '${code}'; end $$`))
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code });
    const problem = asProblem(failure);
    expect([problem.definition.status, problem.options.retryAfter]).toEqual([503, 1]);
  });
});
