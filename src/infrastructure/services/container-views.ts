import type { Reader } from '../../common/database/database.js';
import type { Address } from '../../common/http/address.js';
import type { ListDefinition, ListPage, Placed } from '../../common/http/list.js';
import type { Page } from '../../common/http/page.js';
import type { ResourceLimits } from '../entities/container.entity.js';
import type { LabelTerm } from '../labels.js';
import type { ContainerHealth, ContainerStatus } from './container-lifecycle.js';
import { ListConditions } from './list-conditions.js';

/** What was last reported of a container. */
export interface ReportedContainer {
  readonly status: ContainerStatus;
  readonly health: ContainerHealth;
  readonly restartCount: number;
  readonly exitCode: number | null;
  readonly startedAt: Date | null;
  readonly asOf: Date | null;
}

/** A container as the API shows it. */
export interface ContainerView {
  readonly id: string;
  readonly name: string;
  readonly containerId: string;
  readonly vm: { readonly id: string; readonly hostname: string };
  readonly image: string | null;
  readonly imageDigest: string | null;
  readonly resourceLimits: ResourceLimits;
  readonly environment: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly status: ReportedContainer;
  readonly revision: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface ContainerFilter {
  readonly namePrefix: string | undefined;
  readonly vmId: string | undefined;
  readonly status: ContainerStatus | undefined;
  readonly labels: readonly LabelTerm[];
}

interface ContainerRow extends Omit<ContainerView, 'revision' | 'status'> {
  readonly revision: string;
  readonly reported: Omit<ReportedContainer, 'startedAt' | 'asOf'> & {
    readonly startedAt: string | null;
    readonly asOf: string | null;
  };
}

export const CONTAINER_LIST: ListDefinition = {
  name: 'containers',
  keys: {
    name: { column: 'c.name', type: 'text', unique: true },
    createdAt: { column: 'c.created_at', type: 'timestamptz' },
  },
  defaultSort: 'name',
  id: { column: 'c.id', type: 'uuid', unique: true },
};

// What belongs to other tables is looked up row by row: joined, the planner reads them whole for one page.
const COLUMNS = `
  c.id, c.name, c.container_id as "containerId", c.image, c.image_digest as "imageDigest", c.resource_limits as "resourceLimits",
  c.environment_vars as environment, c.labels, c.revision, c.created_at as "createdAt", c.updated_at as "updatedAt",
  (select json_build_object('id', v.id, 'hostname', v.hostname) from virtual_machines v where v.id = c.vm_id) as vm,
  (select json_build_object('status', s.status, 'health', s.health, 'restartCount', s.restart_count, 'exitCode', s.exit_code,
                            'startedAt', s.started_at, 'asOf', s.as_of)
     from container_status s where s.container_id = c.id) as reported`;

const LABEL_ROWS = { table: 'container_labels', owner: 'container_id', thing: 'c' };

export async function findContainerView(reader: Reader, address: Address): Promise<ContainerView | undefined> {
  const [column, value] = 'id' in address ? ['id', address.id] : ['name', address.name];
  const rows = await reader.query<ContainerRow>(
    `select ${COLUMNS} from containers c where c.${column} = $1`,
    [value],
    'kept',
  );
  return rows[0] && viewOf(rows[0]);
}

export async function listContainerViews(
  reader: Reader,
  filter: ContainerFilter,
  page: ListPage,
): Promise<Page<ContainerView>> {
  const conditions = new ListConditions();
  conditions.prefix('c.name', filter.namePrefix);
  conditions.equal('c.vm_id', filter.vmId);
  if (filter.status !== undefined) {
    const status = conditions.param(filter.status);
    conditions.add(`(select s.status from container_status s where s.container_id = c.id) = ${status}`);
  }
  conditions.labels(filter.labels, LABEL_ROWS);
  page.addTo(conditions);
  // The plan depends on how many there are of what is asked for.
  const plan = filter.labels.length > 0 || filter.vmId !== undefined || filter.status !== undefined ? 'anew' : 'kept';
  const rows = await reader.query<ContainerRow & Placed>(
    `select ${COLUMNS}, ${page.placeColumn} from containers c where ${conditions.sql} ${page.order}`,
    conditions.params,
    plan,
  );
  return page.page(rows, viewOf);
}

function viewOf({ place: _, reported, ...row }: ContainerRow & Partial<Placed>): ContainerView {
  const { startedAt, asOf } = reported;
  return {
    ...row,
    revision: Number(row.revision),
    status: {
      ...reported,
      startedAt: startedAt === null ? null : new Date(startedAt),
      asOf: asOf === null ? null : new Date(asOf),
    },
  };
}
