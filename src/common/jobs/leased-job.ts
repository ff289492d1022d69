import { Logger } from '@nestjs/common';
import { newId } from '../context/ids.js';
import { type Lease, LeaseLost, type Leases } from '../database/leases.js';

export interface LeasedJobSettings {
  /** Names the lease: replicas that share it share the work. */
  readonly name: string;
  /** Milliseconds between two turns when there is nothing more to do. */
  readonly every: number;
  /** How long the lease outlives a holder that crashed; longer than one turn takes. */
  readonly leaseTtl: number;
}

/** One short turn of work. Whatever it writes it fences with the lease. */
export type Turn = (lease: Lease) => Promise<'more' | 'done'>;

/**
 * Work that one replica at a time does, again and again: every replica starts the job, the holder of the lease has its turns. A turn that
 * fails is tried again later. Local time only decides when to look; the lease lives on the database's clock.
 */
export class LeasedJob {
  private readonly log = new Logger(LeasedJob.name);
  private readonly owner = newId();
  private lease: Lease | undefined;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private isStopped = false;
  private hasFailed = false;

  constructor(
    private readonly leases: Leases,
    private readonly settings: LeasedJobSettings,
    private readonly turn: Turn,
  ) {}

  start(): void {
    this.schedule();
  }

  /** Waits for the turn that is running and lets others take the lease at once. */
  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    await this.running;
    const { lease } = this;
    this.lease = undefined;
    if (!lease) return;
    await this.leases.release(lease).catch((err: unknown) => this.log.warn({ err }, 'lease not released'));
  }

  private schedule(): void {
    if (this.isStopped) return;
    this.timer = setTimeout(() => {
      this.running = this.work().then(() => this.schedule());
    }, this.settings.every).unref();
  }

  private async work(): Promise<void> {
    const { name, leaseTtl } = this.settings;
    const { stats } = this.leases;
    try {
      do {
        this.lease = await this.leases.acquire(name, this.owner, leaseTtl);
      } while (this.lease && (await this.turn(this.lease)) === 'more' && !this.isStopped);
      if (this.lease) stats.ran(name, 'done');
      this.hasFailed = false;
    } catch (err) {
      if (err instanceof LeaseLost) return;
      stats.ran(name, 'failed');
      if (!this.hasFailed) this.log.warn({ err, job: name }, 'a job failed; it is tried again');
      this.hasFailed = true;
    }
  }
}
