import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId } from '../../../src/common/context/ids.js';
import type { Database } from '../../../src/common/database/database.js';
import { changedHeads, type HeadCursor } from '../../../src/xds/assignments/head-changes.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';
import { Fleet } from './fleet.js';

describe('the changes of heads', () => {
  let test: TestDatabase;
  let database: Database;
  let fleet: Fleet;
  let cursor: HeadCursor;

  beforeAll(async () => {
    test = await createTestDatabase();
    database = await test.open();
  });
  afterAll(() => test.drop());
  beforeEach(async () => {
    fleet = await new Fleet(database).create();
    cursor = (await changedHeads(database, null)).cursor;
  });

  /** Of this fleet, since the last call. */
  async function changes(): Promise<{ readonly proxies: string[]; readonly tenants: readonly string[] }> {
    const { cursor: next, changed } = await changedHeads(database, cursor);
    cursor = next;
    if (changed === 'unknown') throw new Error('not known');
    const proxies = changed.proxies.filter(({ tenantId }) => tenantId === fleet.tenantId);
    return { proxies: proxies.map(({ proxyId }) => proxyId).sort(), tenants: changed.tenants };
  }
  const touch = (proxy: string, column = 'secrets_rev'): Promise<object[]> =>
    fleet.query(`update proxy_heads set ${column} = ${column} + 1 where proxy_id = $1`, [proxy]);

  it('are not known at first', async () => {
    expect((await changedHeads(database, null)).changed).toBe('unknown');
  });

  it('are what was committed since, and soon nothing again', async () => {
    const [one, two] = [await fleet.addProxy(), await fleet.addProxy()];
    expect((await changes()).proxies).toEqual([one, two].sort());
    await touch(one);
    expect((await changes()).proxies).toContain(one);
    expect((await changes()).proxies).toEqual([]);
  });

  it('hold what a long transaction commits after others were read', async () => {
    const [slow, quick] = [await fleet.addProxy(), await fleet.addProxy()];
    await changes();
    await database.tenant(fleet.ctx, async (tx) => {
      await tx.query('update proxy_heads set secrets_rev = secrets_rev + 1 where proxy_id = $1', [slow]);
      await touch(quick);
      expect((await changes()).proxies).toEqual([quick]);
      await touch(quick);
      expect((await changes()).proxies).toEqual([quick]);
    });
    expect((await changes()).proxies).toContain(slow);
    expect((await changes()).proxies).toEqual([]);
  });

  it('hold nothing that was rolled back', async () => {
    const proxy = await fleet.addProxy();
    await changes();
    await expect(
      database.tenant(fleet.ctx, async (tx) => {
        await tx.query('update proxy_heads set secrets_rev = 7 where proxy_id = $1', [proxy]);
        throw new Error('taken back');
      }),
    ).rejects.toThrow('taken back');
    expect((await changes()).proxies).toEqual([]);
  });

  it('hold proxies that are gone', async () => {
    const proxy = await fleet.addProxy();
    await changes();
    await fleet.removeProxy(proxy);
    expect((await changes()).proxies).toEqual([proxy]);
    expect((await changes()).proxies).toEqual([]);
  });

  it('forget after a day that a proxy is gone', async () => {
    await fleet.removeProxy(await fleet.addProxy());
    await test.sql("update proxy_removals set removed_at = now() - interval '2 days' where tenant_id = $1", [
      fleet.tenantId,
    ]);
    const last = await fleet.addProxy();
    await fleet.removeProxy(last);
    expect(await fleet.query('select proxy_id from proxy_removals')).toEqual([{ proxy_id: last }]);
  });

  it('hold the tenant of an endpoint override whose time is over, once', async () => {
    await fleet.query(
      `insert into endpoint_overrides (tenant_id, id, name, cluster_name, address, port, health_status, reason, expires_at)
       values ($1, $2, 'o', 'c', '10.0.0.1', 80, 'UNHEALTHY', 'test', clock_timestamp() + interval '200 milliseconds')`,
      [fleet.tenantId, newId()],
    );
    expect((await changes()).tenants).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect((await changes()).tenants).toEqual([fleet.tenantId]);
    expect((await changes()).tenants).toEqual([]);
  });

  it('are not known after the database went back', async () => {
    const ahead = { ...cursor, xid: String(BigInt(cursor.xid) + 1_000_000n) };
    expect((await changedHeads(database, ahead)).changed).toBe('unknown');
  });
});
