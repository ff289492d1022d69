import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../../src/common/context/ids.js';
import { Database, type Reader } from '../../../src/common/database/database.js';
import { DatabaseUnavailable } from '../../../src/common/database/errors.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';
import { OwnPostgres } from '../../kit/own-postgres.js';

const NAMES = 'select name from envoy_proxies order by name';

describe('reads that are transactions of their own', () => {
  let db: TestDatabase;
  /** One connection serves everybody. */
  let database: Database;
  const mine = newId();
  const theirs = newId();

  beforeAll(async () => {
    db = await createTestDatabase();
    database = await db.open({ poolSize: 1, statementTimeoutMs: 1000 });
    for (const tenantId of [mine, theirs]) {
      await db.sql('insert into tenants (id, name) values ($1, $2)', [tenantId, tenantId]);
      await add(tenantId, `first of ${tenantId}`);
    }
  });
  afterAll(() => db.drop());

  const add = (tenantId: string, name: string): Promise<unknown> =>
    db.sql('insert into envoy_proxies (tenant_id, id, name, node_id) values ($1, $2, $3, $3)', [
      tenantId,
      newId(),
      name,
    ]);
  const reader = (tenantId: string): Reader => database.reader({ tenantId });
  const namesOf = async (rows: Promise<{ name: string }[]>): Promise<string[]> => (await rows).map(({ name }) => name);

  it.each(['anew', 'kept'] as const)(
    'show each tenant its own rows, planned %s, all at once over one connection',
    async (plan) => {
      const asked = Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? mine : theirs));
      const answers = await Promise.all(asked.map((tenantId) => namesOf(reader(tenantId).query(NAMES, [], plan))));
      expect(answers).toEqual(asked.map((tenantId) => [`first of ${tenantId}`]));
    },
  );

  it('leave no tenant behind on the connection', async () => {
    await reader(mine).query(NAMES);
    await expect(reader('').query(NAMES)).resolves.toEqual([]);
    const rows = await database.tenant({ tenantId: theirs }, (tx) => tx.query<{ name: string }>(NAMES));
    expect(rows).toEqual([{ name: `first of ${theirs}` }]);
  });

  it('throw what the statement throws, and the connection serves the next', async () => {
    for (const plan of ['anew', 'kept'] as const) {
      await expect(reader(mine).query('select 1 / $1::int as n', [0], plan)).rejects.toMatchObject({ code: '22012' });
      await expect(reader(mine).query('select nonsense', [], plan)).rejects.toMatchObject({ code: '42703' });
      await expect(reader(mine).query('select pg_sleep($1)', [5], plan)).rejects.toMatchObject({ code: '57014' });
      await expect(reader(mine).query('select 2 / $1::int as n', [1], plan)).resolves.toEqual([{ n: 2 }]);
    }
    await expect(namesOf(reader(theirs).query(NAMES))).resolves.toEqual([`first of ${theirs}`]);
  });

  it('cannot write', async () => {
    await expect(reader(mine).query(`update envoy_proxies set name = 'changed'`)).rejects.toMatchObject({
      code: '25006',
    });
  });

  it('go on with kept plans when a migration adds a column', async () => {
    const sql = 'select name from (select p.* from envoy_proxies p) p where name >= $1 order by name';
    for (let i = 0; i < 7; i += 1) await reader(mine).query(sql, [''], 'kept');
    await db.sql('alter table envoy_proxies add column later text');
    await expect(reader(mine).query(sql, [''], 'kept')).resolves.toHaveLength(1);
  });

  it('fail once at most with kept plans when a migration changes a column', async () => {
    await db.sql(`create table changing (n) as select 1::int`);
    await db.sql('grant select on changing to efms_app');
    const sql = 'select n from changing';
    const read = (): Promise<object[]> => reader(mine).query(sql, [], 'kept');
    await expect(read()).resolves.toEqual([{ n: 1 }]);
    await db.sql('alter table changing alter column n type text');
    await expect(read()).rejects.toMatchObject({ code: '0A000' });
    await expect(read()).resolves.toEqual([{ n: '1' }]);
  });

  it('throw when a parameter is none, and the connection serves the next', async () => {
    const endless: { self?: object } = {};
    endless.self = endless;
    await expect(reader(mine).query('select $1::jsonb', [endless])).rejects.toThrow('circular');
    await expect(namesOf(reader(theirs).query(NAMES))).resolves.toEqual([`first of ${theirs}`]);
  });

  it('keep no more plans than a session has room for', async () => {
    const own = await db.open({ poolSize: 1 });
    const read = (sql: string): Promise<object[]> => own.reader({ tenantId: mine }).query(sql, [], 'kept');
    for (let i = 0; i < 400; i += 1) await expect(read(`select ${i} as n`)).resolves.toEqual([{ n: i }]);
    const [{ kept }] = (await read('select count(*)::int as kept from pg_prepared_statements')) as [{ kept: number }];
    expect(kept).toBeGreaterThan(100);
    expect(kept).toBeLessThan(350);
  });

  it('see what the unit around them has written', async () => {
    const rolledBack = new Error('rolled back');
    const unit = database.unit({ tenantId: mine }, async (tx) => {
      const insert = 'insert into envoy_proxies (tenant_id, id, name, node_id) values ($1, $2, $3, $3)';
      await tx.query(insert, [mine, newId(), 'written']);
      expect(await namesOf(reader(mine).query(NAMES, [], 'kept'))).toContain('written');
      throw rolledBack;
    });
    await expect(unit).rejects.toBe(rolledBack);
    expect(await namesOf(reader(mine).query(NAMES))).not.toContain('written');
  });

  it('say that the database is away, and go on when it is back', async () => {
    const postgres = await OwnPostgres.start();
    try {
      const { appUrl, systemUrl } = postgres.database;
      const own = await Database.open({ appUrl, systemUrl, entities: [], poolSize: 2 });
      try {
        const read = (): Promise<object[]> => own.reader({ tenantId: mine }).query('select 1 as one', [], 'kept');
        await Promise.all([read(), read()]);
        await postgres.down();
        await expect(read()).rejects.toBeInstanceOf(DatabaseUnavailable);
        await postgres.up();
        await expect(Promise.all([read(), read()])).resolves.toHaveLength(2);
      } finally {
        await own.close();
      }
    } finally {
      await postgres.stop();
    }
  });
});
