import { Injectable } from '@nestjs/common';
import type { Actor, RequestContext } from '../../common/context/request-context.js';
import { Database, type Transaction } from '../../common/database/database.js';
import { type Finding, pointerTo } from '../../common/errors/finding.js';
import type { Address } from '../../common/http/address.js';
import { Conditions, type ListDefinition, ListPage, type ListQuery, type Placed } from '../../common/http/list.js';
import type { Page } from '../../common/http/page.js';
import { groupNotFound, infrastructureProblems } from '../infrastructure.errors.js';
import type { ProxyRef, ResolvedProxies } from './proxy-directory.js';
import { listProxyViews, PROXY_LIST, type ProxyFilter, type ProxyView } from './proxy-views.js';
import { notFound } from './proxies.service.js';

export type MemberSource = 'static' | 'selector';

export interface GroupMember {
  readonly proxy: ProxyRef;
  readonly sources: readonly MemberSource[];
  readonly joinedAt: Date;
}

/** One change of who belongs to a group. */
export interface MembershipEvent {
  readonly id: string;
  readonly at: Date;
  readonly change: 'joined' | 'left';
  readonly source: MemberSource;
  readonly reason: string;
  readonly proxy: ProxyRef;
  readonly actor: Actor;
}

interface MemberRow {
  readonly id: string;
  readonly name: string;
  readonly sources: readonly MemberSource[];
  readonly joined_at: Date;
}

interface EventRow {
  readonly id: string;
  readonly happened_at: Date;
  readonly change: 'joined' | 'left';
  readonly source: MemberSource;
  readonly reason: string;
  readonly envoy_proxy_id: string;
  readonly proxy_name: string;
  readonly actor_kind: Actor['kind'];
  readonly actor_id: string | null;
  readonly actor_name: string;
}

interface ResolvedRow {
  readonly group_id: string;
  readonly id: string;
  readonly name: string;
}

export const MEMBER_LIST: ListDefinition = {
  name: 'group-members',
  keys: { name: { column: 'p.name', type: 'text', unique: true } },
  defaultSort: 'name',
  id: { column: 'p.id', type: 'uuid', unique: true },
};

/** By their position: times of what one transaction did are equal. */
export const MEMBERSHIP_EVENT_LIST: ListDefinition = {
  name: 'membership-events',
  keys: { at: { column: 'e.position', type: 'bigint', unique: true } },
  defaultSort: '-at',
  id: { column: 'e.position', type: 'bigint', unique: true },
};

/** Who belongs to groups: what people put into them, what their selectors match, and what belongs to the groups under them. */
@Injectable()
export class GroupMembers {
  constructor(private readonly database: Database) {}

  /**
   * The proxies of all these groups and of those under them, each once, by name, in the caller's transaction.
   * @returns a finding for each address that leads to no group, or to one that is not active; the pointer is its place, such as `/2`
   */
  async resolve(tx: Transaction, _ctx: RequestContext, addresses: readonly Address[]): Promise<ResolvedProxies> {
    const groups = await tx.query<{ id: string; name: string; is_active: boolean }>(
      `select id, name, is_active from proxy_groups where id = any($1::uuid[])
       union select id, name, is_active from proxy_groups where name = any($2)`,
      [
        addresses.flatMap((address) => ('id' in address ? [address.id] : [])),
        addresses.flatMap((address) => ('name' in address ? [address.name] : [])),
      ],
    );
    const findings = addresses.flatMap((address, i) => {
      const group = groups.find(({ id, name }) => ('id' in address ? id === address.id : name === address.name));
      return group?.is_active === true ? [] : [unusable(i, address, group !== undefined)];
    });
    const ids = await withDescendants(
      tx,
      groups.map(({ id }) => id),
    );
    const proxies = await tx.query<ResolvedRow>(
      `select p.id, p.name from envoy_proxies p
        where p.id in (select m.envoy_proxy_id from proxy_group_members m where m.proxy_group_id = any($1::uuid[])) order by p.name`,
      [ids],
    );
    return { proxies: proxies.map(({ id, name }) => ({ id, name })), findings };
  }

  /** The proxies of the group and of those under it, by name. @throws ProblemError 404 */
  async proxies(
    ctx: RequestContext,
    address: Address,
    filter: ProxyFilter,
    query: ListQuery,
  ): Promise<Page<ProxyView>> {
    return this.database.tenant(ctx, async (tx) => {
      const group = await findGroup(tx, address);
      const page = new ListPage(PROXY_LIST, { tenantId: ctx.tenantId, query, filters: { group, ...filter } });
      const groupIds = await withDescendants(tx, [group]);
      return listProxyViews(tx, { ...filter, groupIds }, page);
    });
  }

  /** Who belongs to the group itself, and why, by name. @throws ProblemError 404 */
  async list(ctx: RequestContext, address: Address, query: ListQuery): Promise<Page<GroupMember>> {
    return this.database.tenant(ctx, async (tx) => {
      const group = await findGroup(tx, address);
      const page = new ListPage(MEMBER_LIST, { tenantId: ctx.tenantId, query, filters: { group } });
      return listMembers(tx, group, page);
    });
  }

  /** Puts a proxy into the group; again changes nothing. @throws ProblemError 404 for either of them */
  async add(ctx: RequestContext, address: Address, proxy: Address): Promise<void> {
    await this.database.tenant(ctx, async (tx) => {
      const groupId = await findGroup(tx, address);
      await this.addIn(tx, ctx, { groupId, proxy: await findProxy(tx, proxy), reason: 'added' });
    });
  }

