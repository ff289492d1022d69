import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId } from '../../../src/common/context/ids.js';
import { systemContext } from '../../../src/common/context/request-context.js';
import type { Database } from '../../../src/common/database/database.js';
import {
  EnvoyProxy,
  infrastructureEntities,
  ProxyDirectory,
  ProxyHeads,
  type ProxyStatusReport,
  ProxyStatusStore,
} from '../../../src/infrastructure/index.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';

interface Fleet {
  readonly tenantId: string;
  readonly proxyIds: readonly string[];
}

describe('proxies as machines see them', () => {
  let db: TestDatabase;
  let database: Database;
  let heads: ProxyHeads;
  let status: ProxyStatusStore;
  let ours: Fleet;
  let theirs: Fleet;

  beforeAll(async () => {
    db = await createTestDatabase();
    database = await db.open({ entities: infrastructureEntities });
    heads = new ProxyHeads();
    status = new ProxyStatusStore(database);
  });
  afterAll(() => db.drop());
  beforeEach(async () => {
    ours = await makeFleet(3);
    theirs = await makeFleet(1);
  });

  async function makeFleet(size: number): Promise<Fleet> {
    const tenantId = newId();
    await database.system((tx) => tx.query('insert into tenants (id, name) values ($1, $2)', [tenantId, tenantId]));
    const proxyIds = Array.from({ length: size }, newId);
    await database.tenant({ tenantId }, async (tx) => {
      for (const [i, id] of proxyIds.entries()) {
        const document = {
          labels: {},
          cluster: null,
          locality: null,
          metadata: {},
          adminAddress: '127.0.0.1',
          adminPort: 9901,
          drainStrategy: 'gradual',
          vmId: null,
          containerId: null,
        } as const;
        tx.em.persist(new EnvoyProxy({ id, tenantId }, { ...document, name: `proxy-${i}`, nodeId: `node-${i}` }));
      }
      await tx.em.flush();
    });
    return { tenantId, proxyIds };
  }

  describe('heads', () => {
    const counters = (fleet: Fleet) =>
      db.sql<{ proxy_id: string; secrets_rev: string; overrides_rev: string; credential_epoch: string }>(
        'select * from proxy_heads where tenant_id = $1 order by proxy_id',
        [fleet.tenantId],
      );

    it('count only what was bumped, for who was named', async () => {
      await database.tenant({ tenantId: ours.tenantId }, async (tx) => {
        await heads.bump(tx, ours.tenantId, ours.proxyIds.slice(0, 2), 'secretsRev');
        await heads.bump(tx, ours.tenantId, ours.proxyIds.slice(1), 'credentialEpoch');
      });
      const rows = await counters(ours);
      const byId = new Map(rows.map((row) => [row.proxy_id, row]));
      expect(ours.proxyIds.map((id) => byId.get(id))).toMatchObject([
        { secrets_rev: '1', credential_epoch: '0', overrides_rev: '0' },
        { secrets_rev: '1', credential_epoch: '1', overrides_rev: '0' },
        { secrets_rev: '0', credential_epoch: '1', overrides_rev: '0' },
      ]);
    });

    it('of another tenant are out of reach', async () => {
      await database.tenant({ tenantId: ours.tenantId }, (tx) =>
        heads.bump(tx, theirs.tenantId, theirs.proxyIds, 'credentialEpoch'),
      );
      expect(await counters(theirs)).toMatchObject([{ credential_epoch: '0' }]);
    });

    it('are bumped by overlapping callers without a deadlock', async () => {
      const bump = (proxyIds: readonly string[]) =>
        database.tenant({ tenantId: ours.tenantId }, (tx) => heads.bump(tx, ours.tenantId, proxyIds, 'overridesRev'));
      const reversed = [...ours.proxyIds].reverse();
      await Promise.all(Array.from({ length: 20 }, (_, i) => bump(i % 2 === 0 ? ours.proxyIds : reversed)));
      expect((await counters(ours)).map((row) => row.overrides_rev)).toEqual(['20', '20', '20']);
    });
  });

  describe('status', () => {
    const report = (change: Partial<ProxyStatusReport>): ProxyStatusReport => ({
      tenantId: ours.tenantId,
      proxyId: ours.proxyIds[0]!,
      connection: 'connected',
      management: 'managed',
      envoyVersion: '1.40.0',
      bootId: 'boot-1',
      at: new Date('2026-11-21T10:00:00Z'),
      replica: 'one',
      ...change,
    });
    const read = async () =>
      (await db.sql('select * from proxy_status where proxy_id = $1', [ours.proxyIds[0]])).map(
        ({ tenant_id: _, proxy_id: __, ...rest }) => rest,
      );

    it('is written for many proxies at once, of which the last report counts', async () => {
      await status.record([
        report({ connection: 'disconnected' }),
        report({ proxyId: ours.proxyIds[1]!, management: 'unmanaged' }),
        report({ tenantId: theirs.tenantId, proxyId: theirs.proxyIds[0]! }),
        report({}),
        report({ proxyId: newId() }),
      ]);
      expect(await read()).toEqual([
        {
          connection: 'connected',
          management: 'managed',
          envoy_version: '1.40.0',
          boot_id: 'boot-1',
          connected_at: new Date('2026-11-21T10:00:00Z'),
          disconnected_at: null,
          replica: 'one',
          two_processes_since: null,
        },
      ]);
      const connected = await db.sql(
        `select 1 from proxy_status where connection = 'connected' and tenant_id in ($1, $2)`,
        [ours.tenantId, theirs.tenantId],
      );
      expect(connected).toHaveLength(3);
    });

    it('does not believe a farewell of a replica that the proxy has left', async () => {
      await status.record([report({})]);
      await status.record([report({ replica: 'two', at: new Date('2026-11-21T10:00:05Z') })]);
      await status.record([report({ connection: 'disconnected', at: new Date('2026-11-21T10:00:06Z') })]);
      expect(await read()).toMatchObject([{ connection: 'connected', replica: 'two', disconnected_at: null }]);
      const at = new Date('2026-11-21T10:00:07Z');
      await status.record([
        report({ connection: 'disconnected', replica: 'two', envoyVersion: null, bootId: null, at }),
      ]);
      expect(await read()).toMatchObject([
        { connection: 'disconnected', disconnected_at: at, envoy_version: '1.40.0' },
      ]);
    });

    it('leaves the revision and the audit of the proxy alone', async () => {
      const audited = async () =>
        (await db.sql('select 1 from audit_logs where tenant_id = $1', [ours.tenantId])).length;
      const before = await audited();
      await status.record([report({})]);
      expect(await audited()).toBe(before);
      expect(await db.sql('select revision from envoy_proxies where id = $1', [ours.proxyIds[0]])).toEqual([
        { revision: '1' },
      ]);
    });

    it('takes no report at all', async () => {
      await expect(status.record([])).resolves.toBeUndefined();
    });
  });

  describe('the directory', () => {
    it('finds proxies of the tenant by id and name, each once, and says which it does not know', async () => {
      const [first, second] = ours.proxyIds as [string, string];
      const result = await database.tenant({ tenantId: ours.tenantId }, (tx) =>
        new ProxyDirectory().resolve(tx, systemContext(ours.tenantId, 'test'), [
          { name: 'proxy-1' },
          { id: first },
          { name: 'nobody' },
          { id: second },
          { id: theirs.proxyIds[0]! },
        ]),
      );
      expect(result.proxies).toEqual([
        { id: second, name: 'proxy-1' },
        { id: first, name: 'proxy-0' },
      ]);
      expect(result.findings.map(({ pointer, rule }) => [pointer, rule])).toEqual([
        ['/2', 'reference.proxy'],
        ['/4', 'reference.proxy'],
      ]);
    });
  });
});
