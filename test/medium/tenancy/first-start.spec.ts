import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { unseal } from '../../../src/common/crypto/sealing.js';
import type { Database } from '../../../src/common/database/database.js';
import { FirstStart, tenancyEntities } from '../../../src/tenancy/index.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';
import { KEYS } from './app.js';

describe('the first start', () => {
  let db: TestDatabase;
  let database: Database;
  let other: Database;

  beforeAll(async () => {
    db = await createTestDatabase();
    database = await db.open({ entities: tenancyEntities });
    other = await db.open({ entities: tenancyEntities });
  });
  afterAll(() => db.drop());

  describe('on an empty database', () => {
    beforeEach(() => db.sql('truncate tenants, users, credential_index, tenant_data_keys cascade'));

    it('makes one tenant and admin when two replicas start at once', async () => {
      const results = await Promise.all([
        new FirstStart(database, KEYS).ensure({ email: 'Admin@EFMS.local' }),
        new FirstStart(other, KEYS).ensure({ email: 'Admin@EFMS.local' }),
      ]);
      expect(results.map(({ created }) => created).sort()).toEqual([false, true]);
      expect(results.filter(({ generatedPassword }) => generatedPassword !== undefined)).toHaveLength(1);
      expect(await db.sql('select name from tenants')).toEqual([{ name: 'default' }]);
      expect(await db.sql('select email, role, platform_admin from users')).toEqual([
        { email: 'admin@efms.local', role: 'admin', platform_admin: true },
      ]);
    });

    it('does nothing the second time', async () => {
      const first = new FirstStart(database, KEYS);
      expect(await first.ensure({ email: 'a@b.example', password: 'given by the operator' })).toEqual({
        created: true,
        email: 'a@b.example',
      });
      expect(await first.ensure({ email: 'c@d.example' })).toEqual({ created: false, email: 'c@d.example' });
      expect(await db.sql('select email from users')).toEqual([{ email: 'a@b.example' }]);
    });

    it('gives the tenant a data key that only the master key opens, in its own place', async () => {
      await new FirstStart(database, KEYS).ensure({ email: 'a@b.example', password: 'given by the operator' });
      const [row] = await db.sql<{ tenant_id: string; id: string; wrapped_key: string; master_key_id: string }>(
        'select * from tenant_data_keys',
      );
      expect(row!.master_key_id).toBe(KEYS.masterKey.id);
      expect(unseal(KEYS.masterKey, row!.wrapped_key, [row!.tenant_id, 'tenant_data_keys', row!.id])).toHaveLength(32);
    });

    it('is audited without the password', async () => {
      await new FirstStart(database, KEYS).ensure({ email: 'audited@b.example', password: 'given by the operator' });
      const rows = await db.sql<{ actor_name: string; changes: Record<string, unknown> }>(
        `select actor_name, changes from audit_logs where resource_type = 'users' and changes -> 'email' ->> 'new' = 'audited@b.example'`,
      );
      expect(rows).toHaveLength(1);
      expect(rows[0]!.actor_name).toBe('first start');
      expect(rows[0]!.changes['password_hash']).toBe('[redacted]');
    });
  });
});
