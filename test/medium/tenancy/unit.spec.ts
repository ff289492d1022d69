import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../../src/common/context/ids.js';
import { type Database, type Transaction } from '../../../src/common/database/database.js';
import { isUniqueViolation } from '../../../src/common/database/errors.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';

describe('a unit', () => {
  let db: TestDatabase;
  let database: Database;
  const tenantId = newId();

  beforeAll(async () => {
    db = await createTestDatabase();
    database = await db.open();
    await db.sql('insert into tenants (id, name) values ($1, $2)', [tenantId, 'unit']);
  });
  afterAll(() => db.drop());

  const insert = (tx: Transaction, name: string): Promise<object[]> =>
    tx.query('insert into envoy_proxies (tenant_id, id, name, node_id) values ($1, $2, $3, $3)', [
      tenantId,
      newId(),
      name,
    ]);
  const add = (name: string): Promise<object[]> => database.tenant({ tenantId }, (tx) => insert(tx, name));
  const names = async (...of: string[]): Promise<string[]> => {
    const rows = await db.sql<{ name: string }>('select name from envoy_proxies where name = any($1) order by 1', [of]);
    return rows.map(({ name }) => name);
  };

  it('commits the transactions in it together, and tells of them after that', async () => {
    const told: string[] = [];
    await database.unit({ tenantId }, async () => {
      await database.tenant({ tenantId }, async (tx) => {
        tx.afterCommit(() => told.push('a1'));
        await insert(tx, 'a1');
      });
      await add('a2');
      expect(told).toEqual([]);
      expect(await names('a1', 'a2')).toEqual([]);
    });
    expect(told).toEqual(['a1']);
    expect(await names('a1', 'a2')).toEqual(['a1', 'a2']);
  });

  it('leaves nothing of them when it fails', async () => {
    const told: string[] = [];
    const failing = database.unit({ tenantId }, async () => {
      await database.tenant({ tenantId }, async (tx) => {
        tx.afterCommit(() => told.push('b1'));
        await insert(tx, 'b1');
      });
      throw new Error('later');
    });
    await expect(failing).rejects.toThrow('later');
    expect(told).toEqual([]);
    expect(await names('b1')).toEqual([]);
  });

  it('goes on after a part that failed and was caught', async () => {
    const told: string[] = [];
    await database.unit({ tenantId }, async () => {
      await add('c1');
      const twice = database.tenant({ tenantId }, async (tx) => {
        tx.afterCommit(() => told.push('c2'));
        await insert(tx, 'c2');
        await insert(tx, 'c1');
      });
      await expect(twice.catch((error: unknown) => isUniqueViolation(error))).resolves.toBe(true);
      await add('c3');
    });
    expect(await names('c1', 'c2', 'c3')).toEqual(['c1', 'c3']);
    expect(told).toEqual([]);
  });

  it('takes parts that start together one after the other, and parts within parts', async () => {
    await database.unit({ tenantId }, async () => {
      const both = await Promise.allSettled([
        Promise.all([add('d1'), add('d2'), add('d3')]),
        database.tenant({ tenantId }, async (tx) => {
          await insert(tx, 'd4');
          await add('d5');
          throw new Error('both go');
        }),
      ]);
      expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    });
    expect(await names('d1', 'd2', 'd3', 'd4', 'd5')).toEqual(['d1', 'd2', 'd3']);
  });

  it('has no part in other tenants, in work set apart, and in what comes after it', async () => {
    const other = newId();
    await db.sql('insert into tenants (id, name) values ($1, $2)', [other, 'other']);
    let afterwards: Promise<unknown> = Promise.resolve();
    let goOn = (): void => undefined;
    const ended = new Promise<void>((resolve) => (goOn = resolve));
    const failing = database.unit({ tenantId }, async () => {
      await database.tenant({ tenantId: other }, (tx) =>
        tx.query(`insert into envoy_proxies (tenant_id, id, name, node_id) values ($1, $2, 'e1', 'e1')`, [
          other,
          newId(),
        ]),
      );
      await database.apart(() => add('e2'));
      afterwards = ended.then(() => add('e3'));
      await add('e4');
      throw new Error('the unit fails');
    });
    await expect(failing).rejects.toThrow('the unit fails');
    goOn();
    await afterwards;
    expect(await names('e1', 'e2', 'e3', 'e4')).toEqual(['e1', 'e2', 'e3']);
  });
});
