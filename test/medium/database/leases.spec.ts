import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId } from '../../../src/common/context/ids.js';
import type { Database } from '../../../src/common/database/database.js';
import { fence, type Lease, LeaseLost, Leases } from '../../../src/common/database/leases.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';

const MINUTE = 60_000;

describe('leases', () => {
  let test: TestDatabase;
  let database: Database;
  let leases: Leases;
  let name: string;
  const tenantId = newId();

  const expire = () => test.sql(`update leases set expires_at = now() - interval '1 second' where name = $1`, [name]);
  const writeAs = (lease: Lease, description: string) =>
    database.tenant({ tenantId }, async (tx) => {
      await tx.query('update tenants set description = $1', [description]);
      await fence(tx, lease);
    });

  beforeAll(async () => {
    test = await createTestDatabase();
    database = await test.open({ poolSize: 4 });
    leases = new Leases(database);
    await database.system((tx) => tx.query(`insert into tenants (id, name) values ($1, 'leased')`, [tenantId]));
  });
  afterAll(() => test.drop());
  beforeEach(() => {
    name = newId();
  });

  it('are held by one owner at a time', async () => {
    expect(await leases.acquire(name, 'first', MINUTE)).toEqual({ name, owner: 'first', epoch: 1n });
    expect(await leases.acquire(name, 'second', MINUTE)).toBeUndefined();
    expect(await leases.acquire(name, 'first', MINUTE)).toEqual({ name, owner: 'first', epoch: 1n });
  });

  it('are known to whoever publishes metrics, as long as they are held', async () => {
    const held = () => leases.stats.leases.has(name);
    const lease = await leases.acquire(name, 'first', MINUTE);
    expect(held()).toBe(true);
    await expire();
    await expect(leases.renew(lease!, MINUTE)).rejects.toBeInstanceOf(LeaseLost);
    expect(held()).toBe(false);
    await leases.release((await leases.acquire(name, 'first', MINUTE))!);
    expect(held()).toBe(false);
  });

  it('go to one of many that ask at once', async () => {
    const asked = await Promise.all(Array.from({ length: 12 }, (_, i) => leases.acquire(name, `owner ${i}`, MINUTE)));
    expect(asked.filter((lease) => lease !== undefined)).toHaveLength(1);
  });

  it('get a new epoch with each new owner', async () => {
    await leases.acquire(name, 'first', MINUTE);
    await expire();
    expect(await leases.acquire(name, 'second', MINUTE)).toEqual({ name, owner: 'second', epoch: 2n });
    await expire();
    expect(await leases.acquire(name, 'first', MINUTE)).toEqual({ name, owner: 'first', epoch: 3n });
  });

  it('are free at once when released, and their epochs do not repeat', async () => {
    const lease = await leases.acquire(name, 'first', MINUTE);
    await leases.release(lease!);
    expect(await leases.acquire(name, 'second', MINUTE)).toEqual({ name, owner: 'second', epoch: 2n });
    await leases.release(lease!);
    await expect(leases.renew({ name, owner: 'second', epoch: 2n }, MINUTE)).resolves.toBeUndefined();
  });

  it('cannot be renewed once they ran out or were taken over', async () => {
    const lease = await leases.acquire(name, 'first', MINUTE);
    await leases.renew(lease!, MINUTE);
    await expire();
    await expect(leases.renew(lease!, MINUTE)).rejects.toBeInstanceOf(LeaseLost);
    await leases.acquire(name, 'second', MINUTE);
    await expect(leases.renew(lease!, MINUTE)).rejects.toBeInstanceOf(LeaseLost);
  });

  it('keep a holder whose lease was taken over from writing anything', async () => {
    const stale = await leases.acquire(name, 'first', MINUTE);
    await writeAs(stale!, 'by the first');
    await expire();
    await expect(writeAs(stale!, 'by nobody')).rejects.toBeInstanceOf(LeaseLost);
    await leases.acquire(name, 'second', MINUTE);
    await expect(writeAs(stale!, 'by nobody')).rejects.toBeInstanceOf(LeaseLost);
    expect(await test.sql('select description from tenants')).toEqual([{ description: 'by the first' }]);
  });

  it('do not change between the proof and the COMMIT', async () => {
    const lease = await leases.acquire(name, 'first', MINUTE);
    const order: string[] = [];
    let change: Promise<unknown> | undefined;
    await database.tenant({ tenantId }, async (tx) => {
      await fence(tx, lease!);
      change = leases.release(lease!).then(() => order.push('released'));
      await waitUntil(async () => {
        const [row] = await test.sql<{ waiting: string }>(
          `select count(*) as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        );
        return row?.waiting === '1';
      });
      order.push('written');
    });
    await change;
    expect(order).toEqual(['written', 'released']);
  });

  it('cannot be changed by the role that works for tenants', async () => {
    await leases.acquire(name, 'first', MINUTE);
    const forged = database.tenant({ tenantId }, (tx) =>
      tx.query(`update leases set name = 'mine' where name = $1`, [name]),
    );
    await expect(forged).rejects.toMatchObject({ code: '42501' });
    const stolen = database.tenant({ tenantId }, (tx) => tx.query(`update leases set owner = 'me'`));
    await expect(stolen).rejects.toMatchObject({ code: '42501' });
  });
});

async function waitUntil(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('the condition did not become true');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
