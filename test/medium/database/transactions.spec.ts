import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../../src/common/context/ids.js';
import type { Database } from '../../../src/common/database/database.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';

describe('transactions', () => {
  let test: TestDatabase;
  let database: Database;
  const a = newId();

  beforeAll(async () => {
    test = await createTestDatabase();
    database = await test.open({ poolSize: 5 });
  });
  afterAll(() => test.drop());

  it('creates a tenant across tenants and reads it within', async () => {
    await database.system((tx) => tx.query('insert into tenants (id, name) values ($1, $2)', [a, 'a']));
    expect(await database.tenant({ tenantId: a }, (tx) => tx.query('select name, created_at from tenants'))).toEqual([
      { name: 'a', created_at: expect.any(Date) },
    ]);
  });
});
