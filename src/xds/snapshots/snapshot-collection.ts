import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Database, type Transaction } from '../../common/database/database.js';
import { Leases } from '../../common/database/leases.js';
import { LeasedJob } from '../../common/jobs/leased-job.js';

const INTERVAL_MS = 60 * 60_000;
const LEASE_TTL_MS = 5 * 60_000;
/** Snapshots that one transaction removes, all of one tenant. */
const BATCH = 200;
/** Longer than any transaction that saves a snapshot and then names it. */
const SPARED = '1 day';

interface Candidates {
  readonly tenant_id: string;
  readonly hashes: readonly string[];
}

/**
 * Removes snapshots that nobody names any more (`snapshot_uses`), and of what they held all that no other snapshot holds (DATA.md). What was
 * saved within a day is spared, and saving marks what is there already as young: whoever saves content while it is collected either keeps
 * it, or waits for its removal and stores it anew.
 */
@Injectable()
export class SnapshotCollection implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly job: LeasedJob;

  constructor(private readonly database: Database) {
    const settings = { name: 'snapshot-collection', every: INTERVAL_MS, leaseTtl: LEASE_TTL_MS };
    // Not fenced: two at once skip each other's rows.
    this.job = new LeasedJob(new Leases(database), settings, async () =>
      (await this.collect()) > 0 ? 'more' : 'done',
    );
  }

  onApplicationBootstrap(): void {
    this.job.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.job.stop();
  }

  /** One batch of one tenant. @returns how many snapshots it removed; 0 when there is nothing more to do */
  async collect(): Promise<number> {
    return this.database.system(async (tx) => {
      const candidates = await lockUnused(tx);
      if (!candidates) return 0;
      const { tenant_id: tenantId, hashes } = candidates;
      const removed = await removeSnapshots(tx, tenantId, hashes);
      await removeResources(tx, tenantId, removed);
      return removed.length;
    });
  }
}

/** The lock keeps others from naming them: a foreign key's check waits for it. */
async function lockUnused(tx: Transaction): Promise<Candidates | undefined> {
  const [found] = await tx.query<Candidates>(
    `with unused as materialized (
       select s.tenant_id, s.hash from snapshots s
        where s.saved_at < now() - $1::interval
          and not exists (select from snapshot_uses u where u.tenant_id = s.tenant_id and u.hash = s.hash)
        order by s.tenant_id limit $2
     ), of_one as materialized (
       select s.tenant_id, s.hash from snapshots s join unused using (tenant_id, hash)
        where s.tenant_id = (select tenant_id from unused limit 1)
          for update of s skip locked
     )
     select tenant_id, array_agg(hash) as hashes from of_one group by tenant_id`,
    [SPARED, BATCH],
  );
  return found;
}

/** Looks again, now that nobody can change it: what was named or saved before the lock was taken stays. */
async function removeSnapshots(
  tx: Transaction,
  tenantId: string,
  hashes: readonly string[],
): Promise<readonly { readonly resources: unknown }[]> {
  return tx.query<{ resources: unknown }>(
    `delete from snapshots s
      where s.tenant_id = $1 and s.hash = any($2) and s.saved_at < now() - $3::interval
        and not exists (select from snapshot_uses u where u.tenant_id = s.tenant_id and u.hash = s.hash)
     returning s.resources`,
    [tenantId, hashes, SPARED],
  );
}

/** Rows that somebody is saving are skipped: they are young, and waiting for them could close a circle. */
async function removeResources(
  tx: Transaction,
  tenantId: string,
  removed: readonly { readonly resources: unknown }[],
): Promise<void> {
  if (removed.length === 0) return;
  await tx.query(
    `with gone as (
       select distinct e.kind, e.version
         from jsonb_array_elements($2::jsonb) d cross join lateral jsonb_to_recordset(d) as e(kind text, version text)
     ), unheld as (
       select kind, version from gone
       except
       select e.kind, e.version
         from snapshots s cross join lateral jsonb_to_recordset(s.resources) as e(kind text, version text)
        where s.tenant_id = $1
     ), locked as materialized (
       select r.kind, r.hash from snapshot_resources r join unheld u on r.kind = u.kind and r.hash = u.version
        where r.tenant_id = $1 and r.saved_at < now() - $3::interval
          for update of r skip locked
     )
     delete from snapshot_resources r using locked
      where r.tenant_id = $1 and r.kind = locked.kind and r.hash = locked.hash`,
    [tenantId, JSON.stringify(removed.map(({ resources }) => resources)), SPARED],
  );
}
