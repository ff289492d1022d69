import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import { SystemClock } from '../../../src/common/clock/clock.js';
import { newId } from '../../../src/common/context/ids.js';
import { systemContext } from '../../../src/common/context/request-context.js';
import type { Database, Reader } from '../../../src/common/database/database.js';
import { OLDEST, readSettled } from '../../../src/common/events/outbox-tail.js';
import { DeploymentReader } from '../../../src/deployments/services/deployment-reader.js';
import { ProxyCredentials } from '../../../src/infrastructure/services/proxy-credentials.service.js';
import { auditOfTenant } from '../../../src/observability/index.js';
import { AuditLog } from '../../../src/observability/services/audit-log.js';
import { ENTITIES } from '../../../src/start/entities.js';
import { ApiKeys } from '../../../src/tenancy/services/api-keys.service.js';
import { Tenants } from '../../../src/tenancy/services/tenants.service.js';
import { Users } from '../../../src/tenancy/services/users.service.js';
import { ConfigurationsService } from '../../../src/versioning/services/configurations.service.js';
import { VersionsService } from '../../../src/versioning/services/versions.service.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';

const MANY = 100_000;
/** What a list does not use of its service. */
const unused = undefined as never;

interface Sent {
  readonly sql: string;
  readonly params: readonly unknown[];
  readonly role: string | undefined;
}

const spyOnQueries = (): jest.SpiedFunction<typeof pg.Client.prototype.query> =>
  jest.spyOn(pg.Client.prototype, 'query');

