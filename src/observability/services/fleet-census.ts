import {
  Inject,
  Injectable,
  Optional,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Clock } from '../../common/clock/clock.js';
import { Database, type Transaction } from '../../common/database/database.js';
import { Leases } from '../../common/database/leases.js';
import { LeasedJob } from '../../common/jobs/leased-job.js';

/** Milliseconds between two counts. */
const CENSUS_INTERVAL = Symbol('efms:census-interval');

const INTERVAL_MS = 5_000;
const LEASE_TTL_MS = 30_000;
/** Counts that are missed before the last one is told no more. */
const STALE_AFTER = 4;

/** How many there are of something, by what it is. */
type Tally = ReadonlyMap<string, number>;

/** The fleet of all tenants at one moment. */
export interface Census {
  /** By their connection. */
  readonly proxies: Tally;
  /** Connected ones that EFMS sends nothing: `unmanaged` or `frozen`. */
  readonly unserved: Tally;
  /** Connected ones that have all that they are served. */
  readonly converged: number;
  /** Those whose assigned snapshot is held back, by reason. */
  readonly quarantined: Tally;
  /** Open ones, by status. */
  readonly deployments: Tally;
  /** Seconds; 0 without any. */
  readonly oldestDeployment: number;
  /** Secrets with an end, by how near that is. */
  readonly secrets: Tally;
  /** Seconds that the oldest row of the audit log waits for its link. */
  readonly auditLag: number;
}

/** Counts the fleet at an interval. One replica does it at a time, and it alone knows: scrapes never wait for the database. */
@Injectable()
export class FleetCensus implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly job: LeasedJob;
  private last: { readonly census: Census; readonly at: number } | undefined;

  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(Clock) private readonly clock: Clock,
    @Optional() @Inject(CENSUS_INTERVAL) private readonly every: number = INTERVAL_MS,
  ) {
    const settings = { name: 'fleet-census', every, leaseTtl: LEASE_TTL_MS };
    // Nothing is written, so nothing is fenced.
    this.job = new LeasedJob(new Leases(database), settings, async () => {
      this.last = { census: await this.count(), at: this.clock.monotonic() };
      return 'done';
    });
  }

  /** The newest count; undefined where another replica counts, or the database is away. */
  get newest(): Census | undefined {
    const isFresh = this.last && this.clock.monotonic() - this.last.at < this.every * STALE_AFTER;
    return isFresh ? this.last?.census : undefined;
  }

  onApplicationBootstrap(): void {
    this.job.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.job.stop();
  }

  count(): Promise<Census> {
    return this.database.system(async (tx) => ({
      proxies: await tally(
        tx,
        ['connected', 'disconnected', 'never_seen'],
        'select connection as what, count(*) as many from proxy_status group by connection',
      ),
      unserved: await tally(
        tx,
        ['unmanaged', 'frozen'],
        `select management as what, count(*) as many from proxy_status
          where connection = 'connected' and management <> 'managed' group by management`,
      ),
      converged: await number(
        tx,
        `select count(*) as value from (
           select tenant_id, proxy_id from xds_streams where ended_at is null and converged_hash = serving_hash group by 1, 2) converged`,
      ),
      quarantined: await tally(
        tx,
        ['nack', 'crash_loop'],
        `select q.reason as what, count(*) as many from proxy_quarantines q
           join proxy_assignments a using (tenant_id, proxy_id, snapshot_hash) where q.held group by q.reason`,
      ),
      deployments: await tally(
        tx,
        ['pending', 'running'],
        `select status as what, count(*) as many from configuration_deployments where status in ('pending', 'running') group by status`,
      ),
      oldestDeployment: await number(
        tx,
        `select extract(epoch from now() - min(created_at)) as value from configuration_deployments where status in ('pending', 'running')`,
      ),
      secrets: await tally(
        tx,
        ['expired', 'within_7_days', 'within_30_days', 'later'],
        `select case when v.expires_at <= now() then 'expired' when v.expires_at <= now() + interval '7 days' then 'within_7_days'
                     when v.expires_at <= now() + interval '30 days' then 'within_30_days' else 'later' end as what, count(*) as many
           from secrets s join secret_versions v on v.tenant_id = s.tenant_id and v.secret_id = s.id and v.number = s.current_version
          where v.expires_at is not null group by 1`,
      ),
      auditLag: await number(
        tx,
        `select extract(epoch from clock_timestamp() - a.created_at) as value
           from audit_chain_position p cross join lateral (
             select created_at from audit_logs where (xid, created_at, id) > (p.xid, p.audit_created_at, p.audit_id)
              order by xid, created_at, id limit 1) a`,
      ),
    }));
  }
}

async function tally(tx: Transaction, whats: readonly string[], sql: string): Promise<Tally> {
  const rows = await tx.query<{ what: string; many: string }>(sql);
  return new Map([
    ...whats.map((what) => [what, 0] as const),
    ...rows.map(({ what, many }) => [what, Number(many)] as const),
  ]);
}

async function number(tx: Transaction, sql: string): Promise<number> {
  const [row] = await tx.query<{ value: string | null }>(sql);
  return Math.max(0, Number(row?.value ?? 0));
}
