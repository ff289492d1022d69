import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { PostgresLedger } from './postgres-ledger.js';
import { ProgressSignal } from './progress-signal.js';

const SWEEP_MS = 5_000;

/** Ends, at an interval, what replicas that died left open, so that their proxies do not look connected for ever. */
@Injectable()
export class DeadStreams implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger(DeadStreams.name);
  private timer: NodeJS.Timeout | undefined;
  private sweeping: Promise<void> = Promise.resolve();

  constructor(
    private readonly ledger: PostgresLedger,
    private readonly signal: ProgressSignal,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(
      () => {
        this.sweeping = this.sweeping.then(() => this.sweep());
      },
      SWEEP_MS * (0.9 + Math.random() * 0.2),
    ).unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.sweeping;
  }

  /** One sweep; what fails is tried again with the next. */
  async sweep(): Promise<void> {
    try {
      const proxies = await this.ledger.endDeadStreams();
      if (proxies.length > 0) this.signal.emit(proxies);
    } catch (error) {
      this.log.debug({ err: error }, 'streams of dead replicas could not be looked for');
    }
  }
}
