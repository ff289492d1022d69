import type { Transaction } from '../../common/database/database.js';
import { type JsonSlab, jsonArrays, wholeArray } from '../../common/threads/json-slab.js';
import type { DefinitionRows } from './content/definition-rows.js';
import type { VersionContent } from './content/version-content.js';
import type { SnapshotDiff } from './diff/snapshot-diff.js';

type Table = keyof DefinitionRows;

/** Columns that each table is written by; `tenant_id` comes with the statement, `created_at` from its default. */
const COLUMNS: Readonly<Record<Table, readonly string[]>> = {
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

/** In an order that foreign keys allow. */
const TABLES = Object.keys(COLUMNS) as readonly Table[];

/** Tables that name the version themselves, with the kind and the column of the resource; the others go with their parents. */
const ROOTS = [
  { kind: 'listener', table: 'listener_definitions', name: 'name' },
  { kind: 'route', table: 'route_definitions', name: 'name' },
  { kind: 'cluster', table: 'cluster_definitions', name: 'name' },
  { kind: 'endpoint', table: 'endpoint_definitions', name: 'cluster_name' },
] as const;

function columns(...lists: readonly string[]): string[] {
  return lists.flatMap((list) => list.split(' '));
}

/** What a version's index is made of. */
export interface IndexedVersion {
  readonly tenantId: string;
  readonly versionId: string;
  readonly content: Pick<VersionContent, 'rows' | 'references'>;
}

/** The version that was the head before, and what the new one changes in it. */
export interface FormerHead {
  readonly versionId: string;
  readonly diff: SnapshotDiff;
  /** Places of the resources in the new one that the former has not, or has with other content. */
  readonly places: readonly number[];
}

/**
 * Makes the definition rows and references of a version that has become the head of a branch, in a fixed number of statements. Rows of
 * resources that have not changed are carried over from the former head, so that the work is that of the change; they are kept for
 * heads alone. Where another branch still ends at the former head, its rows stay. Its references stay in any case.
 */
export async function indexHead(tx: Transaction, version: IndexedVersion, former?: FormerHead): Promise<void> {
  const { tenantId, versionId, content } = version;
  const isFree = former !== undefined && !(await isHead(tx, former.versionId));
  if (isFree) await carryOver(tx, former, versionId);
  for (const table of TABLES) {
    await insertRows(tx, tenantId, { table, rows: content.rows[table], places: isFree ? former.places : undefined });
  }
  await tx.query(
    `insert into version_references (tenant_id, version_id, kind, name)
     select distinct $1::uuid, $2::uuid, r.kind, r.name from json_to_recordset($3::text::json) as r (kind text, name text)`,
    [tenantId, versionId, wholeArray(content.references)],
  );
}

async function isHead(tx: Transaction, versionId: string): Promise<boolean> {
  const rows = await tx.query('select 1 as head from configuration_branches where head_version_id = $1 limit 1', [
    versionId,
  ]);
  return rows.length > 0;
}

async function carryOver(tx: Transaction, { versionId, diff }: FormerHead, to: string): Promise<void> {
  const outdated = [...diff.removed, ...diff.changed];
  for (const { kind, table, name } of ROOTS) {
    const names = outdated.filter((resource) => resource.kind === kind).map((resource) => resource.name);
    if (names.length > 0) {
      await tx.query(`delete from ${table} where configuration_version_id = $1 and ${name} = any($2)`, [
        versionId,
        names,
      ]);
    }
    await tx.query(`update ${table} set configuration_version_id = $2 where configuration_version_id = $1`, [
      versionId,
      to,
    ]);
  }
}

async function insertRows(
  tx: Transaction,
  tenantId: string,
  what: { readonly table: Table; readonly rows: JsonSlab; readonly places: readonly number[] | undefined },
): Promise<void> {
  const { table, rows, places } = what;
  const list = COLUMNS[table].join(', ');
  for (const piece of jsonArrays(rows, places)) {
    await tx.query(
      `insert into ${table} (tenant_id, ${list})
       select $1, ${list} from jsonb_populate_recordset(null::${table}, $2::text::jsonb)`,
      [tenantId, piece],
    );
  }
}
