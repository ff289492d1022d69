import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../../src/common/context/ids.js';
import type { Database } from '../../../src/common/database/database.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';

const ACCOUNTS = `
  create table accounts (
    tenant_id uuid not null references tenants (id), id uuid not null, name text not null,
    password_hash text, settings jsonb not null default '{}', smtp_password text,
    revision bigint not null default 1, updated_at timestamptz not null default now(), primary key (tenant_id, id));
  select efms_protect('accounts'); select efms_track_edits('accounts')`;

describe('audit', () => {
  let test: TestDatabase;
  let database: Database;
  const tenantId = newId();
  const id = newId();
  const scope = {
    tenantId,
    actor: { kind: 'user', id: newId(), name: 'Ada' },
    requestId: 'req-1',
    ip: '2001:db8::1',
    userAgent: 'tests "quoted" \\ agent',
  } as const;

  const run = (sql: string, params: readonly unknown[] = []) => database.tenant(scope, (tx) => tx.query(sql, params));
  const last = async () =>
    (await run(`select * from audit_logs where resource_type = 'accounts' order by created_at desc, id limit 1`))[0];

  beforeAll(async () => {
    test = await createTestDatabase();
    await test.sql(ACCOUNTS, undefined, 'efms_owner');
    database = await test.open();
    await database.system((tx) => tx.query(`insert into tenants (id, name) values ($1, 'audited')`, [tenantId]), {
      actor: { kind: 'system', id: null, name: 'first start' },
    });
    await run(`insert into accounts (tenant_id, id, name, password_hash) values ($1, $2, 'old', 'canary-1')`, [
      tenantId,
      id,
    ]);
  });
  afterAll(() => test.drop());

  it('records who made a row, from where and with what, and no secret', async () => {
    expect(await last()).toMatchObject({
      tenant_id: tenantId,
      actor_kind: 'user',
      actor_id: scope.actor.id,
      actor_name: 'Ada',
      action: 'create',
      resource_id: id,
      resource_name: 'old',
      request_id: 'req-1',
      ip_address: '2001:db8::1',
      user_agent: 'tests "quoted" \\ agent',
      outcome: 'success',
      changes: { name: { new: 'old' }, password_hash: '[redacted]' },
    });
  });

  it('records what an edit changed, old and new, nulls kept', async () => {
    await run(
      `update accounts set name = 'new', settings = '{"limit": null}', password_hash = 'canary-2', smtp_password = 'canary-3'`,
    );
    expect(await last()).toMatchObject({
      action: 'update',
      changes: {
        name: { old: 'old', new: 'new' },
        settings: { old: {}, new: { limit: null } },
        password_hash: '[redacted]',
        smtp_password: '[redacted]',
      },
    });
  });

  it('raises revision and updated_at with an edit, and neither when nothing changes', async () => {
    const [before] = await run('select revision, updated_at from accounts');
    await run('update accounts set name = name');
    expect(await run('select revision, updated_at from accounts')).toEqual([before]);
    await run(`update accounts set name = 'newer', revision = 900`);
    const [after] = await run('select revision from accounts');
    expect(after).toEqual({ revision: String(Number((before as { revision: string }).revision) + 1) });
  });

  it('records a deletion', async () => {
    const extra = newId();
    await run(`insert into accounts (tenant_id, id, name) values ($1, $2, 'short-lived')`, [tenantId, extra]);
    await run('delete from accounts where id = $1', [extra]);
    expect(await last()).toMatchObject({
      action: 'delete',
      resource_id: extra,
      changes: { name: { old: 'short-lived' } },
    });
  });

  it('names the role where nobody is named, and the tenant for the tenant itself', async () => {
    const rows = await run(`select tenant_id, actor_kind, actor_name from audit_logs where resource_type = 'tenants'`);
    expect(rows).toEqual([{ tenant_id: tenantId, actor_kind: 'system', actor_name: 'first start' }]);
    await database.tenant({ tenantId }, (tx) => tx.query(`update accounts set name = 'anonymous'`));
    expect(await last()).toMatchObject({ actor_kind: 'system', actor_id: null, actor_name: 'efms_app' });
  });

  it('keeps no secret anywhere', async () => {
    const [row] = await test.sql(`select string_agg(a::text, '') as everything from audit_logs a`);
    expect(row).not.toEqual({ everything: expect.stringContaining('canary') });
  });

  it.each(['update audit_logs set actor_name = null', 'delete from audit_logs', 'truncate audit_logs'])(
    'refuses: %s',
    async (statement) => {
      await expect(run(statement)).rejects.toMatchObject({ code: '42501' });
      await expect(database.system((tx) => tx.query(statement))).rejects.toMatchObject({ code: '42501' });
    },
  );

  it('refuses an audit row in the name of another tenant', async () => {
    const forged = run(
      `insert into audit_logs (id, tenant_id, actor_kind, actor_name, action, resource_type) values ($1, $2, 'user', 'x', 'x', 'x')`,
      [newId(), newId()],
    );
    await expect(forged).rejects.toMatchObject({ code: '42501' });
  });

  it('has partitions ahead in UTC whose bounds touch', async () => {
    const rows = await test.sql<{ bounds: string }>(
      `select pg_get_expr(c.relpartbound, c.oid) as bounds from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'audit_logs'::regclass order by c.relname`,
    );
    const bounds = rows.map((row) => [...row.bounds.matchAll(/'([^']+)'/g)].map(([, bound]) => bound));
    expect(bounds.length).toBeGreaterThanOrEqual(4);
    for (const [i, [from]] of bounds.entries()) {
      expect(from).toMatch(/-01 00:00:00\+00$/);
      if (i > 0) expect(from).toBe(bounds[i - 1]![1]);
    }
  });

  it('makes no partition twice', async () => {
    await expect(test.sql('select efms_make_audit_partitions(5)', [], 'efms_owner')).resolves.toHaveLength(1);
    await expect(test.sql('select efms_make_audit_partitions(5)', [], 'efms_owner')).resolves.toHaveLength(1);
  });
});
