import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId } from '../../../src/common/context/ids.js';
import { type RequestContext, systemContext } from '../../../src/common/context/request-context.js';
import type { Database, Transaction } from '../../../src/common/database/database.js';
import { type Lease, LeaseLost, Leases } from '../../../src/common/database/leases.js';
import { AUDIT_CHAIN_LEASE, AuditChain } from '../../../src/observability/services/audit-chain.js';
import { auditOfTenant } from '../../../src/observability/services/audit-scope.js';
import { AuditVerification } from '../../../src/observability/services/audit-verification.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';
import { eventually } from '../../kit/eventually.js';

const INSERT = `insert into audit_logs (id, tenant_id, actor_kind, actor_name, action, resource_type, changes)
  values ($1, $2, 'user', 'Ada', $3, 'things', '{"b": 1.50, "a": "ünï"}')`;

describe('the chain of the audit log', () => {
  let db: TestDatabase;
  let database: Database;
  let chain: AuditChain;
  let verification: AuditVerification;
  let lease: Lease;
  let ctx: RequestContext;

  const write = (tx: Transaction, action: string) => tx.query(INSERT, [newId(), ctx.tenantId, action]);
  const log = async (...actions: string[]) => {
    for (const action of actions) await database.tenant(ctx, (tx) => write(tx, action));
  };
  /** Transactions of other databases of the cluster may hold rows back for a moment. */
  const chainAll = (rows: number) =>
    eventually(`${rows} links`, async () => {
      await chain.extend(lease, 1000);
      const { head } = await verification.verify(auditOfTenant(database, ctx), {});
      return (head?.number ?? 0) >= rows ? head! : undefined;
    });
  const links = () =>
    db.sql<{ number: string; action: string; audit_id: string }>(
      `select c.number, c.audit_id, a.action from audit_chain c left join audit_logs a on (a.created_at, a.id) = (c.audit_created_at, c.audit_id)
        where c.tenant_id = $1 order by c.number`,
      [ctx.tenantId],
    );
  const verify = () => verification.verify(auditOfTenant(database, ctx), {});

  beforeAll(async () => {
    db = await createTestDatabase();
    database = await db.open({ poolSize: 8 });
    chain = new AuditChain(database);
    verification = new AuditVerification();
    lease = (await new Leases(database).acquire(AUDIT_CHAIN_LEASE, 'this test', 3_600_000))!;
  });
  afterAll(() => db.drop());
  beforeEach(() => {
    ctx = systemContext(newId(), 'test');
  });

  it('links every row once, numbered without gaps, each tenant for itself', async () => {
    const first = ctx;
    await log('1', '2');
    ctx = systemContext(newId(), 'other');
    await log('other');
    await chainAll(1);
    ctx = first;
    await log('3');
    await chainAll(3);
    expect((await links()).map(({ number, action }) => [number, action])).toEqual([
      ['1', '1'],
      ['2', '2'],
      ['3', '3'],
    ]);
    expect(await verify()).toMatchObject({ state: 'intact', verified: 3, archived: 0, firstBreak: null });
  });

  it('waits for a transaction that began before and commits later', async () => {
    const held = Promise.withResolvers<undefined>();
    const begun = Promise.withResolvers<undefined>();
    const slow = database.tenant(ctx, async (tx) => {
      await write(tx, 'began first');
      begun.resolve(undefined);
      await held.promise;
    });
    await begun.promise;
    await log('committed first');
    await chain.extend(lease, 1000);
    expect(await links()).toEqual([]);
    held.resolve(undefined);
    await slow;
    await chainAll(2);
    expect((await links()).map(({ action }) => action)).toEqual(['began first', 'committed first']);
    expect((await verify()).state).toBe('intact');
  });

  it('finds a row that the superuser changed', async () => {
    await log('1', '2', '3');
    await chainAll(3);
    const [, second] = await links();
    await db.sql(`update audit_logs set actor_name = 'Eve' where id = $1`, [second!.audit_id]);
    const found = await verify();
    expect(found).toMatchObject({ state: 'broken', verified: 1 });
    expect(found.firstBreak).toMatchObject({ kind: 'row-changed', number: 2, entryId: second!.audit_id });
  });

  it('finds a row that the superuser removed', async () => {
    await log('1', '2', '3');
    await chainAll(3);
    const [, second] = await links();
    await db.sql('delete from audit_logs where id = $1', [second!.audit_id]);
    expect((await verify()).firstBreak).toMatchObject({ kind: 'row-missing', number: 2, entryId: second!.audit_id });
  });

  it('finds a row that was removed with its link', async () => {
    await log('1', '2', '3');
    await chainAll(3);
    const [, second] = await links();
    await db.sql('delete from audit_logs where id = $1', [second!.audit_id]);
    await db.sql('delete from audit_chain where audit_id = $1', [second!.audit_id]);
    expect((await verify()).firstBreak).toMatchObject({ kind: 'link-missing', number: 2 });
  });

  it('finds links that were taken away at the end, and keeps finding them', async () => {
    await log('1', '2');
    await chainAll(2);
    const [, second] = await links();
    await db.sql('delete from audit_chain where audit_id = $1', [second!.audit_id]);
    expect((await verify()).firstBreak).toMatchObject({ kind: 'row-not-linked', entryId: second!.audit_id });
    await log('3');
    await chainAll(2);
    expect((await verify()).firstBreak).toMatchObject({ kind: 'row-not-linked', entryId: second!.audit_id });
  });

  it('finds a row that was slipped in behind the chain', async () => {
    await log('1', '2');
    await chainAll(2);
    const slipped = newId();
    await db.sql(
      `insert into audit_logs (id, tenant_id, actor_kind, actor_name, action, resource_type, xid) values ($1, $2, 'user', 'Bob', 'x', 'x', '3')`,
      [slipped, ctx.tenantId],
    );
    expect((await verify()).firstBreak).toMatchObject({ kind: 'row-not-linked', entryId: slipped });
  });

  it('finds a chain computed anew by an anchor that was written down before', async () => {
    await log('1', '2');
    const head = await chainAll(2);
    const anchor = `${head.number}:${head.hash}`;
    await log('3');
    await chainAll(3);
    expect(await verification.verify(auditOfTenant(database, ctx), { anchor })).toMatchObject({
      state: 'intact',
      verified: 3,
    });
    await db.sql('delete from audit_logs where tenant_id = $1', [ctx.tenantId]);
    await db.sql('delete from audit_chain where tenant_id = $1', [ctx.tenantId]);
    await log('1', '3');
    await chainAll(2);
    expect((await verify()).state).toBe('intact');
    expect((await verification.verify(auditOfTenant(database, ctx), { anchor })).firstBreak).toMatchObject({
      kind: 'anchor',
      number: 2,
    });
  });

  it('goes on across partitions, and past those that were detached to an archive', async () => {
    await db.sql(
      `create table audit_logs_2001_01 partition of audit_logs for values from ('2001-01-01 00:00+00') to ('2001-02-01 00:00+00');
       select efms_protect_append_only('audit_logs_2001_01')`,
      undefined,
      'efms_owner',
    );
    await database.tenant(ctx, (tx) =>
      tx.query(
        `insert into audit_logs (created_at, id, tenant_id, actor_kind, actor_name, action, resource_type)
         select at, gen_random_uuid(), $1, 'user', 'Ada', 'x', 'x'
           from unnest(array['2001-01-31 23:59:59.999999+00', now()::text, (date_trunc('month', now()) + interval '1 month')::text]::timestamptz[]) at`,
        [ctx.tenantId],
      ),
    );
    await chainAll(3);
    const window = { from: new Date('2001-01-01T00:00:00Z'), to: new Date(Date.now() + 40 * 86_400_000) };
    expect(await verification.verify(auditOfTenant(database, ctx), window)).toMatchObject({
      state: 'intact',
      verified: 3,
    });
    expect(await verify()).toMatchObject({ state: 'intact', verified: 1 });
    await db.sql('alter table audit_logs detach partition audit_logs_2001_01', undefined, 'efms_owner');
    expect(await verification.verify(auditOfTenant(database, ctx), window)).toMatchObject({
      state: 'intact',
      verified: 2,
      archived: 1,
    });
  });

  it('chains refusals of the platform too', async () => {
    await database.system((tx) => tx.query(INSERT, [newId(), null, 'platform']));
    await eventually('the link of the platform', async () => {
      await chain.extend(lease, 1000);
      const rows = await db.sql('select from audit_chain where tenant_id = $1', [
        '00000000-0000-0000-0000-000000000000',
      ]);
      return rows.length > 0 ? rows : undefined;
    });
  });

  it('is never forked by replicas that chain at once, nor by one that lost its lease', async () => {
    const replicas = [chain, new AuditChain(await db.open()), new AuditChain(await db.open())];
    await log(...Array.from({ length: 60 }, (_, i) => String(i)));
    await eventually('60 links', async () => {
      await Promise.all(replicas.map((replica) => replica.extend(lease, 7)));
      return (await links()).length === 60 ? true : undefined;
    });
    expect(await verify()).toMatchObject({ state: 'intact', verified: 60 });
    await log('more');
    const lost = { ...lease, epoch: lease.epoch - 1n };
    await expect(chain.extend(lost, 10)).rejects.toBeInstanceOf(LeaseLost);
  });

  it('is carried on by the job of any replica', async () => {
    await new Leases(database).release(lease);
    const replicas = [new AuditChain(database, 20), new AuditChain(database, 20)];
    for (const replica of replicas) replica.onApplicationBootstrap();
    await log('1', '2');
    await eventually('the links', async () => ((await links()).length === 2 ? true : undefined));
    await replicas[0]!.beforeApplicationShutdown();
    await log('3');
    await eventually('the next link', async () => ((await links()).length === 3 ? true : undefined));
    await replicas[1]!.beforeApplicationShutdown();
    expect(await verify()).toMatchObject({ state: 'intact', verified: 3 });
    lease = (await new Leases(database).acquire(AUDIT_CHAIN_LEASE, 'this test', 3_600_000))!;
  });

  it.each([
    'insert into audit_chain select * from audit_chain',
    'delete from audit_chain',
    'update audit_chain set number = 1',
  ])('refuses the application: %s', async (statement) => {
    await expect(database.tenant(ctx, (tx) => tx.query(statement))).rejects.toMatchObject({ code: '42501' });
  });
});
