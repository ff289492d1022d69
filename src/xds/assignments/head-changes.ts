import type { Database } from '../../common/database/database.js';
import type { ProxyKey } from '../../infrastructure/index.js';

/** Up to where heads were looked at; to be handed back as it is. */
export interface HeadCursor {
  /** The oldest transaction that was still running. */
  readonly xid: string;
  /** Microseconds of the database, since its epoch. */
  readonly time: string;
}

/** What may have changed since a look. */
export interface HeadChanges {
  readonly cursor: HeadCursor;
  /** Proxies whose heads changed, those that are gone, and tenants of which any proxy may be concerned; or it is not known. */
  readonly changed: { readonly proxies: readonly ProxyKey[]; readonly tenants: readonly string[] } | 'unknown';
}

interface Row {
  readonly xid: string;
  readonly time: string;
  readonly went_back: boolean;
  readonly tenant_id: string | null;
  /** With commas between them: thousands of rows would cost more than what is in them. */
  readonly proxies: string | null;
  readonly is_any: boolean | null;
}

/**
 * Which heads changed since the last look, at a cost that does not depend on how many there are (migration 0023). Everything that was
 * committed since `since` was read is among the changes; some that was read before may be once more.
 * @param since null for the first look
 */
export async function changedHeads(database: Database, since: HeadCursor | null): Promise<HeadChanges> {
  const rows = await database.system((tx) =>
    tx.query<Row>(
      `with now as materialized (
         select pg_snapshot_xmin(pg_current_snapshot()) as xid, (extract(epoch from now()) * 1000000)::bigint as time)
       select now.xid, now.time, now.xid < $1::xid8 as went_back, changed.tenant_id, changed.proxies, changed.is_any
         from now left join (
           select tenant_id, string_agg(proxy_id::text, ',') as proxies, bool_or(proxy_id is null) as is_any from (
             select tenant_id, proxy_id from proxy_heads where changed_xid >= $1::xid8
             union all
             select tenant_id, proxy_id from proxy_removals where removed_xid >= $1::xid8
             union all
             -- An override of endpoints ends by time, without a word to any head until its row is removed.
             select distinct tenant_id, null::uuid from endpoint_overrides
              where expires_at > to_timestamp($2::numeric / 1000000) and expires_at <= now()
           ) as one group by tenant_id
         ) as changed on $1::xid8 is not null`,
      [since?.xid ?? null, since?.time ?? null],
    ),
  );
  const [first] = rows;
  if (!first) throw new Error('the database did not say where it stands');
  const cursor = { xid: first.xid, time: first.time };
  // A database that was restored, or a standby that took over, may be behind what was looked at before.
  if (since === null || first.went_back) return { cursor, changed: 'unknown' };
  const proxies: ProxyKey[] = [];
  const tenants: string[] = [];
  for (const { tenant_id: tenantId, proxies: ids, is_any: isAny } of rows) {
    if (tenantId === null) continue;
    if (isAny) tenants.push(tenantId);
    if (ids !== null) for (const proxyId of ids.split(',')) proxies.push({ tenantId, proxyId });
  }
  return { cursor, changed: { proxies, tenants } };
}
