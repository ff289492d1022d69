import type { Transaction } from '../../common/database/database.js';
import type { ProxyKey } from '../../infrastructure/index.js';
import { publish } from '../proxy-facts.js';
import type { ResourceKind } from '../resource-types.js';

/** Why a snapshot is held back from a proxy: it was refused, or processes that were sent it went down. */
export type QuarantineReason = 'nack' | 'crash_loop';

/** Whose fault it looks like. What the machine lacks (a port, a file) may be there later, with the content as it is. */
export type QuarantineCause = 'content' | 'machine';

/** A snapshot that is to be held back from a proxy, and what is known of why. */
export interface Hold extends ProxyKey {
  readonly snapshotHash: string;
  readonly reason: QuarantineReason;
  readonly cause: QuarantineCause;
  /** Envoy's answer, with its words cleaned; null after a crash loop. */
  readonly refusal: {
    readonly kind: ResourceKind;
    readonly code: number;
    readonly message: string;
    readonly suspects: readonly string[];
  } | null;
  /** The process that refused it, or the newest of those that went down. */
  readonly bootId: string | null;
  readonly envoyVersion: string | null;
  /** When that was, by the monotonic clock of this process (`performance.now()`). */
  readonly at: number;
}

export interface HeldSnapshot extends ProxyKey {
  readonly snapshotHash: string;
}

/** Why a snapshot that was held back is offered again. */
export type OfferReason = 'operator' | 'new_process' | 'retry';

/** SQL: the hashes that a proxy may have been sent (`proxy_assignments a`), and one more. Beyond sixteen the oldest are summed up as '*'. */
export const triedWith = (hash: string): string =>
  `case when ${hash} = any(a.tried) then a.tried
        when cardinality(a.tried) < 16 then a.tried || ${hash}
        else '{*}'::text[] || a.tried[cardinality(a.tried) - 13:] || ${hash} end`;

/**
 * SQL: when what is held as `q` is offered again by itself. What the machine lacked: after a minute, and twice as long after each offer
 * that failed, to half an hour; what crashed: once, after half an hour; refused content not at all (SPEC.md §4.5).
 */
const retryAt = (cause: string, reason: string, failedOffers: string): string =>
  `case when ${reason} = 'crash_loop' then case when ${failedOffers} = 0 then clock_timestamp() + interval '30 minutes' end
        when ${cause} = 'machine' then clock_timestamp() + least(30, power(2, ${failedOffers})) * interval '1 minute' end`;

/**
 * Holds snapshots back. A proxy whose assignment that is goes back to its last good snapshot, so that may have been sent from now on.
 * One that is held already stays as it is, and so does one that was offered again since: what was refused before that was the reason for the
 * word of whoever offered it, and not an answer to it. Nothing is written for proxies that are gone.
 * @returns those that are held now and were not before
 */
export async function hold(tx: Transaction, holds: readonly Hold[]): Promise<readonly Hold[]> {
  if (holds.length === 0) return [];
  await lockAssignments(tx, holds);
  const now = performance.now();
  const rows = await tx.query<{ tenant_id: string; proxy_id: string; snapshot_hash: string }>(
    `with given as (
       select g.* from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::integer[], $8::text[],
                              $9::jsonb[], $10::text[], $11::text[], $12::float8[])
         as g (tenant_id, proxy_id, snapshot_hash, reason, cause, kind, code, message, suspects, boot_id, envoy_version, ms_ago)
         join envoy_proxies p on p.tenant_id = g.tenant_id and p.id = g.proxy_id
         join snapshots s on s.tenant_id = g.tenant_id and s.hash = g.snapshot_hash
         left join proxy_quarantines q on q.tenant_id = g.tenant_id and q.proxy_id = g.proxy_id and q.snapshot_hash = g.snapshot_hash
        where q.offered_at is null or q.offered_at <= clock_timestamp() - g.ms_ago * interval '1 millisecond'
        order by g.tenant_id, g.proxy_id
     ), fallen_back as (
       update proxy_assignments a set tried = ${triedWith('a.good_hash')}
         from given g
        where a.tenant_id = g.tenant_id and a.proxy_id = g.proxy_id and a.snapshot_hash = g.snapshot_hash and a.good_hash is not null
     )
     insert into proxy_quarantines as q
       (tenant_id, proxy_id, snapshot_hash, reason, cause, kind, error_code, error_message, suspects, boot_id, envoy_version, retry_at)
     select tenant_id, proxy_id, snapshot_hash, reason, cause, kind, code, message, suspects, boot_id, envoy_version,
            ${retryAt('cause', 'reason', '0')}
       from given
     on conflict (tenant_id, proxy_id, snapshot_hash) do update
       set held = true, held_at = clock_timestamp(), reason = excluded.reason, cause = excluded.cause, kind = excluded.kind,
           error_code = excluded.error_code, error_message = excluded.error_message, suspects = excluded.suspects,
           boot_id = excluded.boot_id, envoy_version = excluded.envoy_version, failed_offers = q.failed_offers + 1,
           retry_at = ${retryAt('excluded.cause', 'excluded.reason', '(q.failed_offers + 1)')}
       where not q.held
     returning tenant_id, proxy_id, snapshot_hash`,
    [
      holds.map(({ tenantId }) => tenantId),
      holds.map(({ proxyId }) => proxyId),
      holds.map(({ snapshotHash }) => snapshotHash),
      holds.map(({ reason }) => reason),
      holds.map(({ cause }) => cause),
      holds.map(({ refusal }) => refusal?.kind ?? null),
      holds.map(({ refusal }) => refusal?.code ?? null),
      holds.map(({ refusal }) => refusal?.message ?? null),
      holds.map(({ refusal }) => JSON.stringify(refusal?.suspects ?? [])),
      holds.map(({ bootId }) => bootId),
      holds.map(({ envoyVersion }) => envoyVersion),
      holds.map(({ at }) => now - at),
    ],
  );
  const news = new Set(rows.map((row) => `${row.tenant_id}/${row.proxy_id}/${row.snapshot_hash}`));
  const held = holds.filter((one) => news.has(`${one.tenantId}/${one.proxyId}/${one.snapshotHash}`));
  await changeHeads(tx, held);
  await publish(
    tx,
    held.map(({ refusal, at: _, ...one }) => ({
      ...one,
      type: 'proxy.quarantined',
      payload: { snapshot: one.snapshotHash, reason: one.reason, cause: one.cause, ...refusal },
    })),
  );
  return held;
}

