import type { AssignmentLog } from './assignment-log.ts';
import type { Given } from './client/history.ts';
import type { Reference } from './client/names.ts';
import type { Pause } from './faults/chaos.ts';
import type { Facts, Served, Snapshot } from './judge/facts.ts';
import type { Overlay } from './overlay.ts';
import type { Population } from './population.ts';

/** From a statement of a transaction until other transactions see it, where nothing stands between EFMS and its database. */
const COMMIT_MS = 2000;

/** The facts of a simulation. */
export class World implements Facts {
  private readonly log: AssignmentLog;
  private readonly population: Population;
  private readonly pauses: readonly Pause[];

  constructor(log: AssignmentLog, population: Population, pauses: readonly Pause[]) {
    this.log = log;
    this.population = population;
    this.pauses = pauses;
  }

  served(proxy: string): readonly Served[] {
    return this.log.served(proxy);
  }

  snapshot(hash: string): Snapshot | undefined {
    return this.log.snapshot(hash);
  }

  references(version: string): readonly Reference[] {
    return this.log.references(version);
  }

  isOverridden(proxy: string, set: Given, version: string): boolean {
    return this.overlay(proxy).isOf(set, this.log.endpoints(version));
  }

  isOverriddenNow(proxy: string, set: Given, version: string): boolean {
    return this.overlay(proxy).isOfNow(set, this.log.endpoints(version));
  }

  isSecret(proxy: string, secret: Given): boolean {
    return this.overlay(proxy).isSecret(secret);
  }

  isSecretNow(proxy: string, secret: Given): boolean {
    return this.overlay(proxy).isSecretNow(secret);
  }

  surelySeen(at: number): number {
    const pauses = this.pauses.filter(({ from, to }) => from <= at && at <= to + COMMIT_MS);
    return Math.min(at, ...pauses.map(({ from }) => from)) - COMMIT_MS;
  }

  private overlay(proxy: string): Overlay {
    const tenant = this.population.tenantOf.get(proxy);
    if (!tenant) throw new Error(`there is no proxy ${proxy}`);
    return tenant.overlay;
  }
}
