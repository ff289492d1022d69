import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Doorbell } from './assignments/doorbell.js';
import { Reconciler } from './assignments/reconciler.js';
import { Ledger } from './ledger/ledger.js';
import { Replica } from './ledger/replica.js';
import { OpenStreams } from './server/open-streams.js';

/** Starts and stops what runs by itself, in the order in which it depends on each other. */
@Injectable()
export class XdsLifecycle implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger(XdsLifecycle.name);

  constructor(
    private readonly replica: Replica,
    private readonly ledger: Ledger,
    private readonly reconciler: Reconciler,
    private readonly doorbell: Doorbell,
    private readonly streams: OpenStreams,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.replica.start(() => this.ledger.reassert());
    this.doorbell.onRing(() => this.reconciler.wake());
    this.doorbell.start();
    this.reconciler.start();
  }

  /** The phase before the ports and the database close: ends streams, writes that they ended, and gives the lease back. */
  async beforeApplicationShutdown(): Promise<void> {
    this.reconciler.stop();
    // Idempotent; what order Nest calls providers in does not matter so.
    this.streams.beforeApplicationShutdown();
    await this.doorbell.stop();
    await this.ledger.stop();
    await this.replica.stop().catch((error: unknown) => this.log.warn({ err: error }, 'lease not released'));
  }
}