  /** The same in the caller's transaction. */
  async addIn(
    tx: Transaction,
    { tenantId }: RequestContext,
    { groupId, proxy, reason }: { groupId: string; proxy: ProxyRef; reason: 'added' | 'enrolled' },
  ): Promise<void> {
    await tx.query(
      `with added as (
         insert into proxy_group_members (tenant_id, proxy_group_id, envoy_proxy_id, source) values ($1, $2, $3, 'static')
         on conflict do nothing returning 1)
       insert into group_membership_events (tenant_id, proxy_group_id, envoy_proxy_id, proxy_name, change, source, reason)
       select $1, $2, $3, $4, 'joined', 'static', $5 from added`,
      [tenantId, groupId, proxy.id, proxy.name, reason],
    );
  }

  /**
   * Takes a proxy out that was put in. One that the selector matches too still belongs to the group.
   * @throws ProblemError 404 also for a proxy that nobody put in
   */
  async remove(ctx: RequestContext, address: Address, proxyAddress: Address): Promise<void> {
    await this.database.tenant(ctx, async (tx) => {
      const groupId = await findGroup(tx, address);
      const proxy = await findProxy(tx, proxyAddress);
      const removed = await tx.query(
        `with removed as (
           delete from proxy_group_members where proxy_group_id = $2 and envoy_proxy_id = $3 and source = 'static' returning 1)
         insert into group_membership_events (tenant_id, proxy_group_id, envoy_proxy_id, proxy_name, change, source, reason)
         select $1, $2, $3, $4, 'left', 'static', 'removed' from removed returning 1 as gone`,
        [ctx.tenantId, groupId, proxy.id, proxy.name],
      );
      if (removed.length > 0) return;
      throw infrastructureProblems.memberNotFound({
        detail: `"${proxy.name}" was not put into the group. What its selector matches leaves when labels or selector change.`,
      });
    });
  }

  /** What changed, the newest first; of the group itself, not of those under it. @throws ProblemError 404 */
  async events(ctx: RequestContext, address: Address, query: ListQuery): Promise<Page<MembershipEvent>> {
    return this.database.tenant(ctx, async (tx) => {
      const group = await findGroup(tx, address);
      const page = new ListPage(MEMBERSHIP_EVENT_LIST, { tenantId: ctx.tenantId, query, filters: { group } });
      return listMembershipEvents(tx, group, page);
    });
  }
}

export async function listMembers(tx: Transaction, groupId: string, page: ListPage): Promise<Page<GroupMember>> {
  const conditions = new Conditions();
  conditions.equal('m.proxy_group_id', groupId);
  page.addTo(conditions);
  const order = page.order;
  const rows = await tx.query<MemberRow & Placed>(
    `select p.id, p.name, array_agg(m.source order by m.source desc) as sources, min(m.joined_at) as joined_at, ${page.placeColumn}
       from proxy_group_members m join envoy_proxies p on p.tenant_id = m.tenant_id and p.id = m.envoy_proxy_id
      where ${conditions.sql} group by p.id, p.name ${order}`,
    conditions.params,
  );
  return page.page(rows, ({ id, name, sources, joined_at: joinedAt }) => ({ proxy: { id, name }, sources, joinedAt }));
}

export async function listMembershipEvents(
  tx: Transaction,
  groupId: string,
  page: ListPage,
): Promise<Page<MembershipEvent>> {
  const conditions = new Conditions();
  conditions.equal('e.proxy_group_id', groupId);
  page.addTo(conditions);
  const order = page.order;
  const rows = await tx.query<EventRow & Placed>(
    `select e.id, e.happened_at, e.change, e.source, e.reason, e.envoy_proxy_id, e.proxy_name, e.actor_kind, e.actor_id, e.actor_name,
            ${page.placeColumn}
       from group_membership_events e where ${conditions.sql} ${order}`,
    conditions.params,
  );
  return page.page(rows, eventOf);
}

/** These groups and all under them. */
export async function withDescendants(tx: Transaction, groupIds: readonly string[]): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(
    `with recursive below as (
       select id from proxy_groups where id = any($1::uuid[])
       union select g.id from proxy_groups g join below on g.parent_id = below.id)
     select id from below`,
    [groupIds],
  );
  return rows.map(({ id }) => id);
}

async function findGroup(tx: Transaction, address: Address): Promise<string> {
  const [column, value] = 'id' in address ? ['id', address.id] : ['name', address.name];
  const rows = await tx.query<{ id: string }>(`select id from proxy_groups where ${column} = $1 for key share`, [
    value,
  ]);
  if (!rows[0]) throw groupNotFound(address);
  return rows[0].id;
}

async function findProxy(tx: Transaction, address: Address): Promise<ProxyRef> {
  const [column, value] = 'id' in address ? ['id', address.id] : ['name', address.name];
  const rows = await tx.query<ProxyRef>(`select id, name from envoy_proxies where ${column} = $1 for key share`, [
    value,
  ]);
  if (!rows[0]) throw notFound(address);
  return rows[0];
}

function unusable(index: number, address: Address, exists: boolean): Finding {
  const called = 'id' in address ? `with the id ${address.id}` : `named "${address.name}"`;
  return {
    pointer: pointerTo('', index),
    rule: exists ? 'group.inactive' : 'reference.proxy-group',
    detail: exists
      ? `the proxy group ${called} is not active; activate it or take it out`
      : `there is no proxy group ${called}; make it first or take it out`,
    severity: 'error',
  };
}

function eventOf(row: EventRow): MembershipEvent {
  return {
    id: row.id,
    at: row.happened_at,
    change: row.change,
    source: row.source,
    reason: row.reason,
    proxy: { id: row.envoy_proxy_id, name: row.proxy_name },
    actor: { kind: row.actor_kind, id: row.actor_id, name: row.actor_name },
  };
}
