import { Injectable, Logger } from '@nestjs/common';
import { newId } from '../../common/context/ids.js';
import { type Lease, LeaseLost, Leases } from '../../common/database/leases.js';
import { REPLICA_LEASE } from './live-streams.js';

const TTL_MS = 10_000;
const RENEW_MS = 3_000;

/** One life of one process of EFMS, told to the others by a lease: when that runs out, its streams count as ended. */
@Injectable()
export class Replica {
  readonly id = newId();
  private readonly log = new Logger(Replica.name);
  private lease: Lease | undefined;
  private timer: NodeJS.Timeout | undefined;
  private renewing: Promise<void> = Promise.resolve();
  private isStopped = false;

  constructor(private readonly leases: Leases) {}

  /**
   * Takes the lease and keeps it.
   * @param onRegained called after a time in which others may have taken this replica for dead
   */
  async start(onRegained: () => void): Promise<void> {
    this.lease = await this.acquire();
    this.timer = setInterval(() => {
      this.renewing = this.renewing.then(() => this.renew(onRegained));
    }, RENEW_MS).unref();
  }

  /** Lets the others know at once. */
  async stop(): Promise<void> {
    if (this.isStopped) return;
    this.isStopped = true;
    clearInterval(this.timer);
    await this.renewing;
    if (this.lease) await this.leases.release(this.lease);
  }

  private acquire(): Promise<Lease | undefined> {
    return this.leases.acquire(`${REPLICA_LEASE}${this.id}`, this.id, TTL_MS);
  }

  private async renew(onRegained: () => void): Promise<void> {
    if (this.isStopped || !this.lease) return;
    try {
      await this.leases.renew(this.lease, TTL_MS);
    } catch (error) {
      if (!(error instanceof LeaseLost)) {
        this.log.debug({ err: error }, 'the lease of this replica could not be renewed');
        return;
      }
      await this.regain(onRegained);
    }
  }

  private async regain(onRegained: () => void): Promise<void> {
    try {
      this.lease = (await this.acquire()) ?? this.lease;
      this.log.warn('the lease of this replica had run out; its streams are reported anew');
      onRegained();
    } catch (error) {
      this.log.debug({ err: error }, 'the lease of this replica could not be taken again');
    }
  }
}
