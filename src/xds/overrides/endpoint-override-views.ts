import type { Reader } from '../../common/database/database.js';
import type { Address } from '../../common/http/address.js';
import { Conditions, type ListDefinition, type ListPage, type Placed } from '../../common/http/list.js';
import type { Page } from '../../common/http/page.js';
import type { EndpointOverrideDocument } from './endpoint-override.entity.js';

/** An endpoint override as the API shows it. */
export interface EndpointOverrideView extends EndpointOverrideDocument {
  readonly id: string;
  /** False once it has expired. */
  readonly inEffect: boolean;
  /** Whether a snapshot that some proxy is assigned has the endpoint. */
  readonly applies: boolean;
  readonly revision: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface EndpointOverrideFilter {
  readonly clusterName: string | undefined;
}

interface Row extends Omit<EndpointOverrideView, 'weight' | 'revision'> {
  readonly weight: string | null;
  readonly revision: string;
}

export const ENDPOINT_OVERRIDE_LIST: ListDefinition = {
  name: 'endpoint-overrides',
  keys: {
    name: { column: 'o.name', type: 'text', unique: true },
    createdAt: { column: 'o.created_at', type: 'timestamptz' },
  },
  defaultSort: 'name',
  id: { column: 'o.id', type: 'uuid', unique: true },
};

const APPLIES = `exists (
  select from snapshot_resources r
    cross join lateral jsonb_path_query(r.json::jsonb, '$.endpoints[*].lb_endpoints[*].endpoint.address.socket_address') as at
    join snapshots s on s.tenant_id = r.tenant_id
     and s.resources @> jsonb_build_array(jsonb_build_object('kind', 'endpoint', 'name', r.name, 'version', r.hash))
    join proxy_assignments a on a.tenant_id = s.tenant_id and a.snapshot_hash = s.hash
   where r.tenant_id = o.tenant_id and r.kind = 'endpoint' and r.name = o.cluster_name and at ->> 'port_value' = o.port::text
     and case when pg_input_is_valid(at ->> 'address', 'inet') then host((at ->> 'address')::inet) end = o.address)`;

const COLUMNS = `
  o.id, o.name, o.cluster_name as "clusterName", o.address, o.port, o.health_status as "healthStatus", o.weight, o.reason,
  o.expires_at as "expiresAt", o.expires_at is null or o.expires_at > now() as "inEffect", ${APPLIES} as applies,
  o.revision, o.created_at as "createdAt", o.updated_at as "updatedAt"`;

export async function findEndpointOverrideView(
  reader: Reader,
  address: Address,
): Promise<EndpointOverrideView | undefined> {
  const [column, value] = 'id' in address ? ['id', address.id] : ['name', address.name];
  const rows = await reader.query<Row>(`select ${COLUMNS} from endpoint_overrides o where o.${column} = $1`, [value]);
  return rows[0] && viewOf(rows[0]);
}

export async function listEndpointOverrideViews(
  reader: Reader,
  filter: EndpointOverrideFilter,
  page: ListPage,
): Promise<Page<EndpointOverrideView>> {
  const conditions = new Conditions();
  conditions.equal('o.cluster_name', filter.clusterName);
  page.addTo(conditions);
  const rows = await reader.query<Row & Placed>(
    `select ${COLUMNS}, ${page.placeColumn} from endpoint_overrides o where ${conditions.sql} ${page.order}`,
    conditions.params,
  );
  return page.page(rows, viewOf);
}

function viewOf({ place: _, weight, revision, ...row }: Row & Partial<Placed>): EndpointOverrideView {
  return { ...row, weight: weight === null ? null : Number(weight), revision: Number(revision) };
}
