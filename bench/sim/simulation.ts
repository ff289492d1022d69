import { mkdtempSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { callApi, logIn, type Place } from '../kit/place.ts';
import { Api } from './api.ts';
import { AssignmentLog } from './assignment-log.ts';
import { Changes } from './changes/changes.ts';
import { HollowClients } from './client/hollow-clients.ts';
import type { HistoryEvent } from './client/history.ts';
import { Court } from './court.ts';
import { Chaos } from './faults/chaos.ts';
import type { Served } from './judge/facts.ts';
import type { Violation } from './judge/judge.ts';
import { type Population, populate } from './population.ts';
import { Random } from './random.ts';
import { Replica } from './replica.ts';
import { World } from './world.ts';

export interface SimulationOptions {
  readonly proxies: number;
  readonly replicas: number;
  readonly seconds: number;
  readonly seed: number;
  readonly say: (words: string) => void;
}

export interface Outcome {
  readonly rounds: number;
  readonly responses: number;
  readonly changes: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  readonly answers: Readonly<Record<string, number>>;
  /** Resources that were sent, by why. */
  readonly reasons: Readonly<Record<string, number>>;
  /** From the end of all faults until every proxy had what it was to have, in seconds, the longest. */
  readonly settledAfter: number;
  readonly violations: readonly Violation[];
  /** What else went wrong that should not: answers of the API, replicas that ended by themselves. */
  readonly problems: readonly string[];
  /** What happened to a proxy, up to its first violation where it has one. */
  readonly history: (proxy: string) => readonly HistoryEvent[];
  /** What it was to be served, and since when. */
  readonly served: (proxy: string) => readonly Served[];
  /** Where the replicas printed to. */
  readonly folder: string;
}

/** How long one round of changes and faults is before all is left in peace and looked at. */
const ROUND_MS = 45_000;
/** In a round of that length. */
const FAULTS = 9;
const SETTLE_MS = 120_000;
/** From one change of a group to the next, about. */
const CHANGE_MS = 1500;
const PROGRESS_MS = 10_000;
/** Violations that are told at once, of many. */
const TOLD = 3;

/** Replicas, a fleet that is connected to them, changes, faults, and a court that judges what the fleet is sent. */
export class Simulation {
  private readonly options: SimulationOptions;
  private readonly folder = mkdtempSync(path.join(os.tmpdir(), 'efms-sim-'));
  private readonly replicas: Replica[] = [];
  private readonly api: Api;
  private readonly changes: Changes;
  private rounds = 0;
  /** Violations that were told as they were found. */
  private told = 0;
  private settledAfter = 0;
  private readonly late: Violation[] = [];
  /** Ends what was started, the first of it last. */
  private readonly endings: (() => Promise<void>)[] = [];

  constructor(options: SimulationOptions) {
    this.options = options;
    this.api = new Api(this.replicas, new Random(options.seed + 1));
    this.changes = new Changes(this.api, new Random(options.seed + 2));
  }

  /** Runs it on a database of its own, and ends all that it started. */
  async run(place: Place): Promise<Outcome> {
    try {
      const stage = await this.prepare(place);
      await this.play(stage);
      return this.outcome(stage);
    } finally {
      for (const end of this.endings.reverse()) await end();
    }
  }

  private async prepare(place: Place): Promise<Stage> {
    const { proxies, replicas, seed, say } = this.options;
    say(`starting ${replicas} replicas; what they print is in ${this.folder}`);
    for (let i = 0; i < replicas; i += 1) this.replicas.push(await Replica.make(i, place, this.folder));
    this.endings.push(async () => {
      await Promise.all(this.replicas.map((replica) => replica.end('SIGTERM')));
      await Promise.all(this.replicas.map(({ relay }) => relay.stop()));
    });
    await Promise.all(this.replicas.map((replica) => replica.start()));
    const log = await AssignmentLog.begin(place.adminUrl);
    this.endings.push(() => log.end());
    say(`registering ${proxies} proxies`);
    const origin = this.replicas[0]?.http ?? '';
    const admin = await logIn(origin);
    const maker = {
      call: <T>(method: string, target: string, options: { body?: unknown; as?: string } = {}): Promise<T> =>
        callApi<T>(origin, method, target, { as: admin, ...options }),
    };
    const population = await populate(maker, place, proxies, new Random(seed));
    const { members, groups } = population;
    const ids = members.map(({ id }) => id);
    const ports = this.replicas.map(({ xdsPort }) => xdsPort);
    const clients = await HollowClients.open({ members, ports, seed });
    this.endings.push(() => clients.end());
    const chaos = new Chaos({ replicas: this.replicas, clients, log, proxies: ids, random: new Random(seed + 3) });
    const court = new Court(members, new World(log, population, chaos.pauses));
    for (const group of groups) await this.changes.begin(group);
    return { log, population, clients, chaos, court };
  }

  /** Rounds of changes and faults, after each of which every proxy has to come to what it is to have. */
  private async play(stage: Stage): Promise<void> {
    const { seconds, say } = this.options;
    await this.settle(stage);
    this.rounds = Math.max(1, Math.round((seconds * 1000) / ROUND_MS));
    const roundMs = (seconds * 1000) / this.rounds;
    for (let round = 1; round <= this.rounds; round += 1) {
      await this.rage(stage, roundMs);
      await this.settle(stage);
      say(`round ${round} of ${this.rounds}: ${this.standing(stage)}`);
    }
  }

  private async rage(stage: Stage, roundMs: number): Promise<void> {
    const ending = new AbortController();
    const { signal } = ending;
    const { population, chaos } = stage;
    // In a short round changes and faults are as many as in a long one.
    const pace = Math.min(1, roundMs / ROUND_MS);
    const raging = Promise.all([
      chaos.goOn((ROUND_MS * pace) / FAULTS, signal),
      ...population.groups.map((group) => this.changes.goOn(group, CHANGE_MS * Math.max(0.3, pace), signal)),
    ]);
    const until = Date.now() + roundMs;
    while (Date.now() < until) {
      await sleep(Math.min(PROGRESS_MS, Math.max(0, until - Date.now())));
      await this.hear(stage);
      this.options.say(`  ${this.standing(stage)}`);
    }
    ending.abort();
    await raging;
  }

  private async settle(stage: Stage): Promise<void> {
    const { clients, population, court } = stage;
    const from = Date.now();
    await clients.strike(
      'keepalive',
      population.members.map(({ id }) => id),
    );
    for (const tenant of population.tenants) {
      while (!(await this.changes.settle(tenant))) {
        if (Date.now() - from > SETTLE_MS) throw new Error(`the API does not come back: see ${this.folder}`);
        await sleep(200);
      }
    }
    for (;;) {
      await this.hear(stage);
      const unsettled = court.unsettled();
      if (unsettled.size === 0) break;
      if (Date.now() - from > SETTLE_MS) {
        const lost = [...unsettled].map(([proxy, words]): Violation => {
          return { proxy, at: Date.now(), promise: 'at last', words: words.join(', ') };
        });
        this.late.push(...lost);
        break;
      }
      await sleep(250);
    }
    this.settledAfter = Math.max(this.settledAfter, (Date.now() - from) / 1000);
  }

  /** What the proxies tell is taken before what is read of it in the database, which is then at least as new. */
  private async hear({ clients, log, court }: Stage): Promise<void> {
    const chapters = await clients.take();
    await log.read();
    court.hear(chapters);
    const { violations } = court;
    for (const { proxy, promise, words } of violations.slice(this.told).slice(0, TOLD)) {
      this.options.say(`  VIOLATION of "${promise}" at ${proxy}: ${words}`);
    }
    this.told = violations.length;
  }

  private standing(stage: Stage): string {
    const { responses, violations, changes, faults } = this.outcome(stage);
    const counted = (counts: Readonly<Record<string, number>>): string =>
      Object.entries(counts)
        .map(([what, count]) => `${what} ${count}`)
        .join(', ');
    return `${responses} responses, ${violations.length} violations; ${counted(changes)}; ${counted(faults)}`;
  }

  private outcome({ court, chaos, log }: Stage): Outcome {
    return {
      rounds: this.rounds,
      responses: court.responses,
      changes: Object.fromEntries(this.changes.counts),
      faults: Object.fromEntries(chaos.counts),
      answers: Object.fromEntries(this.api.answers),
      reasons: court.reasons,
      settledAfter: this.settledAfter,
      violations: [...court.violations, ...this.late],
      problems: [...chaos.failures, ...this.api.faults, ...this.replicas.flatMap(({ deaths }) => deaths)],
      history: (proxy) => court.history(proxy),
      served: (proxy) => log.served(proxy),
      folder: this.folder,
    };
  }
}

interface Stage {
  readonly log: AssignmentLog;
  readonly population: Population;
  readonly clients: HollowClients;
  readonly chaos: Chaos;
  readonly court: Court;
}
