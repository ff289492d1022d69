import { newId } from '../context/ids.js';
import type { Database, Transaction } from './database.js';

/** A fact that other modules are told of. */
export interface OutboxEvent {
  readonly tenantId: string;
  /** For instance `version.committed`. */
  readonly type: string;
  readonly subjectId: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

export interface StoredEvent extends OutboxEvent {
  readonly id: string;
  readonly createdAt: Date;
}

interface Row {
  readonly xid: string;
  readonly id: string;
  readonly tenant_id: string;
  readonly type: string;
  readonly subject_id: string;
  readonly payload: Record<string, unknown>;
  readonly created_at: Date;
}

/** Stores an event in the caller's transaction: it is told exactly when the fact it tells is committed. */
export const appendEvent = (tx: Transaction, event: OutboxEvent): Promise<void> => appendEvents(tx, [event]);

/** The same for many, in one statement whatever their number. */
export async function appendEvents(tx: Transaction, events: readonly OutboxEvent[]): Promise<void> {
  if (events.length === 0) return;
  await tx.query(
    `insert into outbox_events (tenant_id, id, type, subject_id, payload)
     select e.* from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::jsonb[]) as e (tenant_id, id, type, subject_id, payload)`,
    [
      events.map(({ tenantId }) => tenantId),
      events.map(() => newId()),
      events.map(({ type }) => type),
      events.map(({ subjectId }) => subjectId),
      events.map(({ payload }) => JSON.stringify(payload)),
    ],
  );
}

/**
 * Reads events in an order that commits cannot overtake. Ids and times are given before COMMIT, so a reader that remembers the highest one
 * it saw loses every transaction that commits later with a lower one. Events are read by (transaction, id) instead, and only those of
 * transactions below the oldest one that is still running.
 */
export class OutboxReader {
  constructor(
    private readonly database: Database,
    /** Names the cursor; replicas that share a name share the work. */
    private readonly consumer: string,
  ) {}

  /**
   * Hands over the next events and moves the cursor, in one transaction: when `handle` throws, the same events come again. One reader of a
   * consumer works at a time, others wait.
   * @param handle gets the transaction as `efms_system`, so that what it stores is stored once; it is not called without events
   * @returns how many events were handed over
   */
  async next(
    limit: number,
    handle: (events: readonly StoredEvent[], tx: Transaction) => Promise<void>,
  ): Promise<number> {
    return this.database.system(async (tx) => {
      const [cursor] = await this.lockCursor(tx);
      const rows = await tx.query<Row>(
        `select xid, id, tenant_id, type, subject_id, payload, created_at from outbox_events
          where (xid, id) > ($1::xid8, $2::uuid) and xid < pg_snapshot_xmin(pg_current_snapshot())
          order by xid, id limit $3`,
        [cursor?.xid, cursor?.id, limit],
      );
      const last = rows.at(-1);
      if (!last) return 0;
      await handle(rows.map(toEvent), tx);
      await tx.query('update outbox_cursors set xid = $2, id = $3 where consumer = $1', [
        this.consumer,
        last.xid,
        last.id,
      ]);
      return rows.length;
    });
  }

  private async lockCursor(tx: Transaction): Promise<{ xid: string; id: string }[]> {
    await tx.query(
      `insert into outbox_cursors (consumer, xid, id) values ($1, '0', '00000000-0000-0000-0000-000000000000')
       on conflict (consumer) do nothing`,
      [this.consumer],
    );
    return tx.query('select xid, id from outbox_cursors where consumer = $1 for update', [this.consumer]);
  }
}

/** Removes events older than `days` that every consumer has read, at most `limit` of them. @returns how many */
export async function pruneOutbox(database: Database, days: number, limit = 10_000): Promise<number> {
  return database.system(async (tx) => {
    const rows = await tx.query(
      `with read as materialized (
         select tenant_id, id from outbox_events e where created_at < now() - $1 * interval '1 day'
            and not exists (select from outbox_cursors c where (c.xid, c.id) < (e.xid, e.id)) order by xid, id limit $2)
       delete from outbox_events e using read where e.tenant_id = read.tenant_id and e.id = read.id returning 1 as removed`,
      [days, limit],
    );
    return rows.length;
  });
}

function toEvent(row: Row): StoredEvent {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    type: row.type,
    subjectId: row.subject_id,
    payload: row.payload,
    createdAt: row.created_at,
  };
}
