import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { keep } from './children.ts';

type Answer<Report> = { readonly report: Report } | { readonly failure: string };

/** A process that is told one thing after the other and answers each, so that it and what it measures do not wait for each other. */
export class Worker<Order, Report> {
  readonly pid: number;
  private readonly child: ChildProcess;

  /** @param program the file of a program that calls `serve` */
  constructor(program: URL) {
    this.child = keep(fork(fileURLToPath(program), { serialization: 'advanced' }));
    this.pid = this.child.pid ?? 0;
  }

  /** @throws what the process failed with */
  tell(order: Order): Promise<Report> {
    const { child } = this;
    if (!child.connected) return Promise.reject(new Error('the client has ended'));
    return new Promise((resolve, reject) => {
      const onEnd = (): void => reject(new Error('the client has ended'));
      child.once('exit', onEnd);
      child.once('message', (answer: Answer<Report>) => {
        child.off('exit', onEnd);
        if ('failure' in answer) reject(new Error(answer.failure));
        else resolve(answer.report);
      });
      child.send(order as object);
    });
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.disconnect();
    await ended;
  }
}

/** The other side: what this process is told is given to `obey`. It ends when nobody is left to tell it anything. */
export function serve<Order, Report>(obey: (order: Order) => Promise<Report>): void {
  const answer = async (order: Order): Promise<Answer<Report>> => {
    try {
      return { report: await obey(order) };
    } catch (error) {
      return { failure: String(error) };
    }
  };
  process.on('message', (order: Order) => void answer(order).then((message) => process.send?.(message)));
  process.on('disconnect', () => process.exit());
}
