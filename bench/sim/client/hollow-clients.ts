import { Worker } from '../../kit/worker.ts';
import type { Chapter, HollowFleetOptions, Misfortune } from './hollow-fleet.ts';
import type { Order } from './hollow-process.ts';

const PER_PROCESS = 1500;

/** A fleet of hollow proxies in as many processes as it needs. */
export class HollowClients {
  private readonly workers: readonly Worker<Order, readonly Chapter[]>[];
  /** One thing after the other. */
  private last: Promise<unknown> = Promise.resolve();

  private constructor(workers: readonly Worker<Order, readonly Chapter[]>[]) {
    this.workers = workers;
  }

  static async open({ members, ports, seed }: HollowFleetOptions): Promise<HollowClients> {
    const count = Math.ceil(members.length / PER_PROCESS);
    const workers = Array.from({ length: count }, () => {
      return new Worker<Order, readonly Chapter[]>(new URL('./hollow-process.ts', import.meta.url));
    });
    const clients = new HollowClients(workers);
    const partOf = (i: number): HollowFleetOptions => ({
      members: members.filter((_, member) => member % count === i),
      ports,
      seed: seed + i,
    });
    await clients.tell((i) => ({ type: 'open', options: partOf(i) }));
    return clients;
  }

  /** Has it happen to these proxies. */
  async strike(misfortune: Misfortune, ids: readonly string[]): Promise<void> {
    await this.tell(() => ({ type: 'strike', misfortune, ids }));
  }

  /** What happened to all of them since the last time. */
  take(): Promise<Chapter[]> {
    return this.tell(() => ({ type: 'take' }));
  }

  async end(): Promise<void> {
    await this.tell(() => ({ type: 'close' }));
    await Promise.all(this.workers.map((worker) => worker.end()));
  }

  private tell(orderOf: (worker: number) => Order): Promise<Chapter[]> {
    const told = this.last.then(async () => {
      const answers = await Promise.all(this.workers.map((worker, i) => worker.tell(orderOf(i))));
      return answers.flat();
    });
    this.last = told.catch(() => undefined);
    return told;
  }
}
