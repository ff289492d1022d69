import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { type DeniedAccess, DeniedAccessLog } from '../../../src/common/audit/denied-access.js';
import type { Database } from '../../../src/common/database/database.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';

const DENIED: DeniedAccess = {
  tenantId: null,
  actor: { kind: 'proxy', id: null, name: 'unknown' },
  action: 'connect',
  resourceType: 'proxies',
  reason: 'the token is unknown',
  ip: '192.0.2.1',
};

describe('DeniedAccessLog', () => {
  let db: TestDatabase;
  let database: Database;
  let log: DeniedAccessLog;

  beforeAll(async () => {
    Logger.overrideLogger(false);
    db = await createTestDatabase();
    database = await db.open();
  });
  afterAll(() => db.drop());
  beforeEach(async () => {
    await db.sql('truncate audit_logs');
    log = new DeniedAccessLog(database);
    log.onModuleInit();
  });
  afterEach(() => log.beforeApplicationShutdown());

  const counts = async (): Promise<number[]> => {
    const rows = await db.sql<{ n: number }>(
      `select (changes ->> 'count')::int as n from audit_logs order by created_at`,
    );
    return rows.map(({ n }) => n);
  };

  it('writes the first refusal at once and repeats as one row with their count', async () => {
    log.record(DENIED);
    await log.flush();
    expect(await counts()).toEqual([1]);
    for (let i = 0; i < 250; i += 1) log.record(DENIED);
    await log.flush();
    expect(await counts()).toEqual([1, 250]);
    await log.flush();
    expect(await counts()).toEqual([1, 250]);
  });

  it('tells tenants, sources, actions and reasons apart', async () => {
    for (const other of [{}, { ip: '192.0.2.2' }, { action: 'stream' }, { reason: 'the token is revoked' }]) {
      log.record({ ...DENIED, ...other });
      log.record({ ...DENIED, ...other, requestId: 'another' });
    }
    await log.flush();
    await log.flush();
    expect(await counts()).toEqual([2, 2, 2, 2]);
  });

  it('puts a row into its tenant, where the tenant can read it', async () => {
    const [{ id }] = (await db.sql<{ id: string }>(
      `insert into tenants (id, name) values (gen_random_uuid(), 'seen') returning id`,
    )) as [{ id: string }];
    log.record({
      ...DENIED,
      tenantId: id,
      actor: { kind: 'user', id: 'u', name: 'somebody' },
      requestId: 'r1',
      userAgent: 'curl',
    });
    await log.flush();
    const rows = await database.tenant({ tenantId: id }, (tx) =>
      tx.query(`select actor_name, outcome, changes, request_id, user_agent from audit_logs where action = 'connect'`),
    );
    expect(rows).toEqual([
      {
        actor_name: 'somebody',
        outcome: 'denied',
        changes: { reason: DENIED.reason, count: 1 },
        request_id: 'r1',
        user_agent: 'curl',
      },
    ]);
  });

  it('counts sources beyond a thousand together', async () => {
    for (let i = 0; i < 1500; i += 1) log.record({ ...DENIED, ip: `10.0.${Math.floor(i / 256)}.${i % 256}` });
    await log.flush();
    const [row] = await db.sql<{ rows: number; overflow: number }>(
      `select count(*)::int as rows, sum((changes ->> 'count')::int) filter (where action = 'access')::int as overflow from audit_logs`,
    );
    expect(row).toEqual({ rows: 1001, overflow: 500 });
  });

  it('keeps counting while the database is away, and writes what is left at shutdown', async () => {
    await db.sql('alter table audit_logs rename to audit_logs_away');
    log.record(DENIED);
    await log.flush();
    log.record(DENIED);
    await db.sql('alter table audit_logs_away rename to audit_logs');
    await log.beforeApplicationShutdown();
    expect(await counts()).toEqual([2]);
  });
});
