import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { keep } from './children.ts';
import type { Order, Report } from './load-process.ts';
import type { Call, RunResult } from './open-loop.ts';

export interface SentLoad extends RunResult {
  /** Of the client. */
  readonly cpuSeconds: number;
}

/** An open-loop client (`OpenLoop`) in a process of its own, so that it and what it measures do not wait for each other. */
export class Load {
  private readonly child: ChildProcess;
  private known: readonly Call[] | undefined;

  private constructor(child: ChildProcess) {
    this.child = child;
  }

  static async open(port: number, connections: number): Promise<Load> {
    const program = fileURLToPath(new URL('./load-process.ts', import.meta.url));
    const load = new Load(keep(fork(program, { serialization: 'advanced' })));
    await load.tell({ type: 'open', port, connections });
    return load;
  }

  /** Sends the calls in turn, again from the first when they are used up. */
  async send(calls: readonly Call[], pace: { readonly rate: number; readonly seconds: number }): Promise<SentLoad> {
    const report = await this.tell({ type: 'send', calls: calls === this.known ? undefined : calls, ...pace });
    this.known = calls;
    if (report.type !== 'sent') throw new Error('the client answered something else');
    return { ...report.result, cpuSeconds: report.cpuSeconds };
  }

  async close(): Promise<void> {
    await this.tell({ type: 'close' });
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.disconnect();
    await ended;
  }

  private tell(order: Order): Promise<Report> {
    if (!this.child.connected) return Promise.reject(new Error('the client has ended'));
    return new Promise((resolve, reject) => {
      const onEnd = (): void => reject(new Error('the client has ended'));
      this.child.once('exit', onEnd);
      this.child.once('message', (report: Report) => {
        this.child.off('exit', onEnd);
        if (report.type === 'failed') reject(new Error(report.reason));
        else resolve(report);
      });
      this.child.send(order);
    });
  }
}
