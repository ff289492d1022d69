import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../../src/common/context/ids.js';
import type { Database, Transaction } from '../../../src/common/database/database.js';
import { type LabelTerm, parseLabelSelector } from '../../../src/infrastructure/labels.js';
import {
  ENROLMENT_TOKEN_LIST,
  listEnrolmentTokens,
} from '../../../src/infrastructure/services/enrolment-tokens.service.js';
import {
  listMembers,
  MEMBER_LIST,
  MEMBERSHIP_EVENT_LIST,
  listMembershipEvents,
  withDescendants,
} from '../../../src/infrastructure/services/group-members.service.js';
import { ListPage, type ListDefinition, type ListQuery } from '../../../src/common/http/list.js';
import {
  CONTAINER_LIST,
  type ContainerFilter,
  listContainerViews,
} from '../../../src/infrastructure/services/container-views.js';
import { listContainerEvents } from '../../../src/infrastructure/services/container-events.js';
import { listLifecycleEvents } from '../../../src/infrastructure/services/proxy-lifecycle.js';
import { listVmViews, VM_LIST, type VmFilter } from '../../../src/infrastructure/services/vm-views.js';
import {
  listProxyGroupViews,
  PROXY_GROUP_LIST,
  type ProxyGroupFilter,
} from '../../../src/infrastructure/services/proxy-group-views.js';
import { listProxyViews, PROXY_LIST, type ProxyFilter } from '../../../src/infrastructure/services/proxy-views.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';

const FLEET = 100_000;

const parsed = (selector: string) => parseLabelSelector(selector) as readonly LabelTerm[];

