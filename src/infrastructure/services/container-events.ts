import { newId } from '../../common/context/ids.js';
import type { Actor, RequestContext } from '../../common/context/request-context.js';
import type { Transaction } from '../../common/database/database.js';
import { type ListDefinition, ListPage, type Placed } from '../../common/http/list.js';
import type { Page, PageQuery } from '../../common/http/page.js';
import { type ContainerEventKind, type ContainerStatus, TRANSITIONS } from './container-lifecycle.js';
import { ListConditions } from './list-conditions.js';

/** Something that is told to have happened to a container. */
export interface ReportedEvent {
  readonly kind: ContainerEventKind;
  /** When; now unless told. */
  readonly at?: Date;
  readonly exitCode?: number;
  readonly message?: string;
}

export interface ContainerEvent {
  readonly id: string;
  readonly kind: ContainerEventKind;
  readonly at: Date;
  readonly recordedAt: Date;
  readonly exitCode: number | null;
  readonly message: string;
  readonly actor: Actor;
}

/** Ids are UUIDv7: their order is that in which events were recorded. */
const CONTAINER_EVENT_LIST: ListDefinition = {
  name: 'container-events',
  keys: { recorded: { column: 'e.id', type: 'uuid', unique: true } },
  defaultSort: '-recorded',
  id: { column: 'e.id', type: 'uuid', unique: true },
};

/** Records what happened; what is known of the container follows, unless something later is known already. */
export async function recordContainerEvent(
  tx: Transaction,
  ctx: RequestContext,
  containerId: string,
  event: ReportedEvent,
): Promise<ContainerEvent> {
  const [stored] = await tx.query<EventRow>(
    `insert into container_events as e
       (tenant_id, id, container_id, kind, happened_at, exit_code, message, actor_kind, actor_id, actor_name)
     values ($1, $2, $3, $4, coalesce($5::timestamptz, now()), $6, $7, $8, $9, $10) returning ${EVENT_COLUMNS}`,
    [
      ctx.tenantId,
      newId(),
      containerId,
      event.kind,
      event.at ?? null,
      event.exitCode ?? null,
      event.message ?? '',
      ctx.actor.kind,
      ctx.actor.id,
      ctx.actor.name,
    ],
  );
  if (!stored) throw new Error(`the event of container ${containerId} was not stored`);
  await follow(tx, containerId, { ...event, at: stored.at });
  return eventOf(stored);
}

interface EventRow extends Omit<ContainerEvent, 'actor'> {
  readonly actor_kind: Actor['kind'];
  readonly actor_id: string | null;
  readonly actor_name: string;
}

const EVENT_COLUMNS = `e.id, e.kind, e.happened_at as at, e.recorded_at as "recordedAt", e.exit_code as "exitCode", e.message,
  e.actor_kind, e.actor_id, e.actor_name`;

/** The newest report first. */
export async function listContainerEvents(
  tx: Transaction,
  { tenantId }: Pick<RequestContext, 'tenantId'>,
  containerId: string,
  query: PageQuery,
): Promise<Page<ContainerEvent>> {
  const page = new ListPage(CONTAINER_EVENT_LIST, { tenantId, query, filters: { containerId } });
  const conditions = new ListConditions();
  conditions.equal('e.container_id', containerId);
  page.addTo(conditions);
  const order = page.order;
  const rows = await tx.query<EventRow & Placed>(
    `select ${EVENT_COLUMNS}, ${page.placeColumn} from container_events e where ${conditions.sql} ${order}`,
    conditions.params,
  );
  return page.page(rows, eventOf);
}

async function follow(
  tx: Transaction,
  containerId: string,
  { kind, at, exitCode }: ReportedEvent & { readonly at: Date },
): Promise<void> {
  const { status, health, starts = false, countsAsRestart = false } = TRANSITIONS[kind];
  const ended: ContainerStatus = 'exited';
  await tx.query(
    `update container_status
        set status = coalesce($2, status), health = coalesce($3, health), as_of = $4,
            started_at = case when $5 then $4 else started_at end,
            restart_count = restart_count + case when $6 then 1 else 0 end,
            exit_code = case when $2 = $7 then $8 when $2 is null then exit_code end
      where container_id = $1 and (as_of is null or as_of <= $4)`,
    [containerId, status ?? null, health ?? null, at, starts, countsAsRestart, ended, exitCode ?? null],
  );
}

function eventOf({
  actor_kind: kind,
  actor_id: id,
  actor_name: name,
  ...row
}: EventRow & Partial<Placed>): ContainerEvent {
  const { place: _, ...event } = row;
  return { ...event, actor: { kind, id, name } };
}
