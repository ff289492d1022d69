/** Things to undo after a test, last first, each even when another fails. */
export class Teardown {
  private readonly steps: (() => Promise<unknown>)[] = [];

  /** Remembers how to end what was started, and answers it. */
  add<T extends { stop(): Promise<unknown> }>(started: T): T {
    this.steps.push(() => started.stop());
    return started;
  }

  async run(): Promise<void> {
    const failures: unknown[] = [];
    for (let step = this.steps.pop(); step; step = this.steps.pop()) {
      await step().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw new AggregateError(failures, 'some things could not be stopped');
  }
}
