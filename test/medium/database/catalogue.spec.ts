import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { findHoles, type Hole } from '../../../src/common/database/catalogue.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';

/** A well-made table that each hole starts from. */
const THINGS = `
  create table things (
    tenant_id uuid not null references tenants (id), id uuid not null, name text, other_id uuid,
    primary key (tenant_id, id), unique (tenant_id, name)
  );
  select efms_protect('things')`;

interface Opening {
  readonly title: string;
  readonly sql: string;
  readonly rule: string;
  readonly object: string;
  /** Done by the administrator rather than by the owner of the schema. */
  readonly asAdministrator?: true;
}

const OPENINGS: readonly Opening[] = [
  {
    title: 'a table without row-level security',
    sql: 'create table open (tenant_id uuid not null, id uuid not null, primary key (tenant_id, id))',
    rule: 'row-security-off',
    object: 'open',
  },
  {
    title: 'row-level security switched off',
    sql: 'alter table things disable row level security',
    rule: 'row-security-off',
    object: 'things',
  },
  {
    title: 'row-level security not forced on the owner',
    sql: 'alter table things no force row level security',
    rule: 'row-security-off',
    object: 'things',
  },
  {
    title: 'a partition made without protection',
    sql: `create table audit_logs_2001_01 partition of audit_logs for values from ('2001-01-01 00:00+00') to ('2001-02-01 00:00+00')`,
    rule: 'row-security-off',
    object: 'audit_logs_2001_01',
  },
  {
    title: 'a default partition',
    sql: 'create table audit_logs_rest partition of audit_logs default',
    rule: 'default-partition',
    object: 'audit_logs_rest',
  },
  {
    title: 'a policy that lets everything through',
    sql: 'create policy wide on things to efms_app using (true)',
    rule: 'policy',
    object: 'things.wide',
  },
  {
    title: 'a policy for everybody',
    sql: 'alter policy efms_tenant on things to public',
    rule: 'policy',
    object: 'things.efms_tenant',
  },
  {
    title: 'a policy that checks reads but not writes',
    sql: 'alter policy efms_tenant on things with check (true)',
    rule: 'policy',
    object: 'things.efms_tenant',
  },
  {
    title: 'a policy without nullif',
    sql: `alter policy efms_tenant on things using (tenant_id = current_setting('app.current_tenant')::uuid)`,
    rule: 'policy',
    object: 'things.efms_tenant',
  },
  {
    title: 'an equality on another column',
    sql: `alter policy efms_tenant on things using (other_id = (select nullif(current_setting('app.current_tenant', true), '')::uuid))`,
    rule: 'policy',
    object: 'things.efms_tenant',
  },
  {
    title: 'a policy on a partition that differs from its parent',
    sql: `select set_config('test.partition', inhrelid::regclass::text, true) from pg_inherits where inhparent = 'audit_logs'::regclass limit 1;
          do $$ begin execute format('alter policy efms_tenant on %s using (true)', current_setting('test.partition')); end $$`,
    rule: 'policy',
    object: expect.stringMatching(/^audit_logs_\d{4}_\d{2}\.efms_tenant$/) as unknown as string,
  },
  {
    title: 'a view that reads with its owner’s rights',
    sql: 'create view all_things as select * from things',
    rule: 'view-without-security-invoker',
    object: 'all_things',
  },
  {
    title: 'a materialized view',
    sql: 'create materialized view kept_things as select * from things',
    rule: 'relation-without-row-security',
    object: 'kept_things',
  },
  {
    title: 'a rule',
    sql: 'create rule quiet as on delete to things do instead nothing',
    rule: 'rewrite-rule',
    object: 'things',
  },
  {
    title: 'a function with its owner’s rights',
    sql: `create function peek() returns bigint language sql security definer set search_path = public, pg_temp as 'select count(*) from things'`,
    rule: 'security-definer',
    object: 'peek',
  },
  {
    title: 'a function without a fixed search_path',
    sql: `create function look() returns bigint language sql as 'select count(*) from things'`,
    rule: 'search-path',
    object: 'look',
  },
  {
    title: 'a search_path that temporary objects come first in',
    sql: `create function look() returns bigint language sql set search_path = public as 'select count(*) from things'`,
    rule: 'search-path',
    object: 'look',
  },
  ...['truncate', 'references', 'trigger'].map((privilege) => ({
    title: `${privilege.toUpperCase()} granted`,
    sql: `grant ${privilege} on things to efms_app`,
    rule: 'grant-beyond-rows',
    object: 'things',
  })),
  {
    title: 'a right that may be passed on',
    sql: 'grant select on things to efms_system with grant option',
    rule: 'grant-beyond-rows',
    object: 'things',
  },
  {
    title: 'a table granted to PUBLIC',
    sql: 'grant select on things to public',
    rule: 'grant-to-public',
    object: 'things',
  },
  {
    title: 'a column granted to PUBLIC',
    sql: 'grant select (name) on things to public',
    rule: 'grant-to-public',
    object: 'things',
  },
  {
    title: 'default privileges for PUBLIC',
    sql: 'alter default privileges grant select on tables to public',
    rule: 'default-privileges',
    object: 'efms_owner',
  },
  {
    title: 'the right to make tables in the schema',
    sql: 'grant create on schema public to efms_app',
    rule: 'schema-create',
    object: 'efms_app on schema public',
  },
  {
    title: 'the right to make temporary tables',
    sql: `do $$ begin execute format('grant temporary on database %I to efms_app', current_database()); end $$`,
    rule: 'schema-create',
    object: 'efms_app on the database',
  },
  {
    title: 'a role with BYPASSRLS',
    sql: 'alter role efms_system bypassrls',
    rule: 'role-attribute',
    object: 'efms_system',
    asAdministrator: true,
  },
  {
    title: 'a superuser',
    sql: 'alter role efms_app superuser',
    rule: 'role-attribute',
    object: 'efms_app',
    asAdministrator: true,
  },
  {
    title: 'a role that is a member of another',
    sql: 'grant efms_system to efms_app',
    rule: 'role-membership',
    object: 'efms_app',
    asAdministrator: true,
  },
  {
    title: 'a role that is a member of a predefined one',
    sql: 'grant pg_read_all_data to efms_app',
    rule: 'role-membership',
    object: 'efms_app',
    asAdministrator: true,
  },
  {
    title: 'a tenant set for a role',
    sql: `alter role efms_app set app.current_tenant to '00000000-0000-7000-8000-000000000001'`,
    rule: 'role-setting',
    object: 'efms_app',
    asAdministrator: true,
  },
  {
    title: 'a table owned by efms_app',
    sql: 'alter table things owner to efms_app',
    rule: 'owner',
    object: 'things',
    asAdministrator: true,
  },
  {
    title: 'a table without tenant_id',
    sql: 'create table loose (id uuid primary key)',
    rule: 'tenant-column',
    object: 'loose',
  },
  {
    title: 'a tenant_id that may be null',
    sql: 'create table loose (tenant_id uuid, id uuid)',
    rule: 'tenant-column',
    object: 'loose',
  },
  {
    title: 'a primary key without the tenant',
    sql: 'create table loose (tenant_id uuid not null, id uuid primary key)',
    rule: 'unique-without-tenant',
    object: 'loose_pkey',
  },
  {
    title: 'a unique index without the tenant',
    sql: 'create unique index things_name on things (name)',
    rule: 'unique-without-tenant',
    object: 'things_name',
  },
  {
    title: 'a unique index that ends with the tenant',
    sql: 'create unique index things_name on things (name, tenant_id)',
    rule: 'unique-without-tenant',
    object: 'things_name',
  },
  {
    title: 'a foreign key without the tenant',
    sql: `create table keys (id uuid primary key);
          alter table things add constraint things_other foreign key (other_id) references keys (id)`,
    rule: 'foreign-key-without-tenant',
    object: 'things.things_other',
  },
  {
    title: 'a foreign key of the tenant alone to another table',
    sql: `create table singles (tenant_id uuid primary key, owner_id uuid);
          create unique index on singles (owner_id);
          alter table things add constraint things_other foreign key (tenant_id) references singles (owner_id)`,
    rule: 'foreign-key-without-tenant',
    object: 'things.things_other',
  },
  {
    title: 'SET NULL that would take the tenant away',
    sql: `alter table things add constraint things_other foreign key (tenant_id, other_id) references things on delete set null`,
    rule: 'set-null-without-column',
    object: 'things.things_other',
  },
  {
    title: 'an audit log that can be changed',
    sql: 'grant update on audit_logs to efms_app',
    rule: 'audit-not-append-only',
    object: 'audit_logs',
  },
  {
    title: 'one column of the audit log that can be changed',
    sql: 'grant update (changes) on audit_logs to efms_system',
    rule: 'audit-not-append-only',
    object: 'audit_logs',
  },
  {
    title: 'a write of efms_system that is not listed',
    sql: `select efms_system_writes('things', 'update')`,
    rule: 'system-writes',
    object: 'things',
  },
  {
    title: 'a listed write of efms_system that is not granted',
    sql: 'revoke update on tenants from efms_system',
    rule: 'system-writes',
    object: 'tenants',
  },
  {
    title: 'a table that efms_system has no policy for',
    sql: 'drop policy efms_system_select on things',
    rule: 'system-cannot-read',
    object: 'things',
  },
  {
    title: 'a table that efms_system may not read',
    sql: 'revoke select on things from efms_system',
    rule: 'system-cannot-read',
    object: 'things',
  },
  {
    title: 'a table with a revision that nothing raises',
    sql: 'alter table things add column revision bigint not null default 1',
    rule: 'edits-not-tracked',
    object: 'things',
  },
  {
    title: 'an audit trigger that is switched off',
    sql: 'alter table tenants disable trigger efms_audit_change',
    rule: 'edits-not-tracked',
    object: 'tenants',
  },
  {
    title: 'an audit trigger on a table that machines write',
    sql: 'create trigger noisy after insert on things for each row execute function efms_audit()',
    rule: 'edits-not-tracked',
    object: 'things',
  },
];

