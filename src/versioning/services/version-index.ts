import type { Transaction } from '../../common/database/database.js';
import { type DefinitionRow, type DefinitionRows, definitionRows } from './definition-rows.js';
import type { NamedResource, ResourceName } from './diff/snapshot-diff.js';

/** Columns that each table is written by; `tenant_id` comes with the statement, `created_at` from its default. */
const COLUMNS: Readonly<Record<keyof DefinitionRows, readonly string[]>> = {
  listener_definitions: columns(
    'id configuration_version_id name address_kind address ip_address port protocol listener_config traffic_direction',
    'connection_balance_config transparent freebind',
  ),
  filter_chains: columns(
    'id listener_id name filter_chain_match filters transport_socket use_proxy_proto metadata is_default chain_order',
  ),
  route_definitions: columns(
    'id configuration_version_id name virtual_hosts internal_only_headers response_headers_to_add response_headers_to_remove',
    'request_headers_to_add request_headers_to_remove validate_clusters',
  ),
  route_matches: columns(
    'id route_definition_id virtual_host_name match_config route_action metadata timeout_ms retry_policy match_order',
  ),
  cluster_definitions: columns(
    'id configuration_version_id name cluster_type connect_timeout_ms lb_policy cluster_config circuit_breakers',
    'outlier_detection load_assignment eds_config dns_resolvers transport_socket metadata',
  ),
  cluster_endpoints: columns(
    'id cluster_id address_kind address ip_address port priority weight locality_region locality_zone locality_subzone',
    'health_status metadata',
  ),
  cluster_health_checks: columns(
    'id cluster_id timeout_ms interval_ms interval_jitter_ms unhealthy_threshold healthy_threshold path http_method',
    'expected_statuses tcp_send tcp_receive grpc_service_name',
  ),
  endpoint_definitions: columns('id configuration_version_id cluster_name endpoints policy'),
};

/** Tables that name the version themselves; the others go with their parents. */
const ROOTS = ['listener_definitions', 'route_definitions', 'cluster_definitions', 'endpoint_definitions'] as const;

function columns(...lists: readonly string[]): string[] {
  return lists.flatMap((list) => list.split(' '));
}

/** What a version's index is made of. */
export interface IndexedVersion {
  readonly tenantId: string;
  readonly versionId: string;
  readonly resources: readonly NamedResource[];
  /** Everything that its resources name. */
  readonly references: readonly ResourceName[];
}

/** Writes the definition rows and references of a version that becomes a head: one statement per table, whatever its size. */
export async function writeIndex(tx: Transaction, version: IndexedVersion): Promise<void> {
  const { tenantId, versionId, resources, references } = version;
  const rows = definitionRows(versionId, resources);
  for (const [table, names] of Object.entries(COLUMNS))
    await insertRows(tx, tenantId, table, names, rows[table as keyof DefinitionRows]);
  await tx.query(
    `insert into version_references (tenant_id, version_id, kind, name)
     select distinct $1::uuid, $2::uuid, r.kind, r.name from unnest($3::text[], $4::text[]) as r (kind, name)`,
    [tenantId, versionId, references.map(({ kind }) => kind), references.map(({ name }) => name)],
  );
}

/** Removes the definition rows of a version that was a head, unless another branch still ends there. Its references stay. */
export async function dropDefinitions(tx: Transaction, versionId: string): Promise<void> {
  for (const table of ROOTS) {
    await tx.query(
      `delete from ${table} where configuration_version_id = $1
          and not exists (select from configuration_branches b where b.head_version_id = $1)`,
      [versionId],
    );
  }
}

async function insertRows(
  tx: Transaction,
  tenantId: string,
  table: string,
  names: readonly string[],
  rows: readonly DefinitionRow[],
): Promise<void> {
  if (rows.length === 0) return;
  const list = names.join(', ');
  await tx.query(
    `insert into ${table} (tenant_id, ${list}) select $1, ${list} from jsonb_populate_recordset(null::${table}, $2::jsonb)`,
    [tenantId, JSON.stringify(rows)],
  );
}
