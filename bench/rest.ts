import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Load } from './kit/load.ts';
import { costFigures, latencyRows, type Measured, measure, PERCENTILES, type Target } from './kit/measured.ts';
import { percentile } from './kit/numbers.ts';
import type { Call } from './kit/open-loop.ts';
import { memoryOf } from './kit/cpu.ts';
import { Efms, makePlace, type Place } from './kit/place.ts';
import { profileTables, type ProfileSummary, summariseProfile } from './kit/profile.ts';
import { atLeast, atMost, columns, type Figure, surroundings, table } from './kit/report.ts';
import { makeFleet, type Tenant } from './rest/fleet.ts';
import { assertReads, readCalls } from './rest/reads.ts';
import { Commits, ProxyWrites } from './rest/writes.ts';

const PHASES = ['reads', 'search', 'writes', 'commits', 'profile'] as const;
type Phase = (typeof PHASES)[number];

/** SPEC.md §6. */
const BARS = { readRate: 1000, readP99: 100, commitP95: 150, updateRate: 50 };
/** Proxies written a second: more than three million a day. */
const WRITE_RATE = 100;
/** Snapshots of 200 resources committed a second: three times the 100,000 a day of SPEC.md §6. */
const LARGE_RATE = 4;
const SEARCH = { trials: 10, grow: 1.3, precision: 1.07 };

const HELP = `npm run bench:rest -- [options]

  --seconds N     length of the run of reads (30); the others follow from it
  --scale N       of fleet, connections and rates (1); 0.01 is a trial of the program itself
  --phases LIST   of ${PHASES.join(',')} (all)
  --against DIR   instead of all that, compare reads with the EFMS of another checkout (built), in turns
  --json          print the figures as JSON
`;

interface Options {
  readonly seconds: number;
  readonly scale: number;
  readonly phases: readonly Phase[];
  readonly against: string | undefined;
  readonly isJson: boolean;
}

function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '30' },
      scale: { type: 'string', default: '1' },
      phases: { type: 'string', default: PHASES.join(',') },
      against: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const phases = PHASES.filter((phase) => values.phases.split(',').includes(phase));
  const [seconds, scale] = [Number(values.seconds), Number(values.scale)];
  if (!(seconds > 0) || !(scale > 0 && scale <= 1) || phases.length === 0) return undefined;
  return { seconds, scale, phases, against: values.against, isJson: values.json };
}

/** Collects figures and says meanwhile what goes on. */
class Bench {
  readonly figures: Figure[] = [];
  readonly details: { readonly name: string; readonly rows: readonly (readonly string[])[] }[] = [];
  profile: ProfileSummary | undefined;
  private readonly options: Options;
  private readonly place: Place;

  constructor(options: Options, place: Place) {
    this.options = options;
    this.place = place;
  }

  say(words: string): void {
    process.stderr.write(`${words}\n`);
  }

  scaled(count: number, least: number): number {
    return Math.max(least, Math.round(count * this.options.scale));
  }

  async run(): Promise<void> {
    const { phases, against } = this.options;
    const efms = await Efms.start(this.place);
    try {
      const size = { tenants: this.scaled(20, 2), proxies: this.scaled(10_000, 100) };
      this.say(`filling ${size.proxies} proxies in ${size.tenants} tenants`);
      const tenants = await makeFleet(efms, this.place, size);
      await assertReads(efms, tenants);
      if (against !== undefined) {
        await this.compare(efms, tenants, against);
      } else {
        if (phases.some((phase) => phase !== 'profile')) await this.load(efms, tenants);
        if (phases.includes('profile')) await this.profileReads(tenants);
      }
    } finally {
      await efms.stop();
    }
  }

  private async load(efms: Efms, tenants: readonly Tenant[]): Promise<void> {
    const { phases } = this.options;
    const target = await this.open(efms);
    try {
      if (phases.includes('reads') || phases.includes('search')) await this.reads(target, readCalls(tenants));
      if (phases.includes('writes')) await this.writes(target, new ProxyWrites(tenants));
      if (phases.includes('commits')) {
        await this.updates(target, tenants);
        await this.commits(target, tenants);
      }
      this.figures.push({ name: 'EFMS: memory at the end', value: memoryOf(efms.pid) / 1024 ** 2, unit: 'MiB' });
    } finally {
      await target.load.close();
    }
  }

