import type { Transaction } from '../../common/database/database.js';
import { RESOURCE_TYPES, type ResourceKind } from '../resource-types.js';
import { IS_LIVE } from './live-streams.js';

/** Where a proxy stands with one type, in the words of istioctl and CSDS. */
export interface TypeSync {
  readonly state: 'SYNCED' | 'NOT_SENT' | 'STALE' | 'ERROR';
  readonly sentVersion: string | null;
  readonly sentAt: Date | null;
  readonly ackedVersion: string | null;
  readonly ackedAt: Date | null;
  /** The refusal that stands. */
  readonly error?: { readonly code: number; readonly message: string; readonly at: Date };
}

/** By kind: those that the proxy is served, and those that it was ever sent. */
export type SyncByKind = Readonly<Partial<Record<ResourceKind, TypeSync>>>;

/** What the ledger has of a type on one stream. */
export interface LedgerRow {
  readonly proxy_id: string;
  readonly kind: ResourceKind;
  readonly sent_version: string | null;
  readonly sent_at: Date | null;
  readonly acked_version: string | null;
  readonly acked_at: Date | null;
  readonly is_acked: boolean;
  readonly is_refused: boolean;
  readonly nacked_at: Date | null;
  readonly error_code: number | null;
  readonly error_message: string | null;
}

/** What the newest live streams of the proxies, or their last ones, have in the ledger. */
export function ledgerRows(tx: Transaction, tenantId: string, proxyIds: readonly string[]): Promise<LedgerRow[]> {
  // Compared here: a Date has milliseconds only.
  return tx.query(
    `select wanted.proxy_id, a.kind, a.sent_version, a.sent_at, a.acked_version, a.acked_at, a.nacked_at, a.error_code, a.error_message,
            coalesce(a.acked_at >= coalesce(a.sent_at, '-infinity'), false) as is_acked,
            coalesce(a.nacked_at > coalesce(a.acked_at, '-infinity'), false) as is_refused
       from unnest($2::uuid[]) as wanted (proxy_id)
       cross join lateral (
         select s.id from xds_streams s cross join lateral (select ${IS_LIVE} as is_live) live
          where s.tenant_id = $1 and s.proxy_id = wanted.proxy_id
          order by live.is_live desc, s.connected_at desc, s.id desc limit 1) newest
       join resource_acknowledgements a on a.tenant_id = $1 and a.stream_id = newest.id`,
    [tenantId, proxyIds],
  );
}

/** @param hasAll whether the proxy has all that it is served, whatever it was sent on its newest stream */
export function syncOf(served: ReadonlySet<ResourceKind>, rows: readonly LedgerRow[], hasAll: boolean): SyncByKind {
  const sync: Partial<Record<ResourceKind, TypeSync>> = {};
  for (const { kind } of RESOURCE_TYPES) {
    const row = rows.find((candidate) => candidate.kind === kind);
    if (row || served.has(kind)) sync[kind] = typeSync(row, hasAll);
  }
  return sync;
}

function typeSync(row: LedgerRow | undefined, hasAll: boolean): TypeSync {
  return {
    state: stateOf(row, hasAll),
    sentVersion: row?.sent_version ?? null,
    sentAt: row?.sent_at ?? null,
    ackedVersion: row?.acked_version ?? null,
    ackedAt: row?.acked_at ?? null,
    ...(row?.is_refused && row.nacked_at
      ? { error: { code: row.error_code ?? 0, message: row.error_message ?? '', at: row.nacked_at } }
      : {}),
  };
}

function stateOf(row: LedgerRow | undefined, hasAll: boolean): TypeSync['state'] {
  if (row?.is_refused) return 'ERROR';
  // Whoever proved on connecting to have everything was sent nothing.
  if (hasAll || row?.is_acked) return 'SYNCED';
  return row?.sent_at ? 'STALE' : 'NOT_SENT';
}
