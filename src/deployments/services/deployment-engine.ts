import {
  Inject,
  Injectable,
  Logger,
  Optional,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Clock } from '../../common/clock/clock.js';
import { newId } from '../../common/context/ids.js';
import { Database } from '../../common/database/database.js';
import { type Lease, LeaseLost, Leases } from '../../common/database/leases.js';
import { ProgressSignal } from '../../xds/index.js';
import { DeploymentSteps } from './deployment-steps.js';
import type { DeploymentRef } from './deployment-timeline.js';

/** Milliseconds. */
export interface EngineTiming {
  /** How long a lease outlives its last renewal: after a crash the others wait that long at most. */
  readonly leaseTtl: number;
  readonly renewEvery: number;
  /** The longest time between two looks; a signal makes it shorter. */
  readonly tick: number;
  /** The shortest time between two looks, so that a stream of signals is taken together. */
  readonly minTick: number;
}

const ENGINE_TIMING = Symbol('EngineTiming');
export const ENGINE_LEASE = 'deployment-engine';

const TIMING: EngineTiming = { leaseTtl: 6_000, renewEvery: 2_000, tick: 500, minTick: 20 };

/**
 * Carries deployments on. Every replica runs one, the holder of the lease works and the others try to get it at each tick; what was
 * begun is finished by whoever holds it then (SPEC.md §4.6). Local time only decides when to look: whether a write stands is decided by
 * the fence in its transaction.
 */
@Injectable()
export class DeploymentEngine implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger(DeploymentEngine.name);
  private readonly leases: Leases;
  private readonly owner = newId();
  private readonly timing: EngineTiming;
  private lease: Lease | undefined;
  private askedAt = -Infinity;
  private running: Promise<void> | undefined;
  private stopping = false;
  private isCalled = false;
  private isBlind = false;
  private rouse: (() => void) | undefined;
  private unsubscribe: (() => void) | undefined;

  constructor(
    database: Database,
    private readonly steps: DeploymentSteps,
    private readonly signal: ProgressSignal,
    private readonly clock: Clock,
    @Optional() @Inject(ENGINE_TIMING) timing?: EngineTiming,
  ) {
    this.leases = new Leases(database);
    this.timing = timing ?? TIMING;
  }

  onApplicationBootstrap(): void {
    this.unsubscribe = this.signal.subscribe(() => this.wake());
    this.running = this.run();
  }

  /** The phase before the one in which the database closes: the next engine need not wait for the lease to run out. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    this.unsubscribe?.();
    this.rouse?.();
    await this.running;
    if (this.lease) {
      await this.leases
        .release(this.lease)
        .catch((error: unknown) => this.log.warn({ err: error }, 'lease not released'));
    }
  }

  /** Something may have changed: look soon. */
  wake(): void {
    this.isCalled = true;
    this.rouse?.();
  }

  /** One look at everything that is open, if this engine has or gets the lease. */
  async tick(): Promise<void> {
    if (!(await this.hold())) return;
    for (const deployment of await this.steps.open()) {
      if (this.stopping) return;
      try {
        await this.carryOn(deployment);
      } catch (error) {
        if (error instanceof LeaseLost) {
          this.lease = undefined;
          return;
        }
        // The others must not wait for one that fails; it is tried again with the next tick.
        this.log.error({ err: error, deployment }, 'a deployment could not be carried on');
      }
    }
  }

  private async carryOn(deployment: DeploymentRef): Promise<void> {
    for (;;) {
      const lease = await this.hold();
      if (!lease || this.stopping) return;
      if ((await this.steps.advance(lease, deployment)) !== 'again') return;
    }
  }

  /** The lease, taken or renewed where it is time to ask; undefined while another engine has it. */
  private async hold(): Promise<Lease | undefined> {
    const now = this.clock.monotonic();
    if (now - this.askedAt >= (this.lease ? this.timing.renewEvery : this.timing.tick)) {
      this.askedAt = now;
      this.lease = await this.leases.acquire(ENGINE_LEASE, this.owner, this.timing.leaseTtl);
    }
    return this.lease;
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      this.takeCall();
      try {
        await this.tick();
        if (this.lease) this.leases.stats.ran(ENGINE_LEASE, 'done');
        this.isBlind = false;
      } catch (error) {
        this.leases.stats.ran(ENGINE_LEASE, 'failed');
        if (!this.isBlind) this.log.warn({ err: error }, 'the deployment engine cannot look; it keeps trying');
        this.isBlind = true;
      }
      await this.pause(this.timing.minTick);
      if (!this.takeCall()) await this.pause(this.timing.tick - this.timing.minTick, true);
    }
  }

  /** Whether somebody called since the last time. */
  private takeCall(): boolean {
    const isCalled = this.isCalled;
    this.isCalled = false;
    return isCalled;
  }

  private pause(ms: number, isInterruptible = false): Promise<void> {
    if (this.stopping) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.rouse = undefined;
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.rouse = (): void => {
        if (isInterruptible || this.stopping) done();
      };
    });
  }
}
