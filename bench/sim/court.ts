import type { Chapter } from './client/hollow-fleet.ts';
import type { HistoryEvent } from './client/history.ts';
import type { Protocol } from './client/kinds.ts';
import type { Facts } from './judge/facts.ts';
import { Judge, type Violation } from './judge/judge.ts';

/** What is kept of each history for those who look into a violation. */
const KEPT = 400;

interface Case {
  readonly judge: Judge;
  events: readonly HistoryEvent[];
  isConnected: boolean;
}

/** All proxies, each with its judge. */
export class Court {
  private readonly cases: ReadonlyMap<string, Case>;

  constructor(proxies: readonly { readonly id: string; readonly protocol: Protocol }[], facts: Facts) {
    this.cases = new Map(
      proxies.map(({ id, protocol }) => [
        id,
        { judge: new Judge(id, protocol, facts), events: [], isConnected: false },
      ]),
    );
  }

  /** Judges what happened since the last time. @returns how much that was */
  hear(chapters: readonly Chapter[]): number {
    let events = 0;
    for (const { id, events: news, isConnected } of chapters) {
      const one = this.cases.get(id);
      if (!one) continue;
      for (const event of news) one.judge.take(event);
      one.events = [...one.events, ...news].slice(-KEPT);
      one.isConnected = isConnected;
      events += news.length;
    }
    return events;
  }

  /** Those that do not have what they are to have by now, each with what it lacks. */
  unsettled(): Map<string, string[]> {
    const found = new Map<string, string[]>();
    for (const [id, { judge, isConnected }] of this.cases) {
      const lacking = isConnected ? judge.standing() : ['it is not connected'];
      if (lacking.length > 0) found.set(id, lacking);
    }
    return found;
  }

  get violations(): readonly Violation[] {
    return [...this.cases.values()].flatMap(({ judge }) => judge.violations);
  }

  get responses(): number {
    return [...this.cases.values()].reduce((sum, { judge }) => sum + judge.responses, 0);
  }

  /** Resources that were sent, by why. */
  get reasons(): Readonly<Record<string, number>> {
    const sums: Record<string, number> = {};
    for (const { judge } of this.cases.values()) {
      for (const [reason, count] of judge.reasons) sums[reason] = (sums[reason] ?? 0) + count;
    }
    return sums;
  }

  /** The newest of what happened to a proxy. */
  history(proxy: string): readonly HistoryEvent[] {
    return this.cases.get(proxy)?.events ?? [];
  }
}
