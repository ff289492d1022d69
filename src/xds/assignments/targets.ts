import { Injectable } from '@nestjs/common';
import { uuidArray } from '../../common/database/array-texts.js';
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
  /** Snapshots that it may have been sent, in whole or in part, since then; '*' for some that nobody remembers. One list for all that may have been sent the same. */
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
  /** When the head changed last, in monotonic milliseconds of this process; rather too early than too late. */
  readonly changedAt: number;
  /** When what it is served was last offered again, in milliseconds of the database; null where it never was. */
  readonly offeredAt: number | null;
  /** The newest process of the proxy that was seen; null where none was, or it was not asked for. */
  readonly process: { readonly bootId: string | null; readonly envoyVersion: string | null } | null;
  /** Why the assigned snapshot is held back, and from whom; null where it is not. */
  readonly held: { readonly reason: QuarantineReason; readonly envoyVersion: string | null } | null;
}

/** What is read of proxies: what they are to be served or, of those that have just come, also what is known of their processes. */
export type TargetScope = 'standing' | 'arriving';

/** Of all proxies that have this in common, which of one configuration most have. */
interface Row {
  readonly tenant_id: string;
  /** With commas between them, as `tried`: pg takes an array apart letter by letter. */
  readonly proxies: string;
  readonly hash: string | null;
  readonly good_hash: string | null;
  readonly tried: string | null;
  readonly taken_over: boolean | null;
  readonly credential_epoch: string;
  readonly secrets_rev: string;
  readonly overrides_rev: string;
  readonly overrides_in_effect: string;
  readonly age_ms: string;
  readonly offered_at: string | null;
  readonly has_process: boolean;
  readonly boot_id: string | null;
  readonly envoy_version: string | null;
  readonly held_reason: QuarantineReason | null;
  readonly held_version: string | null;
}

const NONE: readonly string[] = [];
/** Lists of snapshots that are kept for those who are told the same. */
const MAX_LISTS = 1_000;

/** SQL: what is served of an assignment `a` and the quarantine `q` of its snapshot, if there is one. */
export const SERVED_HASH = `case when q.held then coalesce(a.good_hash, a.snapshot_hash) else a.snapshot_hash end`;

/** Reads what proxies are to be served: the truth that every replica compares what it serves with (ARCHITECTURE.md, rule 1). */
@Injectable()
export class Targets {
  private readonly lists = new Map<string, readonly string[]>();

  constructor(private readonly database: Database) {}

  /** Whose targets may have changed since a look before; null for the first. */
  changes(since: HeadCursor | null): Promise<HeadChanges> {
    return changedHeads(this.database, since);
  }

  /** Of any proxies of any tenants, in one query. A proxy that is gone has none, and its streams must end. */
  async scan(proxies: readonly ProxyKey[], scope: TargetScope): Promise<Target[]> {
    if (proxies.length === 0) return [];
    const asked = performance.now();
    const rows = await this.database.systemReader().query<Row>(
      `select h.tenant_id, string_agg(h.proxy_id::text, ',') as proxies, ${SERVED_HASH} as hash, a.good_hash,
                array_to_string(a.tried, ',') as tried, a.taken_over, h.credential_epoch, h.secrets_rev,
                h.overrides_rev, coalesce(o.in_effect, 0) as overrides_in_effect,
                extract(epoch from now() - h.changed_at) * 1000 as age_ms,
                extract(epoch from served.offered_at) * 1000 as offered_at, p.proxy_id is not null as has_process, p.boot_id, p.envoy_version,
                case when q.held then q.reason end as held_reason, q.envoy_version as held_version
           from proxy_heads h join unnest($1::uuid[], $2::uuid[]) as wanted (tenant_id, proxy_id) using (tenant_id, proxy_id)
           left join (select tenant_id, count(*) as in_effect from endpoint_overrides
                       where tenant_id in (select unnest($1::uuid[])) and (expires_at is null or expires_at > now()) group by tenant_id) o
             using (tenant_id)
           left join proxy_assignments a on a.tenant_id = h.tenant_id and a.proxy_id = h.proxy_id
           left join proxy_quarantines q
             on q.tenant_id = h.tenant_id and q.proxy_id = h.proxy_id and q.snapshot_hash = a.snapshot_hash
           left join proxy_quarantines served
             on served.tenant_id = h.tenant_id and served.proxy_id = h.proxy_id and served.snapshot_hash = ${SERVED_HASH}
           left join proxy_processes p on $3 and p.tenant_id = h.tenant_id and p.proxy_id = h.proxy_id
          group by h.tenant_id, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17`,
      [
        uuidArray(proxies.map(({ tenantId }) => tenantId)),
        uuidArray(proxies.map(({ proxyId }) => proxyId)),
        scope === 'arriving',
      ],
      'kept',
    );
    return rows.flatMap((row) => this.targetsOf(row, asked));
  }

  private targetsOf(row: Row, asked: number): Target[] {
    const tried = this.listOf(row.tried);
    const changedAt = asked - Math.max(0, Number(row.age_ms));
    const offeredAt = row.offered_at === null ? null : Number(row.offered_at);
    const process = row.has_process ? { bootId: row.boot_id, envoyVersion: row.envoy_version } : null;
    const held = row.held_reason && { reason: row.held_reason, envoyVersion: row.held_version };
    const [credentialEpoch, secretsRev] = [Number(row.credential_epoch), Number(row.secrets_rev)];
    const [overridesRev, overridesInEffect] = [Number(row.overrides_rev), Number(row.overrides_in_effect)];
    return row.proxies.split(',').map((proxyId) => ({
      tenantId: row.tenant_id,
      proxyId,
      hash: row.hash,
      goodHash: row.good_hash,
      tried,
      takenOver: row.taken_over ?? false,
      credentialEpoch,
      secretsRev,
      overridesRev,
      overridesInEffect,
      changedAt,
      offeredAt,
      process,
      held,
    }));
  }

  /** The same list for the same text, as long as there are not too many. */
  private listOf(text: string | null): readonly string[] {
    if (!text) return NONE;
    let list = this.lists.get(text);
    if (!list) {
      if (this.lists.size >= MAX_LISTS) this.lists.clear();
      list = text.split(',');
      this.lists.set(text, list);
    }
    return list;
  }
}