  private async open(efms: Efms): Promise<Target> {
    return { efms, place: this.place, load: await Load.open(efms.port, this.scaled(1000, 4)) };
  }

  private get readRate(): number {
    return this.scaled(BARS.readRate, 10);
  }

  /** So that nobody measures a program that has just started. */
  private async warm(target: Target, calls: readonly Call[]): Promise<void> {
    this.say('warming up');
    await target.load.send(calls, { rate: this.readRate / 2, seconds: this.options.seconds / 4 });
  }

  private async reads(target: Target, calls: readonly Call[]): Promise<void> {
    const { phases, seconds } = this.options;
    await this.warm(target, calls);
    if (phases.includes('reads')) {
      this.say(`reading ${this.readRate} a second`);
      const reads = await measure(target, calls, { rate: this.readRate, seconds });
      this.note(`reads at ${this.readRate}/s`, reads, { p99: BARS.readP99 });
    }
    if (phases.includes('search')) await this.search(target, calls);
  }

  /** The highest rate whose reads hold the bar: grows or shrinks until it is between two rates, then halves the gap. */
  private async search(target: Target, calls: readonly Call[]): Promise<void> {
    let held: Measured | undefined;
    let missedAt = Infinity;
    let rate = this.readRate;
    for (let trial = 0; trial < SEARCH.trials && missedAt / (held?.rate ?? 0) > SEARCH.precision; trial += 1) {
      const measured = await measure(target, calls, { rate, seconds: this.options.seconds / 5 });
      const p99 = percentile(measured.latencies, PERCENTILES.p99);
      const isHeld = p99 < BARS.readP99 && measured.failures === 0 && !measured.sent.isGivenUp;
      this.say(`  ${Math.round(rate)}/s: p99 ${p99.toFixed(1)} ms${isHeld ? '' : ', missed'}`);
      if (isHeld) held = measured;
      else missedAt = rate;
      rate = nextRate(held?.rate, missedAt);
    }
    const best = held?.rate ?? 0;
    const bar = atLeast(this.readRate, best, '/s');
    this.figures.push({
      name: `reads: highest rate with p99 < ${BARS.readP99} ms`,
      value: best,
      unit: '/s',
      ...(bar && { bar }),
    });
  }

  private async writes(target: Target, writes: ProxyWrites): Promise<void> {
    const rate = this.scaled(WRITE_RATE, 5);
    const seconds = this.options.seconds / 2;
    this.say(`writing ${rate} proxies a second`);
    await target.load.send(writes.calls(rate * seconds * 0.3), { rate, seconds: seconds * 0.3 });
    this.note(`proxy writes at ${rate}/s`, await measure(target, writes.calls(rate * seconds), { rate, seconds }), {});
  }

  private async updates(target: Target, tenants: readonly Tenant[]): Promise<void> {
    const rate = this.scaled(BARS.updateRate, 5);
    const seconds = this.options.seconds / 2;
    const what = { name: 'small', lines: rate * 4, resources: 4 };
    const commits = await Commits.prepare(target.efms, tenants, what);
    this.say(`committing ${rate} small snapshots a second`);
    await target.load.send(commits.calls(rate * seconds * 0.3), { rate, seconds: seconds * 0.3 });
    const measured = await measure(target, commits.calls(rate * seconds), { rate, seconds });
    const achieved = measured.sent.answered / Math.max(seconds, measured.sent.seconds);
    this.note(`configuration updates (4 resources) at ${rate}/s`, measured, {});
    // The last answers come a moment after the last request was due.
    const bar = { text: `≥ ${rate} /s, no more than 3 % behind`, isMet: achieved >= rate * 0.97 };
    this.figures.push({ name: 'configuration updates: answered', value: achieved, unit: '/s', bar });
  }

  private async commits(target: Target, tenants: readonly Tenant[]): Promise<void> {
    const rate = this.scaled(LARGE_RATE, 4);
    const seconds = (this.options.seconds * 2) / 3;
    const commits = await Commits.prepare(target.efms, tenants, { name: 'large', lines: 20, resources: 200 });
    this.say(`committing ${rate} snapshots of 200 resources a second`);
    await target.load.send(commits.calls(rate * seconds * 0.3), { rate, seconds: seconds * 0.3 });
    const measured = await measure(target, commits.calls(rate * seconds), { rate, seconds });
    this.note(`commits (200 resources) at ${rate}/s`, measured, { p95: BARS.commitP95 });
  }

