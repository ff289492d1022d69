import type { StoredEvent } from '../../common/database/outbox.js';

/** What a stream shows, beside what the principal may read. */
export interface EventFilter {
  /** Types, or beginnings of types with `*` behind them; absent: all. */
  readonly types?: readonly string[];
  readonly subjectId?: string;
}

/** The permission that an event needs: that of reading what its type begins with, `endpoint-overrides:read` for `endpoint_override.created`. */
export function permissionOf(type: string): string {
  const [kind = type] = type.replaceAll('_', '-').split('.');
  return `${kind.endsWith('y') ? `${kind.slice(0, -1)}ies` : `${kind}s`}:read`;
}

export function matches({ types, subjectId }: EventFilter, event: StoredEvent): boolean {
  if (subjectId !== undefined && event.subjectId !== subjectId) return false;
  return types?.some((wanted) => covers(wanted, event.type)) ?? true;
}

const covers = (wanted: string, type: string): boolean =>
  wanted.endsWith('*') ? type.startsWith(wanted.slice(0, -1)) : type === wanted;
