import type { Reader } from '../../common/database/database.js';
import { timeText } from '../../common/database/time-text.js';
import type { Address } from '../../common/http/address.js';
import type { ListDefinition, ListPage, Placed } from '../../common/http/list.js';
import type { Page } from '../../common/http/page.js';
import { type DrainStrategy, type LifecycleState, type Locality, localityOf } from '../entities/envoy-proxy.entity.js';
import type { LabelTerm } from '../labels.js';
import { ListConditions } from './list-conditions.js';

/** A proxy as the API shows it: what people say about it, and what it reports. */
export interface ProxyView {
  readonly id: string;
  readonly name: string;
  readonly nodeId: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly cluster: string | null;
  readonly locality: Locality | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly adminAddress: string;
  readonly adminPort: number;
  readonly drainStrategy: DrainStrategy;
  readonly vm: { readonly id: string; readonly hostname: string } | null;
  readonly container: { readonly id: string; readonly name: string } | null;
  readonly status: {
    readonly connection: string;
    readonly management: string;
    readonly lifecycle: LifecycleState;
    readonly envoyVersion: string | null;
    readonly connectedAt: string | null;
  };
  readonly revision: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface ProxyFilter {
  readonly namePrefix?: string;
  readonly labels: readonly LabelTerm[];
  /** Only proxies that belong to one of these groups. */
  readonly groupIds?: readonly string[];
}

export const PROXY_LIST: ListDefinition = {
  name: 'proxies',
  keys: {
    name: { column: 'p.name', type: 'text', unique: true },
    createdAt: { column: 'p.created_at', type: 'timestamptz' },
  },
  defaultSort: 'name',
  id: { column: 'p.id', type: 'uuid', unique: true },
};

interface ProxyRow {
  readonly id: string;
  readonly name: string;
  readonly node_id: string;
  readonly labels: Record<string, string>;
  readonly node_cluster: string | null;
  readonly locality_region: string | null;
  readonly locality_zone: string | null;
  readonly locality_subzone: string | null;
  readonly metadata: Record<string, unknown>;
  readonly admin_address: string;
  readonly admin_port: number;
  readonly drain_strategy: DrainStrategy;
  readonly on_vm: string | null;
  readonly hostname: string | null;
  readonly in_container: string | null;
  readonly container_name: string | null;
  readonly lifecycle_state: LifecycleState;
  readonly connection: string;
  readonly management: string;
  readonly envoy_version: string | null;
  readonly connected_at: string | null;
  readonly revision: string;
  readonly created_at: string;
  readonly updated_at: string;
}

/**
 * What is shown of the chosen rows. They are chosen first: joined at once, the planner reads whole tables for one page. The machine is looked
 * up by either of two columns, because no index serves an expression of both under row-level security.
 */
const shown = (chosen: string, further = '', order = ''): string => `
  select p.id, p.name, p.node_id, p.labels, p.node_cluster, p.locality_region, p.locality_zone, p.locality_subzone, p.metadata,
         host(p.admin_address) as admin_address, p.admin_port, p.drain_strategy, p.lifecycle_state, p.revision,
         p.created_at::text, p.updated_at::text, s.connection, s.management, s.envoy_version, s.connected_at::text,
         case when c.id is not null then c.vm_id else p.vm_id end as on_vm,
         case when c.id is not null
           then (select v.hostname from virtual_machines v where v.id = c.vm_id)
           else (select v.hostname from virtual_machines v where v.id = p.vm_id)
         end as hostname,
         c.id as in_container, c.name as container_name${further}
    from (${chosen}) p join proxy_status s on s.tenant_id = p.tenant_id and s.proxy_id = p.id
    left join containers c on c.tenant_id = p.tenant_id and c.id = p.container_id
   ${order}`;

const LABEL_ROWS = { table: 'proxy_labels', owner: 'proxy_id', thing: 'p' };

export async function findProxyView(reader: Reader, address: Address): Promise<ProxyView | undefined> {
  const [column, value] = 'id' in address ? ['id', address.id] : ['name', address.name];
  const rows = await reader.query<ProxyRow>(
    shown(`select p.* from envoy_proxies p where p.${column} = $1`),
    [value],
    'kept',
  );
  return rows[0] && viewOf(rows[0]);
}

/** Proxies by name, behind the cursor; every condition is one that an index serves under row-level security. */
export async function listProxyViews(reader: Reader, filter: ProxyFilter, page: ListPage): Promise<Page<ProxyView>> {
  const conditions = new ListConditions();
  conditions.prefix('p.name', filter.namePrefix);
  conditions.labels(filter.labels, LABEL_ROWS);
  if (filter.groupIds) {
    const groups = conditions.param(filter.groupIds);
    conditions.add(
      `p.id in (select m.envoy_proxy_id from proxy_group_members m where m.proxy_group_id = any(${groups}::uuid[]))`,
    );
  }
  page.addTo(conditions);
  const chosen = `select p.*, ${page.placeColumn} from envoy_proxies p where ${conditions.sql} ${page.order}`;
  // The plan depends on how many have a label or belong to a group.
  const plan = filter.labels.length > 0 || filter.groupIds ? 'anew' : 'kept';
  const rows = await reader.query<ProxyRow & Placed>(shown(chosen, ', p.place', page.orderBy), conditions.params, plan);
  return page.page(rows, viewOf);
}

function viewOf(row: ProxyRow): ProxyView {
  const { on_vm: vmId, hostname, in_container: containerId, container_name: containerName } = row;
  return {
    id: row.id,
    name: row.name,
    nodeId: row.node_id,
    labels: row.labels,
    cluster: row.node_cluster,
    locality: localityOf(row.locality_region, row.locality_zone, row.locality_subzone),
    metadata: row.metadata,
    adminAddress: row.admin_address,
    adminPort: row.admin_port,
    drainStrategy: row.drain_strategy,
    vm: vmId === null || hostname === null ? null : { id: vmId, hostname },
    container: containerId === null || containerName === null ? null : { id: containerId, name: containerName },
    status: {
      connection: row.connection,
      management: row.management,
      lifecycle: row.lifecycle_state,
      envoyVersion: row.envoy_version,
      connectedAt: row.connected_at === null ? null : timeText(row.connected_at),
    },
    revision: Number(row.revision),
    createdAt: timeText(row.created_at),
    updatedAt: timeText(row.updated_at),
  };
}
