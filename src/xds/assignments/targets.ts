import { Injectable } from '@nestjs/common';
import { Database } from '../../common/database/database.js';
import type { ProxyKey } from '../../infrastructure/index.js';
import { changedHeads, type HeadChanges, type HeadCursor } from './head-changes.js';
import type { QuarantineReason } from './quarantine-rows.js';

/** What a proxy is to be served now, and what a replica must know to serve it. */
export interface Target extends ProxyKey {
  /** The snapshot: the assigned one or, while that is held back, the last good one; null without an assignment. */
  readonly hash: string | null;
  /** The last snapshot that the proxy acknowledged in full. */
  readonly goodHash: string | null;
  /** Snapshots that it may have been sent, in whole or in part, since then; '*' for some that nobody remembers. */
  readonly tried: readonly string[];
  /** Somebody decided that it may be given its assignment, whatever it claims to have. */
  readonly takenOver: boolean;
  readonly credentialEpoch: number;
  /** Raised whenever a secret of the tenant has another content. */
  readonly secretsRev: number;
  /** Raised whenever an endpoint override of the tenant changes. */
  readonly overridesRev: number;
  /** How many of them the tenant has; between two changes they only expire. */
  readonly overridesInEffect: number;
  /** When what it is served was last offered again, in milliseconds of the database; null where it never was. */
  readonly offeredAt: number | null;
  /** The newest process of the proxy that was seen; null where none was. */
  readonly process: { readonly bootId: string | null; readonly envoyVersion: string | null } | null;
  /** Why the assigned snapshot is held back, and from whom; null where it is not. */
  readonly held: { readonly reason: QuarantineReason; readonly envoyVersion: string | null } | null;
}

interface Row {
  readonly tenant_id: string;
  readonly proxy_id: string;
  readonly hash: string | null;
  readonly good_hash: string | null;
  /** With commas between them: pg takes an array apart letter by letter. */
  readonly tried: string | null;
  readonly taken_over: boolean | null;
  readonly credential_epoch: string;
  readonly secrets_rev: string;
  readonly overrides_rev: string;
  readonly overrides_in_effect: string;
  readonly offered_at: string | null;
  readonly has_process: boolean;
  readonly boot_id: string | null;
  readonly envoy_version: string | null;
  readonly held_reason: QuarantineReason | null;
  readonly held_version: string | null;
}

/** SQL: what is served of an assignment `a` and the quarantine `q` of its snapshot, if there is one. */
export const SERVED_HASH = `case when q.held then coalesce(a.good_hash, a.snapshot_hash) else a.snapshot_hash end`;

/** Reads what proxies are to be served: the truth that every replica compares what it serves with (ARCHITECTURE.md, rule 1). */
@Injectable()
export class Targets {
  constructor(private readonly database: Database) {}

  /** Whose targets may have changed since a look before; null for the first. */
  changes(since: HeadCursor | null): Promise<HeadChanges> {
    return changedHeads(this.database, since);
  }

  /** Of any proxies of any tenants, in one query. A proxy that is gone has none, and its streams must end. */
  async scan(proxies: readonly ProxyKey[]): Promise<Target[]> {
    if (proxies.length === 0) return [];
    const rows = await this.database.system((tx) =>
      tx.query<Row>(
        `select h.tenant_id, h.proxy_id, ${SERVED_HASH} as hash, a.good_hash, array_to_string(a.tried, ',') as tried, a.taken_over, h.credential_epoch, h.secrets_rev,
                h.overrides_rev, coalesce(o.in_effect, 0) as overrides_in_effect,
                extract(epoch from served.offered_at) * 1000 as offered_at, p.proxy_id is not null as has_process, p.boot_id,
                p.envoy_version, case when q.held then q.reason end as held_reason, q.envoy_version as held_version
           from proxy_heads h join unnest($1::uuid[], $2::uuid[]) as wanted (tenant_id, proxy_id) using (tenant_id, proxy_id)
           left join (select tenant_id, count(*) as in_effect from endpoint_overrides
                       where tenant_id in (select unnest($1::uuid[])) and (expires_at is null or expires_at > now()) group by tenant_id) o
             using (tenant_id)
           left join proxy_assignments a on a.tenant_id = h.tenant_id and a.proxy_id = h.proxy_id
           left join proxy_quarantines q
             on q.tenant_id = h.tenant_id and q.proxy_id = h.proxy_id and q.snapshot_hash = a.snapshot_hash
           left join proxy_quarantines served
             on served.tenant_id = h.tenant_id and served.proxy_id = h.proxy_id and served.snapshot_hash = ${SERVED_HASH}
           left join proxy_processes p on p.tenant_id = h.tenant_id and p.proxy_id = h.proxy_id`,
        [proxies.map(({ tenantId }) => tenantId), proxies.map(({ proxyId }) => proxyId)],
      ),
    );
    return rows.map(toTarget);
  }
}

function toTarget(row: Row): Target {
  return {
    tenantId: row.tenant_id,
    proxyId: row.proxy_id,
    hash: row.hash,
    goodHash: row.good_hash,
    tried: row.tried ? row.tried.split(',') : [],
    takenOver: row.taken_over ?? false,
    credentialEpoch: Number(row.credential_epoch),
    secretsRev: Number(row.secrets_rev),
    overridesRev: Number(row.overrides_rev),
    overridesInEffect: Number(row.overrides_in_effect),
    offeredAt: row.offered_at === null ? null : Number(row.offered_at),
    process: row.has_process ? { bootId: row.boot_id, envoyVersion: row.envoy_version } : null,
    held: row.held_reason && { reason: row.held_reason, envoyVersion: row.held_version },
  };
}
