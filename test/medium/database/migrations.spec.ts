import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { assertSchema, migrate, MigrationError, requiredSchema } from '../../../src/common/database/migrations.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';

describe('migrations', () => {
  let test: TestDatabase;
  let folder: string;

  const write = (name: string, sql: string) => writeFileSync(path.join(folder, name), sql);
  const run = (options = {}) => migrate({ ownerUrl: test.ownerUrl, folder, ...options });
  const assertAtLeast = (version: number) => assertSchema((sql) => test.sql(sql, [], 'efms_app'), version);

  beforeEach(async () => {
    test = await createTestDatabase('empty');
    folder = mkdtempSync(path.join(tmpdir(), 'efms-migrations-'));
    write('0001_first.sql', 'create table first (id int)');
    write('0002_second.sql', 'create table second (id int); insert into second values (1)');
  });
  afterEach(async () => {
    rmSync(folder, { recursive: true });
    await test.drop();
  });

  it('are applied in order, once', async () => {
    expect(await run()).toEqual(['0001_first', '0002_second']);
    expect(await run()).toEqual([]);
    write('0003_third.sql', 'create table third (id int)');
    expect(await run()).toEqual(['0003_third']);
    expect(await test.sql('select version, name from schema_migrations order by 1')).toEqual([
      { version: 1, name: '0001_first' },
      { version: 2, name: '0002_second' },
      { version: 3, name: '0003_third' },
    ]);
  });

  it('are applied once by two runners that start together', async () => {
    write('0003_slow.sql', 'create table third (id int); select pg_sleep(0.2)');
    const applied = await Promise.all([run(), run(), run()]);
    expect(applied.flat()).toEqual(['0001_first', '0002_second', '0003_slow']);
  });

  it('of this EFMS bring an empty database to the schema it needs', async () => {
    await migrate({ ownerUrl: test.ownerUrl });
    await expect(test.open()).resolves.toBeDefined();
  });

  it('refuse a file that was changed after it was applied', async () => {
    await run();
    write('0001_first.sql', 'create table first (id bigint)');
    await expect(run()).rejects.toThrow(/0001_first was changed after it was applied/);
  });

  it('take a file whose line ends a checkout changed', async () => {
    write('0001_first.sql', 'create table first\n(id int)');
    await run();
    write('0001_first.sql', 'create table first\r\n(id int)');
    expect(await run()).toEqual([]);
  });

  it('refuse a missing file, a number used twice, a late number and a strange name', async () => {
    await run();
    rmSync(path.join(folder, '0001_first.sql'));
    await expect(run()).rejects.toThrow(/0001_first was applied .* missing/);
    write('0001_first.sql', 'create table first (id int)');
    write('0002_again.sql', 'select 1');
    await expect(run()).rejects.toThrow(/two migrations are numbered 2/);
    rmSync(path.join(folder, '0002_again.sql'));
    write('0004_fourth.sql', 'select 1');
    await run();
    write('0003_late.sql', 'select 1');
    await expect(run()).rejects.toThrow(/0003_late is older than 4/);
    write('5_short.sql', 'select 1');
    await expect(run()).rejects.toThrow(/5_short.sql is not named/);
  });

  it('keep nothing of a file that fails, and name it', async () => {
    write('0003_broken.sql', 'create table third (id int); select * from nowhere');
    await expect(run()).rejects.toThrow(/0003_broken failed: relation "nowhere" does not exist/);
    expect(
      await test.sql(`select to_regclass('third') as third, max(version) as version from schema_migrations`),
    ).toEqual([{ third: null, version: 2 }]);
  });

  it('run outside a transaction where the file says so', async () => {
    write(
      '0003_index.sql',
      '-- efms: no-transaction\ndrop index concurrently if exists first_id;\ncreate index concurrently first_id on first (id);\n',
    );
    // Two at once: the one that waits for its turn must not hold up the index build.
    await Promise.all([run(), run()]);
    expect(await test.sql(`select indisvalid from pg_index where indexrelid = 'first_id'::regclass`)).toEqual([
      { indisvalid: true },
    ]);
  });

  describe('behind a lock', () => {
    let blocker: pg.Client;

    beforeEach(async () => {
      await run();
      write('0003_third.sql', 'alter table first add column name text');
      blocker = new pg.Client({ connectionString: test.ownerUrl });
      await blocker.connect();
      await blocker.query('begin; lock table first in access share mode');
    });
    afterEach(() => blocker.end());

    it('give up after their attempts', async () => {
      const stuck = run({ lockTimeoutMs: 10, attempts: 2 });
      await expect(stuck).rejects.toThrow(/0003_third got no lock in 2 attempts/);
      await expect(stuck).rejects.toBeInstanceOf(MigrationError);
    });

    it('try again until it is gone', async () => {
      const patient = run({ lockTimeoutMs: 20, attempts: 100 });
      await blocker.query('select pg_sleep(0.1); commit');
      expect(await patient).toEqual(['0003_third']);
    });
  });

  it('that are newer than this EFMS are accepted, older ones refused', async () => {
    await expect(assertAtLeast(1)).rejects.toThrow(/has no EFMS schema, this EFMS needs 1/);
    await run();
    await expect(assertAtLeast(1)).resolves.toBeUndefined();
    await expect(assertAtLeast(2)).resolves.toBeUndefined();
    await expect(assertAtLeast(3)).rejects.toThrow(/at migration 2, this EFMS needs 3: run "efms db migrate"/);
    rmSync(path.join(folder, '0002_second.sql'));
    expect(requiredSchema(folder)).toBe(1);
    expect(await run()).toEqual([]);
  });

  it('keep a server from a schema that is too old for it', async () => {
    await run();
    await expect(test.open()).rejects.toBeInstanceOf(MigrationError);
  });
});
