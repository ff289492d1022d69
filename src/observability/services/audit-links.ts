import { createHash } from 'node:crypto';

/** Whose chain rows of the platform, which have no tenant, belong to. */
export const PLATFORM_CHAIN = '00000000-0000-0000-0000-000000000000';

/** The hash before the first link. */
export const FIRST_HASH = Buffer.alloc(32);

/** A time of the log as text in which no microsecond is lost. */
export const exactTime = (column: string): string =>
  `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/**
 * SQL for the text of a row of `audit_logs` that its link covers: every column but the transaction id, as PostgreSQL prints the JSON array
 * of them. What the row says cannot change without changing this text.
 */
export const linkedText = (row: string): string =>
  `jsonb_build_array(${[
    exactTime(`${row}.created_at`),
    ...['id', 'tenant_id', 'actor_kind', 'actor_id', 'actor_name', 'action', 'resource_type', 'resource_id'],
    ...['resource_name', 'changes', 'ip_address', 'user_agent', 'request_id', 'outcome'],
  ]
    .map((column, i) => (i === 0 ? column : `${row}.${column}`))
    .join(', ')})::text`;

/** The hash of a link: SHA-256 over the 32 bytes of the hash before it and the UTF-8 text of the row. */
export const linkHash = (previous: Buffer, text: string): Buffer =>
  createHash('sha256').update(previous).update(text, 'utf8').digest();
