import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import type { Config } from '../../common/config/config.js';
import { CONFIG } from '../../common/config/config.token.js';
import { Database } from '../../common/database/database.js';
import { Leases } from '../../common/database/leases.js';
import { makePartitions } from '../../common/database/migrations.js';
import { SchemaOwner } from '../../common/database/schema-owner.js';
import { LeasedJob } from '../../common/jobs/leased-job.js';
import { TrafficStats } from './traffic-stats.js';

const EVERY_MS = 10 * 60_000;
const LEASE_MS = 120_000;
/** Below this somebody has to be told (DATA.md). */
const FEW_DAYS = 2;

/** The tables and for which of the two times they are kept. */
const KEPT = [
  ['cluster_metrics', 'retentionDays'],
  ['cluster_latencies', 'retentionDays'],
  ['cluster_metrics_hourly', 'hourlyRetentionDays'],
  ['cluster_latencies_hourly', 'hourlyRetentionDays'],
] as const;

/**
 * Makes partitions ahead and drops those that are too old, where this process may act as the owner of the schema. Where it may not,
 * `efms db migrate` makes them, and this says in time that they run out.
 */
@Injectable()
export class TrafficPartitions implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger(TrafficPartitions.name);
  private readonly job: LeasedJob;

  constructor(
    private readonly database: Database,
    private readonly owner: SchemaOwner,
    private readonly stats: TrafficStats,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    const settings = { name: 'traffic-partitions', every: EVERY_MS, leaseTtl: LEASE_MS };
    // Not fenced: whoever makes or drops them, and however often, they are the same.
    this.job = new LeasedJob(new Leases(database), settings, async () => {
      await this.keep();
      return 'done';
    });
  }

  onApplicationBootstrap(): void {
    this.job.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.job.stop();
  }

  /** Makes and drops what is due, and looks how far ahead there are partitions. */
  async keep(): Promise<void> {
    try {
      if (this.owner.isKnown) await this.makeAndDrop();
    } finally {
      await this.look();
    }
  }

  private makeAndDrop(): Promise<void> {
    return this.owner.run(async (client) => {
      await makePartitions(client);
      for (const [table, retention] of KEPT) {
        await client.query("select efms_drop_traffic_partitions($1, now() - $2 * interval '1 day')", [
          table,
          this.config.metrics[retention],
        ]);
      }
    });
  }

  private async look(): Promise<void> {
    const [row] = await this.database.system((tx) =>
      tx.query<{ days: string | null }>(
        `select floor(extract(epoch from min(until) - now()) / 86400) as days
           from (select max(holds_to) as until from traffic_partitions group by parent) parents`,
      ),
    );
    this.stats.partitionDaysAhead = Number(row?.days ?? 0);
    if (this.stats.partitionDaysAhead >= FEW_DAYS) return;
    this.log.error(
      `partitions for traffic run out in ${this.stats.partitionDaysAhead} days: run "efms db migrate", or give the server DATABASE_OWNER_URL`,
    );
  }
}