/**
 * Offers snapshots again that are held back. Those that are not held are left alone.
 * @param why `operator`: with a clean slate, so that what is refused again is retried as if for the first time
 * @returns those that were held
 */
export async function release(
  tx: Transaction,
  given: readonly HeldSnapshot[],
  why: OfferReason,
): Promise<readonly HeldSnapshot[]> {
  if (given.length === 0) return [];
  await lockAssignments(tx, given);
  const rows = await tx.query<HeldSnapshot>(
    `with released as (
       update proxy_quarantines q
          set held = false, offered_at = clock_timestamp(), retry_at = null,
              failed_offers = case when $4 then -1 else q.failed_offers end
         from unnest($1::uuid[], $2::uuid[], $3::text[]) as g (tenant_id, proxy_id, snapshot_hash)
        where q.tenant_id = g.tenant_id and q.proxy_id = g.proxy_id and q.snapshot_hash = g.snapshot_hash and q.held
       returning q.tenant_id, q.proxy_id, q.snapshot_hash
     ), sent_again as (
       update proxy_assignments a set tried = ${triedWith('r.snapshot_hash')} from released r
        where a.tenant_id = r.tenant_id and a.proxy_id = r.proxy_id and a.snapshot_hash = r.snapshot_hash
     )
     select tenant_id as "tenantId", proxy_id as "proxyId", snapshot_hash as "snapshotHash" from released`,
    [
      given.map(({ tenantId }) => tenantId),
      given.map(({ proxyId }) => proxyId),
      given.map(({ snapshotHash }) => snapshotHash),
      why === 'operator',
    ],
  );
  await changeHeads(tx, rows);
  await publish(
    tx,
    rows.map((row) => ({ ...row, type: 'proxy.offered_again', payload: { snapshot: row.snapshotHash, reason: why } })),
  );
  return rows;
}

/** Locks what the proxies are assigned, in one order, so that whoever changes what they are served takes turns. */
export async function lockAssignments(tx: Transaction, proxies: readonly ProxyKey[]): Promise<void> {
  await tx.query(
    `select 1 as locked from proxy_assignments join unnest($1::uuid[], $2::uuid[]) as g (tenant_id, proxy_id)
       using (tenant_id, proxy_id) order by tenant_id, proxy_id for update of proxy_assignments`,
    [proxies.map(({ tenantId }) => tenantId), proxies.map(({ proxyId }) => proxyId)],
  );
}

/**
 * Tells the heads that what the proxies are served, or how, was decided anew. The rows are locked in one order, so that two callers with
 * overlapping proxies take turns.
 */
export async function changeHeads(tx: Transaction, proxies: readonly ProxyKey[]): Promise<void> {
  if (proxies.length === 0) return;
  await tx.query(
    `with locked as (
       select tenant_id, proxy_id from proxy_heads join unnest($1::uuid[], $2::uuid[]) as g (tenant_id, proxy_id)
         using (tenant_id, proxy_id) order by tenant_id, proxy_id for update)
     update proxy_heads h set quarantine_rev = h.quarantine_rev + 1
       from locked where h.tenant_id = locked.tenant_id and h.proxy_id = locked.proxy_id`,
    [proxies.map(({ tenantId }) => tenantId), proxies.map(({ proxyId }) => proxyId)],
  );
}
