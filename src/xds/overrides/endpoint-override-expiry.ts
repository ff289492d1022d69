import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Database } from '../../common/database/database.js';
import { Leases } from '../../common/database/leases.js';
import { LeasedJob } from '../../common/jobs/leased-job.js';
import { EndpointOverrides } from './endpoint-overrides.service.js';

const EVERY_MS = 5_000;
const LEASE_MS = 30_000;

/** Removes endpoint overrides that have expired, and tells. Replicas do not wait for it: they look at the time themselves. */
@Injectable()
export class EndpointOverrideExpiry implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly job: LeasedJob;

  constructor(database: Database, overrides: EndpointOverrides) {
    const settings = { name: 'endpoint-override-expiry', every: EVERY_MS, leaseTtl: LEASE_MS };
    this.job = new LeasedJob(new Leases(database), settings, async (lease) =>
      (await overrides.removeExpired(lease)) ? 'more' : 'done',
    );
  }

  onApplicationBootstrap(): void {
    this.job.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.job.stop();
  }
}
