import { Logger } from '@nestjs/common';
import { newId } from '../../common/context/ids.js';
import { type Lease, LeaseLost, type Leases } from '../../common/database/leases.js';
import { REPLICA_LEASE } from './live-streams.js';

export interface ReplicaSettings {
  /** How long after its last sign of life a replica counts as dead. */
  readonly ttlMs?: number;
  readonly renewMs?: number;
  /** How soon to try again after a failure: once the database is back, a lease that ran out is to be taken at once. */
  readonly retryMs?: number;
}

/** One life of one process of EFMS, told to the others by a lease: when that runs out, its streams count as ended. */
export class Replica {
  readonly id = newId();
  private readonly log = new Logger(Replica.name);
  private readonly settings: Required<ReplicaSettings>;
  private lease: Lease | undefined;
  private timer: NodeJS.Timeout | undefined;
  private renewing: Promise<void> = Promise.resolve();
  private isStopped = false;

  constructor(
    private readonly leases: Leases,
    settings: ReplicaSettings = {},
  ) {
    this.settings = { ttlMs: 10_000, renewMs: 3_000, retryMs: 250, ...settings };
  }

  /**
   * Takes the lease and keeps it.
   * @param onRegained called after a time in which others may have taken this replica for dead
   */
  async start(onRegained: () => void): Promise<void> {
    this.lease = await this.acquire();
    this.schedule(this.settings.renewMs, onRegained);
  }

  /** Lets the others know at once. */
  async stop(): Promise<void> {
    if (this.isStopped) return;
    this.isStopped = true;
    clearTimeout(this.timer);
    await this.renewing;
    if (this.lease) await this.leases.release(this.lease);
  }

  private schedule(delayMs: number, onRegained: () => void): void {
    if (this.isStopped) return;
    this.timer = setTimeout(() => {
      this.renewing = this.renew(onRegained);
    }, delayMs).unref();
  }

  private async renew(onRegained: () => void): Promise<void> {
    try {
      if (this.lease) await this.leases.renew(this.lease, this.settings.ttlMs);
    } catch (error) {
      if (!(error instanceof LeaseLost) || !(await this.regain(onRegained))) {
        this.schedule(this.settings.retryMs, onRegained);
        return;
      }
    }
    this.schedule(this.settings.renewMs, onRegained);
  }

  private async regain(onRegained: () => void): Promise<boolean> {
    try {
      this.lease = await this.acquire();
    } catch {
      // The database is away again.
      return false;
    }
    this.log.warn('the lease of this replica had run out; its streams are reported anew');
    onRegained();
    return true;
  }

  private acquire(): Promise<Lease | undefined> {
    return this.leases.acquire(`${REPLICA_LEASE}${this.id}`, this.id, this.settings.ttlMs);
  }
}
