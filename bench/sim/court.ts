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
  /** As they are found. */
  readonly violations: Violation[] = [];
  private readonly exhibits = new Map<string, readonly HistoryEvent[]>();
  private readonly cases: ReadonlyMap<string, Case>;

  constructor(proxies: readonly { readonly id: string; readonly protocol: Protocol }[], facts: Facts) {
    this.cases = new Map(
      proxies.map(({ id, protocol }) => [
        id,
        { judge: new Judge(id, protocol, facts), events: [], isConnected: false },
      ]),
    );
  }

  /** Judges what happened since the last time. */
  hear(chapters: readonly Chapter[]): void {
    for (const { id, events: news, isConnected } of chapters) {
      const one = this.cases.get(id);
      if (!one) continue;
      const before = one.judge.violations.length;
      for (const event of news) one.judge.take(event);
      one.events = [...one.events, ...news].slice(-KEPT);
      one.isConnected = isConnected;
      const found = one.judge.violations.slice(before);
      this.violations.push(...found);
      if (found.length > 0 && !this.exhibits.has(id)) this.exhibits.set(id, one.events);
    }
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

  /** What happened to a proxy, up to its first violation where it has one. */
  history(proxy: string): readonly HistoryEvent[] {
    return this.exhibits.get(proxy) ?? this.cases.get(proxy)?.events ?? [];
  }
}
