import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Database } from '../../common/database/database.js';
import { Leases } from '../../common/database/leases.js';
import { LeasedJob } from '../../common/jobs/leased-job.js';
import { Quarantines } from './quarantines.js';

const EVERY_MS = 5_000;
const LEASE_MS = 30_000;

/** Offers again, at their time, snapshots that a proxy may take once its machine has what they need (SPEC.md §4.5). */
@Injectable()
export class QuarantineRetries implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly job: LeasedJob;

  constructor(
    database: Database,
    private readonly quarantines: Quarantines,
  ) {
    const settings = { name: 'quarantine-retries', every: EVERY_MS, leaseTtl: LEASE_MS };
    this.job = new LeasedJob(new Leases(database), settings, async (lease) =>
      (await quarantines.retryDue(lease)) ? 'more' : 'done',
    );
  }

  onApplicationBootstrap(): void {
    this.job.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.job.stop();
    await this.quarantines.stop();
  }
}
