import { Injectable } from '@nestjs/common';
import type { RequestContext } from '../../common/context/request-context.js';
import type { Reader, Transaction } from '../../common/database/database.js';
import { isForeignKeyViolation, isUniqueViolation } from '../../common/database/errors.js';
import { type Address, parseAddress } from '../../common/http/address.js';
import { EntangledChanges } from '../../common/http/batch/changes.js';
import { ListPage, type ListQuery } from '../../common/http/list.js';
import type { Page } from '../../common/http/page.js';
import { checkedProxyGroup } from '../dto/proxy-group.dto.js';
import { ProxyGroup, type ProxyGroupDocument, type ProxyGroupRequest } from '../entities/proxy-group.entity.js';
import { groupNotFound, infrastructureProblems } from '../infrastructure.errors.js';
import type { LabelTerm } from '../labels.js';
import { DescribedThings, type Kind, type Pending } from './described-things.js';
import { holdGroups } from './group-locks.js';
import { findProxyGroupView, listProxyGroupViews, PROXY_GROUP_LIST, type ProxyGroupView } from './proxy-group-views.js';
import { PROXY_GROUP, referToAll } from './references.js';

export interface ListedGroups {
  readonly namePrefix: string | undefined;
  readonly labels: readonly LabelTerm[];
  /** The address of the group right above. */
  readonly parent: string | undefined;
}

const NAME_KEY = 'proxy_groups_name_key';

/** Named sets of proxies in a hierarchy. Writers of a tenant's groups take turns, so that no two of them close a circle. */
@Injectable()
export class ProxyGroups extends DescribedThings<ProxyGroup, ProxyGroupDocument, ProxyGroupRequest, ProxyGroupView> {
  protected override readonly kind: Kind<ProxyGroup, ProxyGroupDocument> = {
    entity: ProxyGroup,
    nameField: 'name',
    nameKey: NAME_KEY,
    make: (identity, document) => new ProxyGroup(identity, document),
  };

  /** By name. A parent that does not exist has no groups under it. */
  async list(
    ctx: RequestContext,
    { parent, ...filter }: ListedGroups,
    query: ListQuery,
  ): Promise<Page<ProxyGroupView>> {
    const page = new ListPage(PROXY_GROUP_LIST, { tenantId: ctx.tenantId, query, filters: { parent, ...filter } });
    const reader = this.database.reader(ctx);
    const above = parent === undefined ? undefined : await findProxyGroupView(reader, parseAddress(parent));
    if (parent !== undefined && !above) return { items: [], nextCursor: null };
    return listProxyGroupViews(reader, { ...filter, parentId: above?.id }, page);
  }

  protected override notFound(address: Address): Error {
    return groupNotFound(address);
  }

  protected override find(reader: Reader, address: Address): Promise<ProxyGroupView | undefined> {
    return findProxyGroupView(reader, address);
  }

  /** @throws EntangledChanges where two groups move: alone neither may close a circle, and both together do */
  protected override async resolve(
    tx: Transaction,
    pending: readonly Pending<ProxyGroup, ProxyGroupRequest>[],
  ): Promise<ProxyGroupDocument[]> {
    const parents = pending.map(({ request }) => request.parent);
    const groupOf = await referToAll(tx, PROXY_GROUP, parents, '/parent');
    const documents = pending.map(({ request: { parent, ...rest } }) => ({ ...rest, parentId: groupOf(parent) }));
    const moves = pending.flatMap(({ entity }, i) => {
      const parentId = documents[i]?.parentId ?? null;
      return entity && parentId !== null && parentId !== entity.parentId ? [{ group: entity, parentId }] : [];
    });
    if (moves.length > 1) throw new EntangledChanges();
    for (const { group, parentId } of moves) await refuseCircle(tx, group, parentId);
    return documents;
  }

  protected override requestOf({ parentId, ...rest }: ProxyGroupDocument): object {
    return { ...rest, parent: parentId };
  }

  protected override checked(candidate: unknown): Promise<ProxyGroupRequest> {
    return checkedProxyGroup(candidate);
  }

  protected override explain(error: unknown): unknown {
    if (isUniqueViolation(error, NAME_KEY)) {
      return infrastructureProblems.groupNameTaken({ detail: 'Choose another name, or PUT the group of that name.' });
    }
    if (isForeignKeyViolation(error, 'proxy_groups_parent_fkey')) {
      return infrastructureProblems.groupInUse({ detail: 'There are groups under it; move or delete them first.' });
    }
    if (!isForeignKeyViolation(error)) return error;
    return infrastructureProblems.groupInUse({ detail: 'Enrolment tokens name it; delete them first.' });
  }

  protected override beforeWriting(tx: Transaction, ctx: RequestContext): Promise<void> {
    return holdGroups(tx, ctx);
  }
}

/** The hierarchy stands still meanwhile: its writers take turns. */
async function refuseCircle(tx: Transaction, group: ProxyGroup, parentId: string): Promise<void> {
  const circle = await tx.query(
    `with recursive above as (
       select id, parent_id from proxy_groups where id = $1
       union select g.id, g.parent_id from proxy_groups g join above on g.id = above.parent_id)
     select from above where id = $2`,
    [parentId, group.id],
  );
  if (circle.length === 0) return;
  throw infrastructureProblems.groupCircle({ detail: `"${group.name}" is above that parent, or is it.` });
}