describe('lists of the inventory use indexes under row-level security', () => {
  let db: TestDatabase;
  let database: Database;
  const tenantId = newId();
  /** Every proxy belongs to the first; the others have ten each. */
  const groups = Array.from({ length: FLEET / 10 }, newId);

  beforeAll(async () => {
    db = await createTestDatabase();
    database = await db.open();
    await db.sql('insert into tenants (id, name) values ($1, $2)', [tenantId, 'large']);
    await makeProxies();
    await makeMachines();
    await makeEvents();
    await makeTokens();
    await makeGroups();
    await db.sql('analyze');
  }, 180_000);
  afterAll(() => db.drop());

  /** Without triggers: their work is done here, in one statement per table. */
  async function makeProxies(): Promise<void> {
    await db.sql(`alter table envoy_proxies disable trigger user`);
    await db.sql(
      `insert into envoy_proxies (tenant_id, id, name, node_id)
       select $1, gen_random_uuid(), 'proxy-' || lpad(n::text, 6, '0'), 'node-' || n from generate_series(1, $2::int) as n`,
      [tenantId, FLEET],
    );
    await db.sql('insert into proxy_status (tenant_id, proxy_id) select tenant_id, id from envoy_proxies');
    await db.sql(
      `insert into proxy_labels (tenant_id, key, value, proxy_id)
       select tenant_id, 'rack', (right(name, 6)::int % 1000)::text, id from envoy_proxies`,
    );
    await db.sql(
      `insert into proxy_labels (tenant_id, key, value, proxy_id) select tenant_id, 'role', 'edge', id from envoy_proxies`,
    );
  }

  async function makeMachines(): Promise<void> {
    await db.sql(`alter table virtual_machines disable trigger user`);
    await db.sql(`alter table containers disable trigger user`);
    await db.sql(
      `insert into virtual_machines (tenant_id, id, hostname, region)
       select $1, gen_random_uuid(), 'vm-' || lpad(n::text, 6, '0'), 'region-' || n % 100 from generate_series(1, $2::int) as n`,
      [tenantId, FLEET],
    );
    await db.sql(
      `insert into containers (tenant_id, id, vm_id, name, container_id)
       select tenant_id, gen_random_uuid(), id, hostname || '/envoy', id from virtual_machines`,
    );
    await db.sql(
      `insert into vm_status (tenant_id, vm_id, status)
       select tenant_id, id, case when hostname like '%7' then 'healthy' else 'unknown' end from virtual_machines`,
    );
    await db.sql(
      `insert into container_status (tenant_id, container_id, status)
       select tenant_id, id, case when name like '%7/envoy' then 'running' else 'unknown' end from containers`,
    );
    await db.sql(
      `insert into vm_labels (tenant_id, key, value, vm_id) select tenant_id, 'rack', (right(hostname, 6)::int % 1000)::text, id from virtual_machines`,
    );
    await db.sql(
      `insert into container_labels (tenant_id, key, value, container_id)
       select tenant_id, 'rack', (substr(name, 4, 6)::int % 1000)::text, id from containers`,
    );
  }

  async function makeTokens(): Promise<void> {
    await db.sql(`alter table enrolment_tokens disable trigger user`);
    await db.sql(
      `insert into enrolment_tokens (tenant_id, id, name, token_hash, max_uses, expires_at)
       select $1, gen_random_uuid(), 'token-' || n, '', 1, now() from generate_series(1, $2::int) as n`,
      [tenantId, FLEET],
    );
    await db.sql(
      `insert into enrolments (tenant_id, enrolment_token_id, proxy_id, proxy_name)
       select tenant_id, id, gen_random_uuid(), '' from enrolment_tokens`,
    );
  }

  async function makeEvents(): Promise<void> {
    await db.sql(
      `insert into container_events (tenant_id, id, container_id, kind, happened_at, actor_kind, actor_name)
       select tenant_id, gen_random_uuid(), id, 'started', now(), 'system', 'test' from containers`,
    );
    await db.sql(
      `insert into proxy_lifecycle_events
         (tenant_id, id, proxy_id, proxy_name, from_state, to_state, actor_kind, actor_name)
       select tenant_id, gen_random_uuid(), id, name, 'running', 'draining', 'system', 'test' from envoy_proxies`,
    );
  }

  async function makeGroups(): Promise<void> {
    await db.sql(`alter table proxy_groups disable trigger user`);
    await db.sql(`alter table group_membership_events disable trigger user`);
    await db.sql(
      `insert into proxy_groups (tenant_id, id, name, parent_id)
       select $1, g.id, 'group-' || lpad(g.n::text, 6, '0'), ($2::uuid[])[case when g.n > 10 then g.n / 10 end]
         from unnest($2::uuid[]) with ordinality as g (id, n)`,
      [tenantId, groups],
    );
    await db.sql(
      `insert into proxy_group_labels (tenant_id, key, value, group_id) select tenant_id, 'tier', right(name, 1), id from proxy_groups`,
    );
    await db.sql(
      `insert into proxy_group_members (tenant_id, proxy_group_id, envoy_proxy_id, source)
       select tenant_id, ($1::uuid[])[1], id, 'selector' from envoy_proxies
       union all
       select tenant_id, ($1::uuid[])[2 + right(name, 6)::int % ${FLEET / 10 - 1}], id, 'static' from envoy_proxies`,
      [groups],
    );
    await db.sql(
      `insert into group_membership_events (tenant_id, proxy_group_id, envoy_proxy_id, proxy_name, change, source, reason,
                                            actor_kind, actor_name)
       select tenant_id, proxy_group_id, envoy_proxy_id, '', 'joined', source, 'added', 'system', 'test' from proxy_group_members`,
    );
  }

  async function planOf(list: (tx: Transaction) => Promise<unknown>): Promise<string> {
    let plan = '';
    await database.tenant({ tenantId }, async (tx) => {
      await list({
        ...tx,
        query: async (sql, params) => {
          const rows = await tx.query<{ 'QUERY PLAN': string }>(`explain ${sql}`, params);
          plan = rows.map((row) => row['QUERY PLAN']).join('\n');
          return [];
        },
      });
    });
    return plan;
  }

  const proxies =
    (filter: Partial<ProxyFilter>, after?: string) =>
    (tx: Transaction): Promise<unknown> =>
      listProxyViews(
        tx,
        { labels: [], ...filter },
        pageOf(PROXY_LIST, after === undefined ? {} : { cursor: behind(after) }),
      );
  /** The cursor of a page that ended with the proxy of this name. */
  const behind = (name: string): string =>
    new ListPage(PROXY_LIST, { tenantId, query: { limit: 1 } }).page([{ place: [name] }, { place: [] }], Object)
      .nextCursor!;
  const pageOf = (definition: ListDefinition, query: Partial<ListQuery>): ListPage =>
    new ListPage(definition, { tenantId, query: { limit: 50, ...query } });
  const groupList =
    (filter: Partial<ProxyGroupFilter>, query: Partial<ListQuery> = {}) =>
    (tx: Transaction): Promise<unknown> =>
      listProxyGroupViews(
        tx,
        { labels: [], namePrefix: undefined, parentId: undefined, ...filter },
        pageOf(PROXY_GROUP_LIST, query),
      );
  const vms =
    (filter: Partial<VmFilter>, query: Partial<ListQuery> = {}) =>
    (tx: Transaction): Promise<unknown> =>
      listVmViews(
        tx,
        { labels: [], hostnamePrefix: undefined, region: undefined, status: undefined, ...filter },
        pageOf(VM_LIST, query),
      );
  const containers =
    (filter: Partial<ContainerFilter>, query: Partial<ListQuery> = {}) =>
    (tx: Transaction): Promise<unknown> =>
      listContainerViews(
        tx,
        { labels: [], namePrefix: undefined, vmId: undefined, status: undefined, ...filter },
        pageOf(CONTAINER_LIST, query),
      );

  it.each<[string, (tx: Transaction) => Promise<unknown>]>([
    ['the first page of proxies', proxies({})],
    ['a page in the middle', proxies({}, 'proxy-050000')],
    ['a prefix', proxies({ namePrefix: 'proxy-0999' })],
    ['a rare label', proxies({ labels: parsed('rack=7') })],
    ['a common label', proxies({ labels: parsed('role=edge') })],
    ['a set of labels', proxies({ labels: parsed('rack in (7,8),role') })],
    ['labels that must be absent', proxies({ labels: parsed('role!=edge,!canary') })],
    ['labels and a prefix', proxies({ namePrefix: 'proxy-01', labels: parsed('rack=7') }, 'proxy-011000')],
    ['proxies of a small group', proxies({ groupIds: [groups[5]!] })],
    ['proxies of a group with everybody', proxies({ groupIds: [groups[0]!] }, 'proxy-050000')],
    ['members of a small group', (tx) => listMembers(tx, groups[5]!, pageOf(MEMBER_LIST, {}))],
    ['membership events', (tx) => listMembershipEvents(tx, groups[0]!, pageOf(MEMBERSHIP_EVENT_LIST, {}))],
    ['groups under a group', (tx) => withDescendants(tx, [groups[0]!])],
    ['the first page of groups', groupList({})],
    ['groups by prefix', groupList({ namePrefix: 'group-0009' })],
    ['groups by label', groupList({ labels: parsed('tier=7') })],
    ['groups by time', groupList({}, { sort: '-createdAt' })],
    ['machines', vms({})],
    ['machines by time', vms({}, { sort: '-createdAt' })],
    ['machines by prefix', vms({ hostnamePrefix: 'vm-0999' })],
    ['machines of a region', vms({ region: 'region-7' })],
    ['machines by status', vms({ status: 'healthy' })],
    ['machines by label', vms({ labels: parsed('rack=7') })],
    ['containers', containers({})],
    ['containers by time', containers({}, { sort: '-createdAt' })],
    ['containers on a machine', containers({ vmId: groups[0]! })],
    ['containers by status', containers({ status: 'running' })],
    ['containers by label and prefix', containers({ namePrefix: 'vm-01', labels: parsed('rack=7') })],
    ['events of a container', (tx) => listContainerEvents(tx, { tenantId }, groups[0]!, { limit: 50 })],
    ['lifecycle of a proxy', (tx) => listLifecycleEvents(tx, { tenantId }, groups[0]!, { limit: 50 })],
    ['enrolment tokens', (tx) => listEnrolmentTokens(tx, pageOf(ENROLMENT_TOKEN_LIST, {}))],
    ['groups right under another', groupList({ parentId: groups[3]! })],
  ])('for %s', async (_, list) => {
    const plan = await planOf(list);
    expect(plan).toContain('Index');
    // The hierarchy is walked breadth by breadth: what is found so far is no table.
    expect(plan.replaceAll('WorkTable Scan', '')).not.toMatch(/Seq Scan/);
  });
});