/** The most rows that a plan sorts for one page: where no index has the order, all that there are. */
function sortedRows(plan: string): number {
  const sorts = plan.matchAll(/(?<!Incremental )Sort {2}\(cost=\S+ rows=(\d+)/g);
  return Math.max(0, ...Array.from(sorts, ([, rows]) => Number(rows)));
}

/** The inventory's lists have a test of their own. */
describe('lists of accounts, history and events use indexes under row-level security', () => {
  let db: TestDatabase;
  let database: Database;
  const tenantId = newId();
  const ctx = systemContext(tenantId, 'test');
  const [user, proxy, configuration, deployment] = [newId(), newId(), newId(), newId()] as const;
  /** Every statement goes through it, whoever makes it. */
  let query: jest.SpiedFunction<typeof pg.Client.prototype.query>;

  beforeAll(async () => {
    db = await createTestDatabase();
    database = await db.open({ entities: ENTITIES });
    await makeAccounts();
    await makeHistory();
    await makeLogs();
    await db.sql('analyze');
    query = spyOnQueries();
  }, 300_000);
  beforeEach(() => {
    query.mockClear();
  });
  afterAll(async () => {
    jest.restoreAllMocks();
    await db.drop();
  });

  /** Without triggers: what they would write is made here, in one statement for each table. */
  async function fill(table: string, sql: string, ...params: unknown[]): Promise<void> {
    await db.sql(`alter table ${table} disable trigger user`);
    await db.sql(sql, params);
  }

  async function makeAccounts(): Promise<void> {
    await fill('tenants', `insert into tenants (id, name) values ($1, 'large')`, tenantId);
    await db.sql(
      `insert into tenants (id, name, is_active) select gen_random_uuid(), 'tenant-' || n, n % 10 <> 0 from generate_series(1, ${MANY}) as n`,
    );
    await fill(
      'users',
      `insert into users (tenant_id, id, email, username, role)
       select $1, case n when 1 then $2::uuid else gen_random_uuid() end, 'user-' || n || '@example.org', 'user-' || n,
              (array['viewer', 'operator', 'admin'])[1 + n % 3]
         from generate_series(1, ${MANY}) as n`,
      tenantId,
      user,
    );
    await fill(
      'api_keys',
      `insert into api_keys (tenant_id, id, user_id, name, key_prefix, key_hash, is_active)
       select tenant_id, gen_random_uuid(), id, email, '', '', right(username, 1) <> '7' from users`,
    );
    await db.sql(
      'insert into api_key_status (tenant_id, api_key_id, last_used_at) select tenant_id, id, now() from api_keys',
    );
  }

  async function makeHistory(): Promise<void> {
    await fill(
      'envoy_proxies',
      `insert into envoy_proxies (tenant_id, id, name, node_id)
       select $1, case n when 1 then $2::uuid else gen_random_uuid() end, 'proxy-' || n, 'node-' || n from generate_series(1, 1000) as n`,
      tenantId,
      proxy,
    );
    await fill(
      'proxy_credentials',
      `insert into proxy_credentials (tenant_id, id, proxy_id, token_hash)
       select tenant_id, gen_random_uuid(), id, '' from envoy_proxies, generate_series(1, ${MANY / 1000})`,
    );
    await fill(
      'proxy_configurations',
      `insert into proxy_configurations (tenant_id, id, name)
       select $1, case n when 1 then $2::uuid else gen_random_uuid() end, 'configuration-' || n from generate_series(1, ${MANY}) as n`,
      tenantId,
      configuration,
    );
    await db.sql(
      `insert into configuration_branches (tenant_id, id, configuration_id, name)
       select tenant_id, gen_random_uuid(), id, 'main' from proxy_configurations`,
    );
    const hash = '0'.repeat(64);
    await db.sql(
      `insert into snapshots (tenant_id, hash, resources, resource_count, byte_size) values ($1, $2, '[{}]', 1, 1)`,
      [tenantId, hash],
    );
    await fill(
      'configuration_versions',
      `insert into configuration_versions (tenant_id, id, configuration_id, version_number, config_hash, snapshot_hash, branch,
                                           diff_from_previous, created_by_kind, created_by_name)
       select tenant_id, gen_random_uuid(), id, n, $1, $1, 'main', '{}', 'system', 'test'
         from proxy_configurations, generate_series(1, case id when $2 then ${MANY / 10} else 1 end) as n`,
      hash,
      configuration,
    );
    await fill(
      'configuration_deployments',
      `insert into configuration_deployments (tenant_id, id, configuration_id, configuration_name, version_number, snapshot_hash,
         deployment_strategy, timeout_seconds, disconnected, status, created_by_kind, created_by_name)
       select tenant_id, case id when $1 then $2::uuid else gen_random_uuid() end, id, name, 1, $3, 'immediate', 60, 'wait', 'succeeded',
              'system', 'test'
         from proxy_configurations`,
      configuration,
      deployment,
      hash,
    );
    await fill(
      'configuration_deployment_targets',
      `insert into configuration_deployment_targets (tenant_id, id, deployment_id, proxy_name, version_id, snapshot_hash, status, active)
       select tenant_id, gen_random_uuid(), id, 'proxy-' || n, gen_random_uuid(), $1, 'succeeded', false
         from configuration_deployments, generate_series(1, case id when $2 then ${MANY / 10} else 1 end) as n`,
      hash,
      deployment,
    );
    await db.sql(
      `insert into deployment_events (tenant_id, id, deployment_id, kind, reason)
       select tenant_id, gen_random_uuid(), id, 'started', '' from configuration_deployments`,
    );
  }

  async function makeLogs(): Promise<void> {
    await db.sql('truncate audit_logs');
    await db.sql(
      `insert into audit_logs (created_at, id, tenant_id, actor_kind, actor_id, actor_name, action, resource_type, resource_id, outcome)
       select now() - make_interval(secs => n), gen_random_uuid(), $1, 'user', ($2::uuid)::text, 'somebody', 'update', 'envoy_proxies',
              (n % 1000)::text, case when n % 100 = 0 then 'denied' else 'success' end
         from generate_series(1, ${MANY}) as n`,
      [tenantId, user],
    );
    await db.sql(
      `insert into outbox_events (xid, id, tenant_id, type, subject_id)
       select (n / 10)::text::xid8, gen_random_uuid(), $1, 'test', '' from generate_series(1, ${MANY}) as n`,
      [tenantId],
    );
  }

  function sent(): Sent[] {
    const { calls, contexts } = query.mock;
    return (calls as unknown as [string | pg.QueryConfig, unknown[] | undefined][]).map(([config, params], i) => {
      const [sql, values] = typeof config === 'string' ? [config, params] : [config.text, config.values];
      return { sql, params: values ?? [], role: (contexts[i] as pg.Client).user };
    });
  }

  /** The plans of what a list has just asked, as the role that asked it. */
  async function plans(): Promise<string[]> {
    const asked = sent().filter(({ sql }) => /\bfrom\b/i.test(sql));
    const found: string[] = [];
    for (const { sql, params, role } of asked) {
      const explain = (tx: Reader): Promise<object[]> => tx.query(`explain ${sql}`, params);
      const rows = role === 'efms_app' ? await database.tenant(ctx, explain) : await database.system(explain);
      found.push(rows.map((row) => Object.values(row)[0]).join('\n'));
    }
    return found;
  }

  const page = { limit: 50 };
  const sorted = (sort: string) => ({ ...page, sort });
  const apiKeys = () => new ApiKeys(database, unused, unused);
  const tenants = () => new Tenants(database, unused, unused, unused);
  const users = () => new Users(database, unused, unused);
  const configurations = () => new ConfigurationsService(database, unused);
  const versions = () => new VersionsService(database, unused);
  const deployments = () => new DeploymentReader(database);
  const audit = () => new AuditLog();
  const credentials = () => new ProxyCredentials(database, unused, new SystemClock(), unused);
  const window = { from: new Date(Date.now() - 3_600_000), to: new Date() };

  it.each<[string, () => Promise<unknown>]>([
    ['users', () => users().list(ctx, page, {})],
    ['users by username', () => users().list(ctx, sorted('username'), {})],
    ['users by time', () => users().list(ctx, sorted('-createdAt'), {})],
    ['users of a role', () => users().list(ctx, page, { role: 'admin' })],
    ['the user with an e-mail', () => users().list(ctx, page, { email: 'user-77@example.org' })],
    ['tenants', () => tenants().list(ctx, page, {})],
    ['tenants by time', () => tenants().list(ctx, sorted('-createdAt'), {})],
    ['tenants that are closed', () => tenants().list(ctx, page, { state: 'closed' })],
    ['API keys', () => apiKeys().list(ctx, page)],
    ['API keys by time', () => apiKeys().list(ctx, sorted('-createdAt'))],
    ['API keys of a user', () => apiKeys().list(ctx, page, { userId: user })],
    ['configurations', () => configurations().list(ctx, page)],
    ['configurations by time', () => configurations().list(ctx, sorted('-createdAt'))],
    ['configurations by change', () => configurations().list(ctx, sorted('-updatedAt'))],
    ['versions', () => versions().list(ctx, { id: configuration }, page)],
    ['versions from the first', () => versions().list(ctx, { name: 'configuration-1' }, sorted('number'))],
    ['deployments', () => deployments().list(ctx, page)],
    ['deployments from the first', () => deployments().list(ctx, sorted('createdAt'))],
    ['targets of a deployment', () => deployments().get(ctx, deployment, page)],
    ['credentials of a proxy', () => credentials().list(ctx, { id: proxy }, page)],
    ['the audit log', () => audit().search(auditOfTenant(database, ctx), { ...page })],
    ['the audit log of an hour', () => audit().search(auditOfTenant(database, ctx), { ...page, ...window })],
    ['what somebody did', () => audit().search(auditOfTenant(database, ctx), { ...page, ...window, actor: user })],
    [
      'what was done to a thing',
      () =>
        audit().search(auditOfTenant(database, ctx), {
          ...page,
          ...window,
          resourceType: 'envoy_proxies',
          resourceId: '7',
        }),
    ],
    ['what was denied', () => audit().search(auditOfTenant(database, ctx), { ...page, ...window, outcome: 'denied' })],
    ['events', () => database.system((tx) => readSettled(tx, { after: OLDEST, limit: 500 }))],
    [
      'events from the middle',
      () => database.system((tx) => readSettled(tx, { after: { ...OLDEST, xid: '5000' }, tenantId, limit: 500 })),
    ],
  ])('for %s', async (_, list) => {
    await list();
    const found = await plans();
    expect(found.length).toBeGreaterThan(0);
    for (const plan of found) {
      expect(plan).toContain('Index');
      expect(plan).not.toMatch(/Seq Scan/);
      expect(sortedRows(plan)).toBeLessThan(1000);
    }
  });
});
