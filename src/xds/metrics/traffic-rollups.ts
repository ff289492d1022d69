import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { Config } from '../../common/config/config.js';
import { CONFIG } from '../../common/config/config.token.js';
import { Database, type Transaction } from '../../common/database/database.js';
import { fence, type Lease, Leases } from '../../common/database/leases.js';
import { LeasedJob } from '../../common/jobs/leased-job.js';

const EVERY_MS = 5 * 60_000;
const LEASE_MS = 60_000;
/** Proxies of one statement: a minute has some dozen rows of each, an hour some thousand. */
const PROXIES_AT_ONCE = 200;
/** An hour is rolled up when no minute of it can be written any more. */
const SETTLED = '15 minutes';

/** An hour of a tenant, and behind which proxy to go on. */
interface Task {
  readonly tenantId: string;
  readonly hour: Date;
  readonly after: string;
}

const FIRST = '00000000-0000-0000-0000-000000000000';

/**
 * Adds up the minutes of each hour that is over and settled, tenant by tenant and some proxies at a time. What was begun is done again
 * where a replica ended over it, so an hour is in the rollups once. Proxies that are deleted before are left out.
 */
@Injectable()
export class TrafficRollups implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly job: LeasedJob;
  private task: Task | undefined;

  constructor(
    private readonly database: Database,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    const settings = { name: 'traffic-rollups', every: EVERY_MS, leaseTtl: LEASE_MS };
    this.job = new LeasedJob(new Leases(database), settings, async (lease) =>
      (await this.turn(lease)) ? 'more' : 'done',
    );
  }

  onApplicationBootstrap(): void {
    this.job.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.job.stop();
  }

  /** One step of the work. @returns whether there is more @throws LeaseLost */
  async turn(lease: Lease): Promise<boolean> {
    this.task ??= await this.next();
    const { task } = this;
    if (!task) return false;
    // Where this fails, the hour begins again.
    this.task = undefined;
    const last = await this.database.system(async (tx) => {
      await fence(tx, lease);
      return rollUp(tx, task);
    });
    this.task = last === undefined ? undefined : { ...task, after: last };
    return true;
  }

  /** The hour that is due for longest. A tenant begins with the hour before the first look at it. */
  private async next(): Promise<Task | undefined> {
    const [row] = await this.database.system((tx) =>
      tx.query<{ id: string; hour: Date }>(
        `select t.id, due.hour from tenants t left join traffic_rollups r on r.tenant_id = t.id
          cross join lateral (select greatest(coalesce(r.rolled_until, date_trunc('hour', now()) - interval '1 hour'),
                                              date_trunc('hour', now()) - $1 * interval '1 day') as hour) due
          where due.hour + interval '1 hour' + interval '${SETTLED}' <= now()
          order by due.hour, t.id limit 1`,
        [this.config.metrics.retentionDays],
      ),
    );
    return row && { tenantId: row.id, hour: row.hour, after: FIRST };
  }
}

/** @returns the last proxy that was done; undefined where the hour is */
async function rollUp(tx: Transaction, { tenantId, hour, after }: Task): Promise<string | undefined> {
  const proxies = await tx.query<{ id: string }>(
    `select id from envoy_proxies where tenant_id = $1 and id > $2 order by id limit ${PROXIES_AT_ONCE}`,
    [tenantId, after],
  );
  const ids = proxies.map(({ id }) => id);
  if (ids.length > 0) {
    for (const sql of [...CLEAR, SUM_LOADS, SUM_LATENCIES]) await tx.query(sql, [tenantId, hour, ids]);
    return ids.at(-1);
  }
  await tx.query(
    `insert into traffic_rollups (tenant_id, rolled_until) values ($1, $2::timestamptz + interval '1 hour')
     on conflict (tenant_id) do update set rolled_until = excluded.rolled_until`,
    [tenantId, hour],
  );
  return undefined;
}

const OF_THE_HOUR =
  "m.tenant_id = $1 and m.starts_at >= $2 and m.starts_at < $2::timestamptz + interval '1 hour' and m.proxy_id = any ($3::uuid[])";

const CLEAR = ['cluster_metrics_hourly', 'cluster_latencies_hourly'].map(
  (table) => `delete from ${table} m where ${OF_THE_HOUR}`,
);

const SUM_LOADS = `
  insert into cluster_metrics_hourly (tenant_id, proxy_id, starts_at, id, snapshot_hash, cluster, region, zone, sub_zone, successes, errors, dropped)
  select m.tenant_id, m.proxy_id, $2::timestamptz, gen_random_uuid(), m.snapshot_hash, m.cluster, m.region, m.zone, m.sub_zone,
         sum(m.successes), sum(m.errors), sum(m.dropped)
    from cluster_metrics m where ${OF_THE_HOUR}
   group by m.tenant_id, m.proxy_id, m.snapshot_hash, m.cluster, m.region, m.zone, m.sub_zone`;

const SUM_LATENCIES = `
  insert into cluster_latencies_hourly (tenant_id, proxy_id, starts_at, id, snapshot_hash, cluster, buckets)
  select tenant_id, proxy_id, $2::timestamptz, gen_random_uuid(), snapshot_hash, cluster, jsonb_agg(jsonb_build_array(bound, count) order by bound)
    from (select m.tenant_id, m.proxy_id, m.snapshot_hash, m.cluster, (b ->> 0)::float8 as bound, sum((b ->> 1)::bigint) as count
            from cluster_latencies m cross join lateral jsonb_array_elements(m.buckets) b where ${OF_THE_HOUR}
           group by m.tenant_id, m.proxy_id, m.snapshot_hash, m.cluster, bound) counted
   group by tenant_id, proxy_id, snapshot_hash, cluster`;
