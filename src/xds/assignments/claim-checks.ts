import { Injectable } from '@nestjs/common';
import { Database } from '../../common/database/database.js';
import type { ProxyIdentity } from '../server/ports.js';
import type { StreamVariant } from '../server/server-stats.js';
import type { ForeignClaim } from '../server/stream-observer.js';

/** Looks in the database where what a client claims may come from, once none of the snapshots at hand explains it. */
@Injectable()
export class ClaimChecks {
  constructor(private readonly database: Database) {}

  /**
   * Whether EFMS once gave a client what it claims. Incremental: every version is of a resource that the tenant has stored, also in a
   * snapshot of long ago. State of the world: the version of the whole is one that this proxy was sent.
   */
  isOurs(
    { tenantId, proxyId }: ProxyIdentity,
    variant: StreamVariant,
    { kind, versions }: ForeignClaim,
  ): Promise<boolean> {
    return this.database.system(async (tx) => {
      const [row] =
        variant === 'delta'
          ? await tx.query<{ ours: boolean }>(
              `select not exists (select from unnest($3::text[]) as claimed (hash) where not exists (
                        select from snapshot_resources r where r.tenant_id = $1 and r.kind = $2 and r.hash = claimed.hash)
                        and not ($2 = 'secret' and exists (select from secret_versions v where v.tenant_id = $1 and v.id::text = claimed.hash))) as ours`,
              [tenantId, kind, versions],
            )
          : await tx.query<{ ours: boolean }>(
              `select exists (select from xds_streams s join resource_acknowledgements r on r.tenant_id = s.tenant_id and r.stream_id = s.id
                        where s.tenant_id = $1 and s.proxy_id = $2 and r.kind = $3
                          and (r.acked_version = any ($4::text[]) or r.sent_version = any ($4::text[]))) as ours`,
              [tenantId, proxyId, kind, versions],
            );
      return row?.ours ?? false;
    });
  }
}
