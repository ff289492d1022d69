import type { Order, Report } from './load-process.ts';
import type { Call, RunResult } from './open-loop.ts';
import { Worker } from './worker.ts';

export interface SentLoad extends RunResult {
  /** Of the client. */
  readonly cpuSeconds: number;
}

/** An open-loop client (`OpenLoop`) in a process of its own. */
export class Load {
  private readonly worker = new Worker<Order, Report>(new URL('./load-process.ts', import.meta.url));
  private known: readonly Call[] | undefined;

  static async open(port: number, connections: number): Promise<Load> {
    const load = new Load();
    await load.worker.tell({ type: 'open', port, connections });
    return load;
  }

  /** Sends the calls in turn, again from the first when they are used up. */
  async send(calls: readonly Call[], pace: { readonly rate: number; readonly seconds: number }): Promise<SentLoad> {
    const report = await this.worker.tell({ type: 'send', calls: calls === this.known ? undefined : calls, ...pace });
    this.known = calls;
    if (!report) throw new Error('the client answered something else');
    return report;
  }

  async close(): Promise<void> {
    await this.worker.tell({ type: 'close' });
    await this.worker.end();
  }
}