describe('the catalogue', () => {
  let test: TestDatabase;
  let client: pg.Client;
  const check = (): Promise<Hole[]> =>
    findHoles(async (sql, params) => (await client.query(sql, [...params])).rows as object[]);

  beforeAll(async () => {
    test = await createTestDatabase();
    client = new pg.Client({ connectionString: test.adminUrl });
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await test.drop();
  });

  beforeEach(() => client.query('begin'));
  afterEach(() => client.query('rollback'));

  it('has no hole after all migrations', async () => {
    expect(await check()).toEqual([]);
  });

  it('has none with a table made as migrations make them', async () => {
    await client.query(`set local role efms_owner; ${THINGS}`);
    expect(await check()).toEqual([]);
  });

  it('takes a view with security_invoker and SET NULL on a named column', async () => {
    await client.query(`set local role efms_owner; ${THINGS};
      create view my_things with (security_invoker = true) as select * from things;
      alter table things add foreign key (tenant_id, other_id) references things on delete set null (other_id)`);
    expect(await check()).toEqual([]);
  });

  it.each(OPENINGS)('reports $title', async ({ sql, rule, object, asAdministrator }) => {
    await client.query(`set local role efms_owner; ${THINGS}`);
    if (asAdministrator) await client.query('reset role');
    await client.query(sql);
    expect(await check()).toContainEqual(expect.objectContaining({ rule, object }));
  });

  it('has a test for every rule', async () => {
    const { readFile } = await import('node:fs/promises');
    const source = await readFile(new URL('../../../src/common/database/catalogue.ts', import.meta.url), 'utf8');
    const rules = [...source.matchAll(/rule: '([a-z-]+)'/g)].map(([, rule]) => rule);
    expect(new Set(OPENINGS.map(({ rule }) => rule))).toEqual(new Set(rules));
  });
});
