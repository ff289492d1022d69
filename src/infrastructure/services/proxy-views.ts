import type { Transaction } from '../../common/database/database.js';
import type { Address } from '../../common/http/address.js';
import type { NameCursor } from '../../common/http/page.js';
import { type Locality, localityOf } from '../entities/envoy-proxy.entity.js';
import type { LabelTerm } from '../labels.js';
import { afterPrefix } from '../name-prefix.js';

/** A proxy as the API shows it: what people say about it, and what it reports. */
export interface ProxyView {
  readonly id: string;
  readonly name: string;
  readonly nodeId: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly cluster: string | null;
  readonly locality: Locality | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly adminPort: number;
  readonly status: {
    readonly connection: string;
    readonly management: string;
    readonly lifecycle: string;
    readonly envoyVersion: string | null;
    readonly connectedAt: Date | null;
  };
  readonly revision: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface ProxyFilter {
  readonly namePrefix?: string;
  readonly labels: readonly LabelTerm[];
}

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
  readonly admin_port: number;
  readonly lifecycle_state: string;
  readonly connection: string;
  readonly management: string;
  readonly envoy_version: string | null;
  readonly connected_at: Date | null;
  readonly revision: string;
  readonly created_at: Date;
  readonly updated_at: Date;
}

const SELECT = `
  select p.id, p.name, p.node_id, p.labels, p.node_cluster, p.locality_region, p.locality_zone, p.locality_subzone, p.metadata,
         p.admin_port, p.lifecycle_state, p.revision, p.created_at, p.updated_at,
         s.connection, s.management, s.envoy_version, s.connected_at
    from envoy_proxies p join proxy_status s on s.tenant_id = p.tenant_id and s.proxy_id = p.id`;

export async function findProxyView(tx: Transaction, address: Address): Promise<ProxyView | undefined> {
  const [column, value] = 'id' in address ? ['id', address.id] : ['name', address.name];
  const rows = await tx.query<ProxyRow>(`${SELECT} where p.${column} = $1`, [value]);
  return rows[0] && viewOf(rows[0]);
}

/** Proxies by name, behind the cursor; every condition is one that an index serves under row-level security. */
export async function listProxyViews(
  tx: Transaction,
  filter: ProxyFilter,
  page: { readonly after?: NameCursor | undefined; readonly limit: number },
): Promise<ProxyView[]> {
  const params: unknown[] = [];
  const param = (value: unknown): string => `$${params.push(value)}`;
  const conditions = ['true'];
  if (filter.namePrefix !== undefined) {
    conditions.push(`p.name >= ${param(filter.namePrefix)}`);
    const end = afterPrefix(filter.namePrefix);
    if (end !== undefined) conditions.push(`p.name < ${param(end)}`);
  }
  for (const { key, value } of filter.labels) {
    conditions.push(
      `p.id in (select proxy_id from proxy_labels where key = ${param(key)} and value = ${param(value)})`,
    );
  }
  if (page.after) conditions.push(`p.name > ${param(page.after.name)}`);
  const rows = await tx.query<ProxyRow>(
    `${SELECT} where ${conditions.join(' and ')} order by p.name limit ${param(page.limit)}`,
    params,
  );
  return rows.map(viewOf);
}

function viewOf(row: ProxyRow): ProxyView {
  return {
    id: row.id,
    name: row.name,
    nodeId: row.node_id,
    labels: row.labels,
    cluster: row.node_cluster,
    locality: localityOf(row.locality_region, row.locality_zone, row.locality_subzone),
    metadata: row.metadata,
    adminPort: row.admin_port,
    status: {
      connection: row.connection,
      management: row.management,
      lifecycle: row.lifecycle_state,
      envoyVersion: row.envoy_version,
      connectedAt: row.connected_at,
    },
    revision: Number(row.revision),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
