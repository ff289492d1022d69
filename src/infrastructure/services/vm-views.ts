import type { Reader } from '../../common/database/database.js';
import type { Address } from '../../common/http/address.js';
import type { ListDefinition, ListPage, Placed } from '../../common/http/list.js';
import type { Page } from '../../common/http/page.js';
import type { LabelTerm } from '../labels.js';
import { ListConditions } from './list-conditions.js';

export const VM_STATUSES = ['unknown', 'healthy', 'unhealthy', 'offline'] as const;
export type VmStatus = (typeof VM_STATUSES)[number];

/** A virtual machine as the API shows it: what people say about it, and what its agent reports. */
export interface VmView {
  readonly id: string;
  readonly hostname: string;
  readonly ipAddress: string | null;
  readonly region: string | null;
  readonly availabilityZone: string | null;
  readonly cpuCores: number | null;
  readonly memoryMb: number | null;
  readonly diskGb: number | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly status: VmStatus;
  readonly lastHeartbeat: Date | null;
  /** How many containers are on it. */
  readonly containers: number;
  readonly revision: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface VmFilter {
  readonly hostnamePrefix: string | undefined;
  readonly region: string | undefined;
  readonly status: VmStatus | undefined;
  readonly labels: readonly LabelTerm[];
}

interface VmRow extends Omit<VmView, 'memoryMb' | 'diskGb' | 'revision' | 'status' | 'lastHeartbeat' | 'containers'> {
  readonly memoryMb: string | null;
  readonly diskGb: string | null;
  readonly revision: string;
  readonly reported: { readonly status: VmStatus; readonly lastHeartbeat: string | null };
  readonly containers: string;
}

export const VM_LIST: ListDefinition = {
  name: 'vms',
  keys: {
    hostname: { column: 'v.hostname', type: 'text', unique: true },
    createdAt: { column: 'v.created_at', type: 'timestamptz' },
  },
  defaultSort: 'hostname',
  id: { column: 'v.id', type: 'uuid', unique: true },
};

// What belongs to other tables is looked up row by row: joined, the planner reads them whole for one page.
const COLUMNS = `
  v.id, v.hostname, host(v.ip_address) as "ipAddress", v.region, v.availability_zone as "availabilityZone",
  v.cpu_cores as "cpuCores", v.memory_mb as "memoryMb", v.disk_gb as "diskGb", v.labels, v.metadata,
  v.revision, v.created_at as "createdAt", v.updated_at as "updatedAt",
  (select json_build_object('status', s.status, 'lastHeartbeat', s.last_heartbeat) from vm_status s where s.vm_id = v.id) as reported,
  (select count(*) from containers c where c.vm_id = v.id) as containers`;

const LABEL_ROWS = { table: 'vm_labels', owner: 'vm_id', thing: 'v' };

export async function findVmView(reader: Reader, address: Address): Promise<VmView | undefined> {
  const [column, value] = 'id' in address ? ['id', address.id] : ['hostname', address.name];
  const rows = await reader.query<VmRow>(
    `select ${COLUMNS} from virtual_machines v where v.${column} = $1`,
    [value],
    'kept',
  );
  return rows[0] && viewOf(rows[0]);
}

export async function listVmViews(reader: Reader, filter: VmFilter, page: ListPage): Promise<Page<VmView>> {
  const conditions = new ListConditions();
  conditions.prefix('v.hostname', filter.hostnamePrefix);
  conditions.equal('v.region', filter.region);
  if (filter.status !== undefined) {
    const status = conditions.param(filter.status);
    conditions.add(`(select s.status from vm_status s where s.vm_id = v.id) = ${status}`);
  }
  conditions.labels(filter.labels, LABEL_ROWS);
  page.addTo(conditions);
  // The plan depends on how many there are of what is asked for.
  const plan = filter.labels.length > 0 || filter.region !== undefined || filter.status !== undefined ? 'anew' : 'kept';
  const rows = await reader.query<VmRow & Placed>(
    `select ${COLUMNS}, ${page.placeColumn} from virtual_machines v where ${conditions.sql} ${page.order}`,
    conditions.params,
    plan,
  );
  return page.page(rows, viewOf);
}

function viewOf({ place: _, reported, ...row }: VmRow & Partial<Placed>): VmView {
  return {
    ...row,
    memoryMb: row.memoryMb === null ? null : Number(row.memoryMb),
    diskGb: row.diskGb === null ? null : Number(row.diskGb),
    revision: Number(row.revision),
    status: reported.status,
    lastHeartbeat: reported.lastHeartbeat === null ? null : new Date(reported.lastHeartbeat),
    containers: Number(row.containers),
  };
}
