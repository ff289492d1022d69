import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ProfileSummary, summariseProfile } from '../kit/profile.ts';
import { FleetClient } from './client/fleet-client.ts';
import type { Protocol } from './client/requests.ts';
import { type Context, startEfms } from './context.ts';
import { clustersOf, responsesTo, type Snapshot, subscriptionOf } from './documents.ts';
import type { EfmsSide } from './efms-side.ts';

/** Where EFMS spends its time while something goes on. */
export interface NamedProfile extends ProfileSummary {
  readonly name: string;
}

type Window = Readonly<Record<'from' | 'to', bigint>>;

const STREAMS = 2000;
const BYTES = 100 * 1024;
/** Samples a millisecond apart, the usual, are too few of a push that takes a tenth of a second. */
const INTERVAL_US = 200;
const IDLE_MS = 3000;

/** Connects and pushes again on a server that is watched; its times are not to be compared with others, because that costs it something. */
export async function profiles(context: Context): Promise<NamedProfile[]> {
  const found: NamedProfile[] = [];
  for (const protocol of context.protocols) {
    const what = { streams: context.scaled(STREAMS), snapshot: { clusters: clustersOf(BYTES) } };
    context.say(`profiling ${what.streams} streams, ${protocol}`);
    const folder = mkdtempSync(path.join(os.tmpdir(), 'efms-profile-'));
    try {
      const nodeOptions = ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-interval=${INTERVAL_US}`];
      const side = await startEfms(context, what, { nodeOptions });
      const windows = await watch(side, protocol, context.rounds);
      for (const [name, at] of Object.entries(windows)) {
        found.push({ name: `${name}, ${protocol}`, ...summariseProfile(folder, at) });
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return found;
}

async function watch(side: EfmsSide, protocol: Protocol, rounds: number): Promise<Record<string, Window>> {
  const { snapshot, address, proxies } = side;
  const { kinds, names } = subscriptionOf(snapshot);
  await side.prepare(Array.from({ length: rounds + 1 }, () => 'one' as const));
  const client = await FleetClient.make({ address, protocol, proxies, kinds, names });
  try {
    const connect = await windowOf(() => client.round(kinds.length, () => client.open()));
    await push(side, client, snapshot);
    const pushes = await windowOf(async () => {
      for (let i = 0; i < rounds; i += 1) await push(side, client, snapshot);
    });
    const idle = await windowOf(() => sleep(IDLE_MS));
    return { connect, 'push one': pushes, 'nothing at all': idle };
  } finally {
    await client.end();
    await side.stop();
  }
}

const push = (side: EfmsSide, client: FleetClient, snapshot: Snapshot): Promise<unknown> =>
  client.round(responsesTo(snapshot), () => side.push());

async function windowOf(work: () => Promise<unknown>): Promise<Window> {
  const from = process.hrtime.bigint();
  await work();
  return { from, to: process.hrtime.bigint() };
}
