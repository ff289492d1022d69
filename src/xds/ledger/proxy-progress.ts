import { Injectable } from '@nestjs/common';
import type { Transaction } from '../../common/database/database.js';
import type { ResourceKind } from '../resource-types.js';
import type { QuarantineReason } from '../assignments/quarantine-rows.js';
import { HAS_IN_FULL } from './known-good.js';
import { IS_LIVE } from './live-streams.js';

/** Why the assigned snapshot is held back from a proxy, which is served the last good one in its place. */
export interface HeldAssignment {
  readonly hash: string;
  readonly reason: QuarantineReason;
  readonly kind: ResourceKind | null;
  readonly code: number | null;
  readonly message: string | null;
  readonly at: Date;
  /** When it is offered again by itself; null where it waits for somebody's word, a new process or another build of Envoy. */
  readonly retryAt: Date | null;
  /** The last good snapshot, which it is served meanwhile; null where it never had one in full. */
  readonly insteadHash: string | null;
}

/** How far a proxy is, as its newest live stream tells, or its last one where none lives. Times are the database's. */
export interface ProxyProgress {
  readonly connected: boolean;
  /** Since when its newest live stream is there. */
  readonly connectedSince: Date | null;
  /** What its newest live stream is told to serve. */
  readonly servingHash: string | null;
  /** The snapshot that it has in full (SPEC.md §4.6); null while it is not connected or on its way. */
  readonly convergedHash: string | null;
  /** What it refuses is held back before the ledger tells of the refusal, so this is all that stands between it and its assignment. */
  readonly held: HeldAssignment | null;
  /** Nothing is sent to it, because it claims what nobody here knows. */
  readonly frozen: boolean;
}

interface Row {
  readonly proxy_id: string;
  readonly is_live: boolean | null;
  readonly connected_at: Date | null;
  readonly serving_hash: string | null;
  readonly converged_hash: string | null;
  readonly frozen: boolean | null;
  readonly held_hash: string | null;
  readonly held_reason: QuarantineReason | null;
  readonly held_kind: ResourceKind | null;
  readonly held_code: number | null;
  readonly held_message: string | null;
  readonly held_at: Date | null;
  readonly held_retry_at: Date | null;
  readonly good_hash: string | null;
}

/** Reads from the ledger how far proxies are; equal on every replica. */
@Injectable()
export class ProxyProgressReader {
  /** @returns the progress of each of the proxies that exists, by id */
  async read(tx: Transaction, tenantId: string, proxyIds: readonly string[]): Promise<Map<string, ProxyProgress>> {
    const rows = await tx.query<Row>(
      `select p.id as proxy_id, s.is_live, s.connected_at, s.serving_hash, s.frozen,
              case when a.proxy_id is null or ${HAS_IN_FULL} then s.converged_hash end as converged_hash,
              q.snapshot_hash as held_hash, q.reason as held_reason, q.kind as held_kind, q.error_code as held_code,
              q.error_message as held_message, q.held_at, q.retry_at as held_retry_at, a.good_hash
         from envoy_proxies p
         left join proxy_assignments a on a.tenant_id = p.tenant_id and a.proxy_id = p.id
         left join proxy_quarantines q
           on q.tenant_id = p.tenant_id and q.proxy_id = p.id and q.snapshot_hash = a.snapshot_hash and q.held
         left join lateral (
           select s.id, s.connected_at, s.serving_hash, s.converged_hash, s.frozen, live.is_live
             from xds_streams s cross join lateral (select ${IS_LIVE} as is_live) live
            where s.tenant_id = p.tenant_id and s.proxy_id = p.id
            order by live.is_live desc, s.connected_at desc, s.id desc limit 1) s on true
        where p.tenant_id = $1 and p.id = any ($2::uuid[])`,
      [tenantId, proxyIds],
    );
    return new Map(rows.map((row) => [row.proxy_id, toProgress(row)]));
  }
}

function toProgress(row: Row): ProxyProgress {
  const connected = row.is_live ?? false;
  return {
    connected,
    connectedSince: connected ? row.connected_at : null,
    servingHash: connected ? row.serving_hash : null,
    convergedHash: connected ? row.converged_hash : null,
    held: heldOf(row),
    frozen: connected && (row.frozen ?? false),
  };
}

function heldOf(row: Row): HeldAssignment | null {
  if (row.held_hash === null || row.held_reason === null || row.held_at === null) return null;
  return {
    hash: row.held_hash,
    reason: row.held_reason,
    kind: row.held_kind,
    code: row.held_code,
    message: row.held_message,
    at: row.held_at,
    retryAt: row.held_retry_at,
    insteadHash: row.good_hash,
  };
}
