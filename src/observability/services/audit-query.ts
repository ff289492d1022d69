import type { Transaction } from '../../common/database/database.js';
import type { AuditFilters, AuditEntryDto } from '../dto/audit.dto.js';
import { isUuid } from '../../common/context/ids.js';
import { exactTime } from './audit-links.js';
import type { AuditScope } from './audit-scope.js';
import { auditWindow } from './audit-window.js';

/** What to search for, as plain data. */
export type AuditCriteria = Pick<AuditFilters, Exclude<keyof AuditFilters, 'scope'>>;

/** A place in the log: what is told before it and what after it never changes. */
export interface AuditPosition {
  /** As `AuditEntryDto.at`, microseconds included. */
  readonly at: string;
  readonly id: string;
}

export interface AuditSlice {
  readonly scope: AuditScope;
  readonly order: 'newest first' | 'oldest first';
  /** Where to go on; absent: at the beginning of that order. */
  readonly after?: AuditPosition;
  readonly limit: number;
}

const COLUMNS = `id, ${exactTime('created_at')} as at, jsonb_build_object('kind', actor_kind, 'id', actor_id, 'name', actor_name) as actor, action,
  jsonb_build_object('type', resource_type, 'id', resource_id, 'name', resource_name) as resource, outcome, changes,
  host(ip_address) as ip, user_agent as "userAgent", request_id as "requestId"`;

/**
 * Reads entries of a scope, in a transaction of it. The time window bounds what is read at all: the index on (tenant, time) serves it under
 * row-level security, and partitions beyond it are not opened (DATA.md).
 */
export function readAudit(
  tx: Transaction,
  { from, to, ...filters }: AuditCriteria,
  { scope, order, after, limit }: AuditSlice,
): Promise<AuditEntryDto[]> {
  const params: unknown[] = [from?.toISOString() ?? null, to?.toISOString() ?? null];
  const parameter = (value: unknown): string => `$${params.push(value)}`;
  const conditions = [
    scope.rows('audit_logs'),
    auditWindow('created_at'),
    ...matching(filters).map(([column, value]) => `${column} = ${parameter(value)}`),
  ];
  const [direction, sign] = order === 'newest first' ? ['desc', '<'] : ['asc', '>'];
  if (after) {
    const at = `${parameter(after.at)}::timestamptz`;
    // The first condition says nothing new, but only it keeps partitions closed.
    conditions.push(`created_at ${sign}= ${at}`, `(created_at, id) ${sign} (${at}, ${parameter(after.id)}::uuid)`);
  }
  return tx.query<AuditEntryDto>(
    `select ${COLUMNS} from audit_logs where ${conditions.join(' and ')}
      order by created_at ${direction}, id ${direction} limit ${parameter(limit)}`,
    params,
  );
}

function matching(filters: Omit<AuditCriteria, 'from' | 'to'>): readonly (readonly [column: string, value: string])[] {
  const { actor } = filters;
  const byId = actor !== undefined && isUuid(actor);
  const wanted: readonly (readonly [string, string | undefined])[] = [
    byId ? ['actor_id', actor.toLowerCase()] : ['actor_name', actor],
    ['resource_type', filters.resourceType],
    ['resource_id', filters.resourceId],
    ['resource_name', filters.resourceName],
    ['action', filters.action],
    ['outcome', filters.outcome],
    ['request_id', filters.requestId],
  ];
  return wanted.flatMap(([column, value]) => (value === undefined ? [] : [[column, value] as const]));
}
