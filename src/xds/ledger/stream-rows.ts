import { numberArray, uuidArray } from '../../common/database/array-texts.js';
import type { Transaction } from '../../common/database/database.js';
import { CommonValues } from './common-values.js';
import type { StreamRow } from './stream-record.js';

/** Writes streams of this replica. Those of proxies that are deleted meanwhile are left out. */
export async function writeStreams(tx: Transaction, replica: string, streams: readonly StreamRow[]): Promise<void> {
  const known = streams.filter(({ isKnown }) => isKnown);
  await insert(
    tx,
    replica,
    streams.filter(({ isKnown }) => !isKnown),
  );
  await update(tx, known);
}

async function insert(tx: Transaction, replica: string, streams: readonly StreamRow[]): Promise<void> {
  if (streams.length === 0) return;
  const rows = streams.map((s) => ({
    tenant_id: s.tenantId,
    id: s.id,
    proxy_id: s.proxyId,
    variant: s.variant,
    peer: s.peer,
    node_id: s.nodeId.toWellFormed(),
    boot_id: s.bootId?.toWellFormed(),
    envoy_version: s.envoyVersion?.toWellFormed(),
    connected_at: s.connectedAt,
    ended_at: s.endedAt,
    serving_hash: s.servingHash,
    converged_hash: s.convergedHash,
    converged_at: s.convergedAt,
    unmanaged: s.unmanaged,
    frozen: s.frozen,
  }));
  await tx.query(
    `insert into xds_streams as s
       (replica, tenant_id, id, proxy_id, variant, peer, node_id, boot_id, envoy_version,
        connected_at, ended_at, serving_hash, converged_hash, converged_at, unmanaged, frozen)
     select $1, u.tenant_id, u.id, u.proxy_id, u.variant, u.peer, u.node_id, u.boot_id, u.envoy_version,
            to_timestamp(u.connected_at / 1000), to_timestamp(u.ended_at / 1000), u.serving_hash, u.converged_hash,
            to_timestamp(u.converged_at / 1000), u.unmanaged, u.frozen
       from json_to_recordset($2)
         as u (tenant_id uuid, id uuid, proxy_id uuid, variant text, peer text, node_id text, boot_id text, envoy_version text,
               connected_at float8, ended_at float8, serving_hash text, converged_hash text, converged_at float8,
               unmanaged boolean, frozen boolean)
      where exists (select from envoy_proxies p where p.tenant_id = u.tenant_id and p.id = u.proxy_id)
      order by u.tenant_id, u.id
     on conflict (tenant_id, id) do update
       set ended_at = excluded.ended_at, serving_hash = excluded.serving_hash, converged_hash = excluded.converged_hash,
           converged_at = excluded.converged_at, unmanaged = excluded.unmanaged, frozen = excluded.frozen`,
    [replica, JSON.stringify(rows)],
  );
}

/** What a stream serves and has. Others may have taken this replica for dead, and written that it has ended. */
async function update(tx: Transaction, streams: readonly StreamRow[]): Promise<void> {
  if (streams.length === 0) return;
  const common = new CommonValues();
  const numbers = streams.map(({ tenantId, servingHash, convergedHash }) =>
    common.numberOf(`${tenantId}/${servingHash}/${convergedHash}`, () => ({
      tenant_id: tenantId,
      serving_hash: servingHash,
      converged_hash: convergedHash,
    })),
  );
  await tx.query(
    `update xds_streams s
        set ended_at = null, serving_hash = t.serving_hash, converged_hash = t.converged_hash,
            converged_at = to_timestamp(u.converged_at / 1000)
       from unnest($1::uuid[], $2::integer[], $3::float8[]) as u (id, common, converged_at)
       join json_to_recordset($4) as t (no integer, tenant_id uuid, serving_hash text, converged_hash text) on t.no = u.common
      where s.tenant_id = t.tenant_id and s.id = u.id`,
    [
      uuidArray(streams.map(({ id }) => id)),
      numberArray(numbers),
      numberArray(streams.map(({ convergedAt }) => convergedAt)),
      common.toJson(),
    ],
  );
}
