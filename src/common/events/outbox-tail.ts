import type { Transaction } from '../database/database.js';
import type { StoredEvent } from '../database/outbox.js';

/** A place in the outbox. No event will ever come to stand before a place that was read once: see OutboxReader. */
export interface OutboxPosition {
  /** Of the transaction, as decimal text. */
  readonly xid: string;
  readonly id: string;
}

export interface PlacedEvent extends StoredEvent, Pick<OutboxPosition, 'xid'> {}

export interface TailSlice {
  readonly after: OutboxPosition;
  /** The last place to read; absent: whatever is settled. */
  readonly until?: OutboxPosition;
  readonly tenantId?: string;
  readonly subjectId?: string;
  readonly limit: number;
}

const BEFORE_ALL_IDS = '00000000-0000-0000-0000-000000000000';
/** The place before the oldest event that is kept. */
export const OLDEST: OutboxPosition = { xid: '0', id: BEFORE_ALL_IDS };

/** Whether `place` stands behind `other`, in the order in which PostgreSQL reads them. */
export function standsBehind(place: OutboxPosition, other: OutboxPosition): boolean {
  const [xid, otherXid] = [BigInt(place.xid), BigInt(other.xid)];
  return xid === otherXid ? place.id > other.id : xid > otherXid;
}

const COLUMNS = `xid, id, tenant_id as "tenantId", type, subject_id as "subjectId", payload, created_at as "createdAt"`;

/** The place behind everything that is settled now: what commits from now on stands after it. Of a transaction as `efms_system`. */
export async function settledEnd(tx: Transaction): Promise<OutboxPosition> {
  const [row] = await tx.query<{ xid: string }>('select pg_snapshot_xmin(pg_current_snapshot()) as xid');
  if (!row) throw new Error('the database has no snapshot');
  return { xid: row.xid, id: BEFORE_ALL_IDS };
}

/**
 * Reads on without a cursor in the database, for readers that remember their own place and need no event twice. Of a transaction as
 * `efms_system`.
 */
export function readSettled(
  tx: Transaction,
  { after, until, tenantId, subjectId, limit }: TailSlice,
): Promise<PlacedEvent[]> {
  const params: unknown[] = [after.xid, after.id, limit];
  const parameter = (value: unknown): string => `$${params.push(value)}`;
  const conditions = ['(xid, id) > ($1::xid8, $2::uuid)', 'xid < pg_snapshot_xmin(pg_current_snapshot())'];
  if (until) conditions.push(`(xid, id) <= (${parameter(until.xid)}::xid8, ${parameter(until.id)}::uuid)`);
  if (tenantId !== undefined) conditions.push(`tenant_id = ${parameter(tenantId)}`);
  if (subjectId !== undefined) conditions.push(`subject_id = ${parameter(subjectId)}`);
  return tx.query<PlacedEvent>(
    `select ${COLUMNS} from outbox_events where ${conditions.join(' and ')} order by xid, id limit $3`,
    params,
  );
}
