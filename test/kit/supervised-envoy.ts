import { bootIdArgs, type RunningEnvoy, startEnvoy } from './envoy.js';

/** An Envoy that is started again whenever it exits by itself, each time as a new process to EFMS, as the rendered start command does. */
export class SupervisedEnvoy {
  /** How often it exited by itself. */
  crashes = 0;
  private newest: RunningEnvoy | undefined;
  private isStopped = false;
  private readonly over: Promise<void>;

  constructor(private readonly options: { readonly bootstrap: string; readonly release: string }) {
    this.over = this.supervise();
  }

  /** The process that runs now; none between two. */
  get current(): RunningEnvoy | undefined {
    return this.newest;
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.newest?.kill();
    await this.over;
  }

  private async supervise(): Promise<void> {
    while (this.isWanted()) {
      // One that goes down at once never answers.
      const envoy = await startEnvoy({ ...this.options, args: bootIdArgs() }).catch(() => undefined);
      this.newest = envoy;
      if (!this.isWanted()) await envoy?.kill();
      await envoy?.exited;
      this.newest = undefined;
      await envoy?.kill();
      if (this.isWanted()) this.crashes++;
    }
  }

  private isWanted(): boolean {
    return !this.isStopped;
  }
}
