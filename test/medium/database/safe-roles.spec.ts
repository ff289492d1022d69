import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { UnsafeDatabase } from '../../../src/common/database/errors.js';
import { initialiseRoles } from '../../../src/common/database/roles.js';
import { assertSafeRoles } from '../../../src/common/database/safe-roles.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';

describe('the roles', () => {
  let test: TestDatabase;
  let client: pg.Client;

  /** The check as it is with `sql` done, which nobody else gets to see. */
  const checkAfter = async (sql: string): Promise<unknown> => {
    await client.query('begin');
    try {
      await client.query(sql);
      const as = (role: string) => async (text: string) => {
        await client.query(`set local role ${role}`);
        const { rows } = await client.query<object>(text);
        await client.query('reset role');
        return rows;
      };
      await assertSafeRoles({ efms_app: as('efms_app'), efms_system: as('efms_system') });
      return undefined;
    } catch (error) {
      return error;
    } finally {
      await client.query('rollback');
    }
  };

  beforeAll(async () => {
    test = await createTestDatabase();
    client = new pg.Client({ connectionString: test.adminUrl });
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await test.drop();
  });

  it('are safe as they are made', async () => {
    expect(await checkAfter('select 1')).toBeUndefined();
  });

  it.each([
    ['alter role efms_app superuser', /efms_app is a superuser/],
    ['alter role efms_system bypassrls', /efms_system has BYPASSRLS/],
    ['grant efms_owner to efms_app', /efms_app is a member of efms_owner/],
    ['grant pg_write_all_data to efms_system', /efms_system is a member of pg_write_all_data/],
    ['alter table leases owner to efms_system', /efms_system owns .*leases/],
  ])('are refused after: %s', async (sql, reason) => {
    const error = await checkAfter(sql);
    expect(error).toBeInstanceOf(UnsafeDatabase);
    expect((error as Error).message).toMatch(reason);
  });

  it('are refused when a server is given other ones', async () => {
    await expect(test.open({ systemUrl: test.appUrl })).rejects.toThrow(
      /the role is efms_app where efms_system is needed/,
    );
    await expect(test.open({ appUrl: test.ownerUrl })).rejects.toThrow(/efms_owner owns/);
    await expect(test.open({ appUrl: test.adminUrl })).rejects.toThrow(/is a superuser/);
  });

  it.each([
    [150_014, false],
    [160_009, false],
    [160_010, true],
    [170_005, false],
    [170_006, true],
    [180_000, true],
    [190_001, true],
  ])('work with server version %i: %s', async (version, accepted) => {
    const facts = (role: string) => () =>
      Promise.resolve([
        { role, superuser: false, bypassrls: false, memberships: [], owned: [], version: 'x', version_number: version },
      ]);
    const check = assertSafeRoles({ efms_app: facts('efms_app'), efms_system: facts('efms_system') });
    if (accepted) await expect(check).resolves.toBeUndefined();
    else await expect(check).rejects.toThrow(/too old/);
  });

  it('can be made again, and lose what they should not have', async () => {
    const passwords = { efms_owner: 'owner-for-tests', efms_app: 'app-for-tests', efms_system: 'system-for-tests' };
    await test.sql(`grant temporary on database ${test.name} to public`);
    await test.sql('grant create on schema public to public');
    await initialiseRoles(test.adminUrl, { database: test.name, passwords });
    const [row] = await test.sql(
      `select has_database_privilege('efms_app', current_database(), 'temporary') as temporary,
              has_schema_privilege('efms_app', 'public', 'create') as make, current_setting('TimeZone') as zone`,
      [],
      'efms_app',
    );
    expect(row).toEqual({ temporary: false, make: false, zone: 'UTC' });
  });

  it('cannot be used by anybody else on this database', async () => {
    const [row] = await test.sql(`select datacl::text as acl from pg_database where datname = current_database()`);
    expect(row).not.toEqual({ acl: expect.stringMatching(/[{,]=/) });
  });
});
