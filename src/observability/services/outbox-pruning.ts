import {
  Inject,
  Injectable,
  Optional,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Database } from '../../common/database/database.js';
import { Leases } from '../../common/database/leases.js';
import { pruneOutbox } from '../../common/database/outbox.js';
import { LeasedJob } from '../../common/jobs/leased-job.js';

/** Milliseconds between two turns. */
const PRUNING_INTERVAL = Symbol('efms:outbox-pruning-interval');

const INTERVAL_MS = 10 * 60_000;
const LEASE_TTL_MS = 60_000;
/** An hour longer than streams go back. */
const KEPT_HOURS = 25;
const BATCH = 5_000;

/** Removes events that every consumer has read and no stream asks for any more. */
@Injectable()
export class OutboxPruning implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly job: LeasedJob;

  constructor(@Inject(Database) database: Database, @Optional() @Inject(PRUNING_INTERVAL) every: number = INTERVAL_MS) {
    const settings = { name: 'outbox-pruning', every, leaseTtl: LEASE_TTL_MS };
    // Not fenced: whoever removes these events, and however often, nothing else is removed.
    this.job = new LeasedJob(new Leases(database), settings, async () =>
      (await pruneOutbox(database, KEPT_HOURS / 24, BATCH)) === BATCH ? 'more' : 'done',
    );
  }

  onApplicationBootstrap(): void {
    this.job.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.job.stop();
  }
}
