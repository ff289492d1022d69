import { Injectable } from '@nestjs/common';
import { newId } from '../../common/context/ids.js';
import type { Actor, RequestContext } from '../../common/context/request-context.js';
import { Database, type Transaction } from '../../common/database/database.js';
import { appendEvent } from '../../common/database/outbox.js';
import type { Address } from '../../common/http/address.js';
import { type ListDefinition, ListPage, type ListQuery, type Placed } from '../../common/http/list.js';
import type { Page } from '../../common/http/page.js';
import type { LifecycleState } from '../entities/envoy-proxy.entity.js';
import { ListConditions } from './list-conditions.js';
import type { ProxyRef } from './proxy-directory.js';
import { findProxyView, type ProxyView } from './proxy-views.js';
import { notFound } from './proxies.service.js';
import type { InfrastructureEvent } from '../infrastructure.events.js';

export interface LifecycleChange {
  readonly state: LifecycleState;
  readonly reason?: string;
}

/** One change of a proxy's lifecycle; the proxy may be gone. */
export interface LifecycleEvent {
  readonly id: string;
  readonly at: Date;
  readonly from: LifecycleState;
  readonly to: LifecycleState;
  readonly reason: string;
  readonly proxy: ProxyRef;
  readonly actor: Actor;
}

const LIFECYCLE_EVENT_LIST: ListDefinition = {
  name: 'proxy-lifecycle-events',
  keys: { at: { column: 'e.happened_at', type: 'timestamptz' } },
  defaultSort: '-at',
  id: { column: 'e.id', type: 'uuid', unique: true },
};

interface LockedProxy extends ProxyRef {
  readonly state: LifecycleState;
}

interface EventRow extends Omit<LifecycleEvent, 'proxy' | 'actor'> {
  readonly proxy_id: string;
  readonly proxy_name: string;
  readonly actor_kind: Actor['kind'];
  readonly actor_id: string | null;
  readonly actor_name: string;
}

/** Whether proxies are meant to serve, as people say it, and who said so. */
@Injectable()
export class ProxyLifecycle {
  constructor(private readonly database: Database) {}

  /** Any state may follow any other; the one that it has already changes and records nothing. @throws ProblemError 404 */
  change(ctx: RequestContext, address: Address, { state, reason = '' }: LifecycleChange): Promise<ProxyView> {
    return this.database.tenant(ctx, async (tx) => {
      const proxy = await lock(tx, address);
      if (proxy.state !== state) {
        await tx.query('update envoy_proxies set lifecycle_state = $2 where id = $1', [proxy.id, state]);
        await record(tx, ctx, proxy, { state, reason });
      }
      const view = await findProxyView(tx, { id: proxy.id });
      if (!view) throw new Error(`proxy ${proxy.id} was written and cannot be read`);
      return view;
    });
  }

  /** The newest first. That of a proxy that was deleted is found by its id. @throws ProblemError 404 */
  events(ctx: RequestContext, address: Address, query: ListQuery): Promise<Page<LifecycleEvent>> {
    return this.database.tenant(ctx, async (tx) =>
      listLifecycleEvents(tx, ctx, await idWithHistory(tx, address), query),
    );
  }
}

export async function listLifecycleEvents(
  tx: Transaction,
  { tenantId }: Pick<RequestContext, 'tenantId'>,
  proxyId: string,
  query: ListQuery,
): Promise<Page<LifecycleEvent>> {
  const page = new ListPage(LIFECYCLE_EVENT_LIST, { tenantId, query, filters: { proxyId } });
  const conditions = new ListConditions();
  conditions.equal('e.proxy_id', proxyId);
  page.addTo(conditions);
  const order = page.order;
  const rows = await tx.query<EventRow & Placed>(
    `select e.id, e.happened_at as at, e.from_state as "from", e.to_state as "to", e.reason, e.proxy_id, e.proxy_name,
            e.actor_kind, e.actor_id, e.actor_name, ${page.placeColumn}
       from proxy_lifecycle_events e where ${conditions.sql} ${order}`,
    conditions.params,
  );
  return page.page(rows, eventOf);
}

async function lock(tx: Transaction, address: Address): Promise<LockedProxy> {
  const [column, value] = 'id' in address ? ['id', address.id] : ['name', address.name];
  const rows = await tx.query<LockedProxy>(
    `select id, name, lifecycle_state as state from envoy_proxies where ${column} = $1 for no key update`,
    [value],
  );
  if (!rows[0]) throw notFound(address);
  return rows[0];
}

async function record(
  tx: Transaction,
  { tenantId, actor }: RequestContext,
  { id: proxyId, name, state: from }: LockedProxy,
  { state: to, reason }: Required<LifecycleChange>,
): Promise<void> {
  await tx.query(
    `insert into proxy_lifecycle_events
       (tenant_id, id, proxy_id, proxy_name, from_state, to_state, reason, actor_kind, actor_id, actor_name)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [tenantId, newId(), proxyId, name, from, to, reason, actor.kind, actor.id, actor.name],
  );
  const event: InfrastructureEvent = { type: 'proxy.lifecycle_changed', payload: { name, from, to, reason } };
  await appendEvent(tx, { tenantId, subjectId: proxyId, ...event });
}

/** A name leads to the proxy that has it now; ids are given once, so one that a proxy had still leads to its history. */
async function idWithHistory(tx: Transaction, address: Address): Promise<string> {
  const rows =
    'name' in address
      ? await tx.query<{ id: string }>('select id from envoy_proxies where name = $1', [address.name])
      : await tx.query<{ id: string }>(
          `select $1::uuid as id where exists (select from envoy_proxies where id = $1)
              or exists (select from proxy_lifecycle_events where proxy_id = $1)`,
          [address.id],
        );
  if (!rows[0]) throw notFound(address);
  return rows[0].id;
}

function eventOf({
  proxy_id: proxyId,
  proxy_name: proxyName,
  actor_kind: kind,
  actor_id: id,
  actor_name: name,
  ...row
}: EventRow & Partial<Placed>): LifecycleEvent {
  const { place: _, ...event } = row;
  return { ...event, proxy: { id: proxyId, name: proxyName }, actor: { kind, id, name } };
}
