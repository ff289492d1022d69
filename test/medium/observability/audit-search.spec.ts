import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../../src/common/context/ids.js';
import { systemContext } from '../../../src/common/context/request-context.js';
import type { Database, Transaction } from '../../../src/common/database/database.js';
import { AUDIT_CHAIN_LEASE, AuditChain } from '../../../src/observability/services/audit-chain.js';
import { AuditLog } from '../../../src/observability/services/audit-log.js';
import { auditOfTenant } from '../../../src/observability/services/audit-scope.js';
import { type AuditCriteria, type AuditSlice, readAudit } from '../../../src/observability/services/audit-query.js';
import { Leases } from '../../../src/common/database/leases.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';

const ROWS = 100_000;

describe('the audit log', () => {
  let db: TestDatabase;
  let database: Database;
  let log: AuditLog;
  const tenantId = newId();
  const other = newId();
  const ctx = systemContext(tenantId, 'test');
  const actorId = newId();

  const find = async (filters: AuditCriteria, limit = 50) =>
    (await log.search(auditOfTenant(database, ctx), { ...filters, limit })).items;

  beforeAll(async () => {
    db = await createTestDatabase();
    database = await db.open();
    log = new AuditLog();
    // Two rows each share a microsecond, so that pages must tell them apart by id; every tenth row is another tenant's.
    await db.sql(
      `insert into audit_logs (created_at, id, tenant_id, actor_kind, actor_id, actor_name, action, resource_type, resource_id, resource_name, outcome)
       select greatest(now() - interval '20 hours', date_trunc('month', now() at time zone 'UTC') at time zone 'UTC') + (n / 2) * interval '7 microseconds',
              gen_random_uuid(), case when n % 10 = 0 then $2::uuid else $1::uuid end, 'user',
              case when n % 1000 = 1 then $3::text else (n % 50)::text end, 'user-' || n % 50, 'update', 'things', (n % 5000)::text, 'thing-' || n % 5000,
              case when n % 2000 = 3 then 'denied' else 'success' end
         from generate_series(1, $4::int) n`,
      [tenantId, other, actorId, ROWS],
    );
    await db.sql('analyze audit_logs');
  }, 120_000);
  afterAll(() => db.drop());

  it('finds by actor, action, resource and outcome, and everything given must match', async () => {
    expect(await find({ actor: actorId }, 500)).toHaveLength(ROWS / 1000);
    expect(await find({ actor: actorId.toUpperCase() }, 500)).toHaveLength(ROWS / 1000);
    expect((await find({ actor: 'user-7' })).every((entry) => entry.actor.name === 'user-7')).toBe(true);
    expect(await find({ outcome: 'denied' }, 500)).toHaveLength(ROWS / 2000);
    expect(await find({ resourceType: 'things', resourceId: '17' }, 500)).toHaveLength(ROWS / 5000);
    expect(await find({ resourceName: 'thing-17' }, 500)).toHaveLength(ROWS / 5000);
    expect(await find({ resourceId: '17', outcome: 'denied' })).toHaveLength(0);
    expect(await find({ action: 'delete' })).toHaveLength(0);
  });

  it('pages newest first without losing or repeating an entry, whatever shares a microsecond', async () => {
    const filters = { actor: 'user-3' };
    const seen: string[] = [];
    let cursor: string | null | undefined;
    do {
      const page = await log.search(auditOfTenant(database, ctx), {
        ...filters,
        limit: 499,
        ...(cursor ? { cursor } : {}),
      });
      seen.push(...page.items.map(({ at, id }) => `${at} ${id}`));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toHaveLength(ROWS / 50);
    expect(seen).toEqual([...new Set(seen)].toSorted().toReversed());
  });

  it('shows nothing of another tenant', async () => {
    const items = (await log.search(auditOfTenant(database, systemContext(newId(), 'x')), { limit: 50 })).items;
    expect(items).toEqual([]);
    expect(await find({ actor: 'user-10' })).toEqual([]);
  });

  it('looks at the window alone', async () => {
    const [oldest] = (await text(await log.export(auditOfTenant(database, ctx), { actor: 'user-7' }))).split('\n');
    const { at } = JSON.parse(oldest!) as { at: string };
    const from = new Date(at);
    expect(await find({ actor: 'user-7', to: from })).toEqual([]);
    expect(await find({ actor: 'user-7', from, to: new Date(from.getTime() + 1) }, 500)).not.toEqual([]);
    await expect(log.search(auditOfTenant(database, ctx), { limit: 1, from, to: from })).rejects.toMatchObject({
      definition: { status: 422 },
    });
  });

  it.each(['x', 'W10', Buffer.from('["2026-02-30T00:00:00.000000Z","' + newId() + '"]').toString('base64url')])(
    'refuses the cursor %s',
    async (cursor) => {
      await expect(log.search(auditOfTenant(database, ctx), { limit: 1, cursor })).rejects.toMatchObject({
        definition: { status: 400 },
      });
    },
  );

  it('exports every entry once, oldest first', async () => {
    const lines = (
      await text(
        await log.export(auditOfTenant(database, ctx), { resourceType: 'things', outcome: 'success', actor: 'user-7' }),
      )
    )
      .trimEnd()
      .split('\n');
    const entries = lines.map((line) => JSON.parse(line) as { id: string; at: string });
    expect(new Set(entries.map(({ id }) => id)).size).toBe(ROWS / 50);
    expect(entries.map(({ at }) => at)).toEqual(entries.map(({ at }) => at).toSorted());
  });

  it('reads for an export only what the client takes', async () => {
    let reads = 0;
    const counted: Pick<Database, 'tenant'> = {
      tenant: (scope, work) => {
        reads += 1;
        return database.tenant(scope, work);
      },
    };
    const stream = await new AuditLog().export(auditOfTenant(counted as Database, ctx), {});
    const chunks = stream.iterator();
    await chunks.next();
    await new Promise((resolve) => setImmediate(resolve));
    expect(reads).toBeLessThan(8);
    await chunks.return?.();
    expect(stream.destroyed).toBe(true);
  });

  const NEWEST: Omit<AuditSlice, 'scope'> = { order: 'newest first', limit: 51 };
  const MIDDLE = { at: new Date(Date.now() - 3_600_000).toISOString().replace('Z', '000Z'), id: newId() };
  it.each<[string, AuditCriteria, Omit<AuditSlice, 'scope'>]>([
    ['the first page', {}, NEWEST],
    ['a page in the middle', {}, { ...NEWEST, after: MIDDLE }],
    ['an actor', { actor: actorId }, NEWEST],
    ['a resource', { resourceType: 'things', resourceId: '17' }, NEWEST],
    ['refusals of a day', { outcome: 'denied', from: new Date(Date.now() - 86_400_000), to: new Date() }, NEWEST],
    ['an export', {}, { order: 'oldest first', limit: 200, after: MIDDLE }],
  ])('is read by index and within its partitions under row-level security for %s', async (_, filters, slice) => {
    let plan = '';
    await database.tenant(ctx, async (tx) => {
      const explaining: Transaction = {
        ...tx,
        query: async (sql, params) => {
          const rows = await tx.query<{ 'QUERY PLAN': string }>(`explain (analyze, timing off) ${sql}`, params);
          plan = rows.map((row) => row['QUERY PLAN']).join('\n');
          return [];
        },
      };
      await readAudit(explaining, filters, { ...slice, scope: auditOfTenant(database, ctx) });
    });
    expect(plan).toContain('Index');
    expect(plan).not.toContain('Seq Scan');
    // The months ahead are beyond every window that ends now.
    const [partitions] = await db.sql<{ count: string }>(
      `select count(*) from pg_inherits where inhparent = 'audit_logs'::regclass`,
    );
    const opened = new Set([...plan.matchAll(/on (audit_logs_\d+_\d+)/g)].map(([, name]) => name));
    expect(opened.size).toBeLessThan(Number(partitions!.count));
  });

  it('is chained on without being read from its beginning', async () => {
    await db.sql(
      `update audit_chain_position set xid = (select max(xid) from audit_logs), audit_created_at = now(), audit_id = $1`,
      [newId()],
    );
    const lease = await new Leases(database).acquire(AUDIT_CHAIN_LEASE, 'this test', 60_000);
    const plans: string[] = [];
    const explained: Pick<Database, 'system'> = {
      system: (work) =>
        database.system((tx) =>
          work({
            ...tx,
            query: async (sql, params) => {
              if (sql.includes('from audit_logs')) {
                const rows = await tx.query<{ 'QUERY PLAN': string }>(`explain ${sql}`, params);
                plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'));
              }
              return tx.query(sql, params);
            },
          }),
        ),
    };
    await new AuditChain(explained as Database).extend(lease!, 1000);
    expect(plans).toHaveLength(1);
    // The months ahead are empty, and cost nothing to look at.
    const [, month] = /Index Scan using (audit_logs_\d+_\d+)_xid/.exec(plans[0]!) ?? [];
    expect(month).toBeDefined();
    expect(plans[0]).not.toContain(`Seq Scan on ${month}`);
  });
});
