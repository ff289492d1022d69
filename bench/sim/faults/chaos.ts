import { setTimeout as sleep } from 'node:timers/promises';
import type { AssignmentLog } from '../assignment-log.ts';
import type { HollowClients } from '../client/hollow-clients.ts';
import type { Random } from '../random.ts';
import type { Replica } from '../replica.ts';

/** Everything that goes wrong in a simulation. */
export const FAULTS = [
  'replica killed',
  'replica terminated',
  'doorbell lost',
  'database paused',
  'database lost',
  'connections half open',
  'connections cut',
  'proxies restarted',
] as const;
export type Fault = (typeof FAULTS)[number];

/** A time in which some replica could not reach the database. */
export interface Pause {
  readonly from: number;
  to: number;
}

interface Surroundings {
  readonly replicas: readonly Replica[];
  readonly clients: HollowClients;
  readonly log: AssignmentLog;
  readonly proxies: readonly string[];
  readonly random: Random;
}

/** Parts of the fleet that a fault befalls. */
const SHARES = { 'connections half open': 0.1, 'connections cut': 0.15, 'proxies restarted': 0.02 } as const;

/** Has things go wrong, one kind after the other in an order of the seed, until it is told to end; then all is mended. */
export class Chaos {
  readonly counts = new Map<Fault, number>();
  readonly pauses: Pause[] = [];
  /** What could not be done, or mended, in words. */
  readonly failures: string[] = [];
  private readonly around: Surroundings;
  private queue: Fault[] = [];
  private readonly underWay = new Set<Promise<void>>();

  constructor(around: Surroundings) {
    this.around = around;
  }

  /**
   * Has things go wrong until it is told to end, and at least once each.
   * @param everyMs from one fault to the next, about
   */
  async goOn(everyMs: number, signal: AbortSignal): Promise<void> {
    const { random } = this.around;
    for (let struck = 0; !signal.aborted || struck < FAULTS.length; struck += 1) {
      this.follow(this.strike(this.next(), everyMs));
      await sleep(random.between(0.5, 1.5) * everyMs, undefined, { signal }).catch(() => undefined);
    }
    await Promise.all(this.underWay);
  }

  private follow(strike: Promise<void>): void {
    const followed = strike
      .catch((error: unknown) => {
        this.failures.push(String(error));
      })
      .finally(() => this.underWay.delete(followed));
    this.underWay.add(followed);
  }

  private next(): Fault {
    if (this.queue.length === 0) this.queue = this.around.random.some(FAULTS, FAULTS.length);
    return this.queue.pop() ?? 'doorbell lost';
  }

  private async strike(fault: Fault, everyMs: number): Promise<void> {
    this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1);
    switch (fault) {
      case 'replica killed':
        return this.end('SIGKILL', everyMs);
      case 'replica terminated':
        return this.end('SIGTERM', everyMs);
      case 'doorbell lost':
        await this.around.log.silenceDoorbells();
        return undefined;
      case 'database paused':
        return this.part('stall', everyMs);
      case 'database lost':
        return this.part('cut', everyMs);
      case 'connections half open': {
        const ids = this.some(SHARES[fault]);
        await this.around.clients.strike('silence', ids);
        await sleep(this.around.random.between(0.5, 1.5) * everyMs);
        await this.around.clients.strike('keepalive', ids);
        return undefined;
      }
      case 'connections cut':
        await this.around.clients.strike('cut', this.some(SHARES[fault]));
        return undefined;
      case 'proxies restarted':
        await this.around.clients.strike('restart', this.some(SHARES[fault]));
        return undefined;
    }
  }

  /** The last one that is up stays up: then it waits for another. */
  private async end(signal: 'SIGKILL' | 'SIGTERM', everyMs: number): Promise<void> {
    const up = (): Replica[] => this.around.replicas.filter(({ isUp }) => isUp);
    while (up().length < 2) await sleep(100);
    const replica = this.around.random.one(up());
    await replica.end(signal);
    await sleep(this.around.random.between(0.2, 1) * everyMs);
    await replica.start();
  }

  /** From one replica or from all of them. */
  private async part(how: 'stall' | 'cut', everyMs: number): Promise<void> {
    const { replicas, random } = this.around;
    const parted = random.isLucky(0.5) ? replicas : [random.one(replicas)];
    const pause = { from: Date.now(), to: Infinity };
    this.pauses.push(pause);
    for (const { relay } of parted) relay[how]();
    await sleep(random.between(0.5, 1.5) * everyMs);
    for (const { relay } of parted) relay.resume();
    pause.to = Date.now();
  }

  private some(share: number): string[] {
    const { proxies, random } = this.around;
    return random.some(proxies, Math.max(1, Math.round(proxies.length * share)));
  }
}