  private note(name: string, measured: Measured, bars: Partial<Record<keyof typeof PERCENTILES, number>>): void {
    for (const [key, share] of Object.entries(PERCENTILES) as [keyof typeof PERCENTILES, number][]) {
      const value = percentile(measured.latencies, share);
      const limit = bars[key];
      const bar = limit === undefined ? undefined : atMost(limit, value, 'ms');
      this.figures.push({ name: `${name}: ${key}`, value, unit: 'ms', ...(bar && { bar }) });
    }
    this.figures.push(...costFigures(name, measured));
    this.details.push({ name, rows: latencyRows(measured) });
    for (const [words, count] of Object.entries(measured.sent.failures)) this.say(`  ${count} × ${words}`);
  }

  /** A server of its own, because being watched costs it something. */
  private async profileReads(tenants: readonly Tenant[]): Promise<void> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'efms-profile-'));
    try {
      const efms = await Efms.start(this.place, { nodeOptions: ['--cpu-prof', `--cpu-prof-dir=${folder}`] });
      const target = await this.open(efms);
      const calls = readCalls(tenants);
      await this.warm(target, calls);
      this.say('profiling reads');
      const from = process.hrtime.bigint();
      await target.load.send(calls, { rate: this.readRate * 0.7, seconds: this.options.seconds / 3 });
      const to = process.hrtime.bigint();
      await target.load.close();
      await efms.stop();
      this.profile = summariseProfile(folder, { from, to });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** Takes turns, so that what else the machine does meets both alike. */
  private async compare(here: Efms, tenants: readonly Tenant[], root: string): Promise<void> {
    const there = await Efms.start(this.place, { root: path.resolve(root) });
    const calls = readCalls(tenants);
    const sides = [
      { name: 'there', target: await this.open(there), runs: [] as Measured[] },
      { name: 'here', target: await this.open(here), runs: [] as Measured[] },
    ];
    try {
      for (const { target } of sides) await this.warm(target, calls);
      for (let round = 0; round < 5; round += 1) {
        for (const { target, runs } of sides) {
          runs.push(await measure(target, calls, { rate: this.readRate * 0.6, seconds: this.options.seconds / 5 }));
        }
      }
    } finally {
      for (const { target } of sides) await target.load.close();
      await there.stop();
    }
    for (const { name, runs } of sides) {
      for (const part of ['efms', 'postgres'] as const) {
        const value = median(runs.map(({ cpu }) => cpu[part]));
        this.figures.push({ name: `${name}: ${part}, CPU per read`, value, unit: 'ms' });
      }
      const p50 = median(runs.map(({ latencies }) => percentile(latencies, PERCENTILES.p50)));
      this.figures.push({ name: `${name}: p50`, value: p50, unit: 'ms' });
    }
  }
}

function nextRate(held: number | undefined, missedAt: number): number {
  if (held === undefined) return missedAt / SEARCH.grow;
  return missedAt === Infinity ? held * SEARCH.grow : Math.sqrt(held * missedAt);
}

function median(values: readonly number[]): number {
  return percentile(Float64Array.from(values).sort(), 0.5);
}

function print({ figures, details, profile }: Bench, isJson: boolean, where: ReturnType<typeof surroundings>): void {
  if (isJson) {
    const latencies = Object.fromEntries(details.map(({ name, rows }) => [name, rows]));
    process.stdout.write(`${JSON.stringify({ ...where, figures, latencies, profile }, null, 2)}\n`);
    return;
  }
  const parts = [`${where.commit} on ${where.machine}, load ${where.loadBefore} before, ${where.at}`, table(figures)];
  for (const { name, rows } of details) {
    parts.push(`${name}, milliseconds\n${columns([['', 'answers', ...Object.keys(PERCENTILES), 'max'], ...rows])}`);
  }
  if (profile) parts.push(...profileTables('where EFMS spends its time in reads, itself', profile));
  process.stdout.write(`${parts.join('\n\n')}\n`);
}

const options = readOptions();
if (!options) {
  process.stderr.write(HELP);
  process.exit(2);
}
const where = surroundings();
const place = await makePlace();
const bench = new Bench(options, place);
try {
  await bench.run();
} finally {
  await place.remove();
}
print(bench, options.isJson, where);
