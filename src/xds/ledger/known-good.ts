import { numberArray, uuidArray } from '../../common/database/array-texts.js';
import type { Transaction } from '../../common/database/database.js';
import { CommonValues } from './common-values.js';
import { IS_LIVE } from './live-streams.js';
import type { StreamRow } from './stream-record.js';

/**
 * SQL: whether the proxy of a stream `s` with the assignment `a` has what the stream says that it has in full. It may have been sent
 * something else since, which the stream did not know or had no time to say.
 */
export const HAS_IN_FULL = `(s.converged_hash = a.good_hash and not exists (
  select from unnest(a.tried) as t (hash) where t.hash <> s.converged_hash))`;

/**
 * Writes that proxies have a snapshot in full: it is their last good one, what else they were sent on the stream cannot be there any
 * more, it is no longer held back, and whoever was taken over for it needs that no more. Of several live streams of a proxy only the newest is believed; snapshots that the proxy was
 * given since, and the stream knows nothing of, stay as what it may have been sent. What was held back until then, because another stream
 * had refused it, changes what the proxy is served, so its head tells. Call it after the streams are written.
 */
export async function recordKnownGood(tx: Transaction, streams: readonly StreamRow[]): Promise<void> {
  const converged = streams.filter(({ convergedHash, endedAt }) => convergedHash !== null && endedAt === null);
  if (converged.length === 0) return;
  const told = new CommonValues();
  const lists = new CommonValues();
  const numbers = converged.map(({ tenantId, convergedHash, servedHashes }) => {
    const served = lists.numberOf(servedHashes, () => ({ hashes: servedHashes }));
    return told.numberOf(`${tenantId}/${convergedHash}/${served}`, () => ({
      tenant_id: tenantId,
      hash: convergedHash,
      served,
    }));
  });
  await tx.query(
    `with given as (
       select t.tenant_id, c.proxy_id, t.hash, l.hashes as served
         from unnest($1::uuid[], $2::uuid[], $3::integer[]) as c (proxy_id, id, told)
         join json_to_recordset($4) as t (no integer, tenant_id uuid, hash text, served integer) on t.no = c.told
         join json_to_recordset($5) as l (no integer, hashes jsonb) on l.no = t.served
        where c.id = (select s.id from xds_streams s where s.tenant_id = t.tenant_id and s.proxy_id = c.proxy_id and ${IS_LIVE}
                       order by s.connected_at desc, s.id desc limit 1)
     ), locked as (
       select a.tenant_id, a.proxy_id, g.hash, g.served
         from proxy_assignments a join given g using (tenant_id, proxy_id)
        where a.good_hash is distinct from g.hash or (a.taken_over and a.snapshot_hash = g.hash)
           or exists (select from unnest(a.tried) as t (hash) where g.served ? t.hash)
        order by a.tenant_id, a.proxy_id for update of a
     ), accepted as (
       delete from proxy_quarantines q using given g
        where q.tenant_id = g.tenant_id and q.proxy_id = g.proxy_id and q.snapshot_hash = g.hash
       returning q.tenant_id, q.proxy_id, q.held
     ), told as (
       update proxy_heads h set quarantine_rev = h.quarantine_rev + 1
         from (select h.tenant_id, h.proxy_id from proxy_heads h join accepted a using (tenant_id, proxy_id)
                where a.held order by h.tenant_id, h.proxy_id for update of h) as freed
        where h.tenant_id = freed.tenant_id and h.proxy_id = freed.proxy_id
     )
     update proxy_assignments a
        set prior_good_hash = case when a.good_hash is distinct from l.hash then a.good_hash else a.prior_good_hash end,
            prior_good_ran_ms = case when a.good_hash is distinct from l.hash
                                     then extract(epoch from greatest(a.assigned_at - a.good_at, interval '0')) * 1000
                                     else a.prior_good_ran_ms end,
            good_hash = l.hash, good_at = case when a.good_hash is distinct from l.hash then clock_timestamp() else a.good_at end,
            tried = array(select t.hash from unnest(a.tried) with ordinality as t (hash, i)
                           where not l.served ? t.hash order by t.i),
            taken_over = a.taken_over and a.snapshot_hash <> l.hash
       from locked l
      where a.tenant_id = l.tenant_id and a.proxy_id = l.proxy_id`,
    [
      uuidArray(converged.map(({ proxyId }) => proxyId)),
      uuidArray(converged.map(({ id }) => id)),
      numberArray(numbers),
      told.toJson(),
      lists.toJson(),
    ],
  );
}
