import type { Reader } from '../../common/database/database.js';
import type { Address } from '../../common/http/address.js';
import type { ListDefinition, ListPage, Placed } from '../../common/http/list.js';
import type { Page } from '../../common/http/page.js';
import type { SelectionStrategy } from '../entities/proxy-group.entity.js';
import type { LabelTerm } from '../labels.js';
import { ListConditions } from './list-conditions.js';

/** A proxy group as the API shows it. */
export interface ProxyGroupView {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly parent: { readonly id: string; readonly name: string } | null;
  readonly selector: string | null;
  readonly selectionStrategy: SelectionStrategy;
  readonly isActive: boolean;
  readonly revision: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface ProxyGroupFilter {
  readonly namePrefix: string | undefined;
  readonly labels: readonly LabelTerm[];
  readonly parentId: string | undefined;
}

interface ProxyGroupRow extends Omit<ProxyGroupView, 'revision'> {
  readonly revision: string;
}

export const PROXY_GROUP_LIST: ListDefinition = {
  name: 'proxy-groups',
  keys: {
    name: { column: 'g.name', type: 'text', unique: true },
    createdAt: { column: 'g.created_at', type: 'timestamptz' },
  },
  defaultSort: 'name',
  id: { column: 'g.id', type: 'uuid', unique: true },
};

// What belongs to other tables is looked up row by row: joined, the planner reads them whole for one page.
const COLUMNS = `
  g.id, g.name, g.description, g.labels, g.selector, g.selection_strategy as "selectionStrategy", g.is_active as "isActive",
  g.revision, g.created_at as "createdAt", g.updated_at as "updatedAt",
  (select json_build_object('id', parent.id, 'name', parent.name) from proxy_groups parent where parent.id = g.parent_id) as parent`;

const LABEL_ROWS = { table: 'proxy_group_labels', owner: 'group_id', thing: 'g' };

export async function findProxyGroupView(reader: Reader, address: Address): Promise<ProxyGroupView | undefined> {
  const [column, value] = 'id' in address ? ['id', address.id] : ['name', address.name];
  const rows = await reader.query<ProxyGroupRow>(
    `select ${COLUMNS} from proxy_groups g where g.${column} = $1`,
    [value],
    'kept',
  );
  return rows[0] && viewOf(rows[0]);
}

export async function listProxyGroupViews(
  reader: Reader,
  filter: ProxyGroupFilter,
  page: ListPage,
): Promise<Page<ProxyGroupView>> {
  const conditions = new ListConditions();
  conditions.prefix('g.name', filter.namePrefix);
  conditions.equal('g.parent_id', filter.parentId);
  conditions.labels(filter.labels, LABEL_ROWS);
  page.addTo(conditions);
  // The plan depends on how many there are of what is asked for.
  const plan = filter.labels.length > 0 || filter.parentId !== undefined ? 'anew' : 'kept';
  const rows = await reader.query<ProxyGroupRow & Placed>(
    `select ${COLUMNS}, ${page.placeColumn} from proxy_groups g where ${conditions.sql} ${page.order}`,
    conditions.params,
    plan,
  );
  return page.page(rows, viewOf);
}

function viewOf({ place: _, ...row }: ProxyGroupRow & Partial<Placed>): ProxyGroupView {
  return { ...row, revision: Number(row.revision) };
}
