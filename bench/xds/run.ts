import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../kit/numbers.ts';
import { now } from './client/clock.ts';
import type { Round } from './client/fleet.ts';
import { FleetClient } from './client/fleet-client.ts';
import type { Protocol } from './client/requests.ts';
import { type Change, responsesTo, type Snapshot, subscriptionOf } from './documents.ts';
import type { XdsFigure } from './figures.ts';
import type { Side } from './side.ts';

export interface Workload {
  readonly protocol: Protocol;
  readonly streams: number;
  readonly snapshot: Snapshot;
  readonly changes: readonly Change[];
  /** Pushes of each change that count; one before them does not. */
  readonly rounds: number;
}

/** How long the server is left alone before its memory or processor time is read: until ledger and collector are done. */
export const SETTLE_MS = 500;

/** Connects a fleet to a server, pushes changes, and says what that took. */
export async function run(side: Side, workload: Workload): Promise<XdsFigure[]> {
  const { protocol, streams, snapshot, changes, rounds } = workload;
  const pushes = changes.flatMap((change) => Array.from({ length: rounds + 1 }, () => change));
  await side.prepare(pushes);
  const { kinds, names } = subscriptionOf(snapshot);
  const { address, proxies } = side;
  const client = await FleetClient.make({ address, protocol, proxies, kinds, names });
  const figures: XdsFigure[] = [];
  try {
    await sleep(SETTLE_MS);
    const idle = side.memory();
    const about = { server: side.name, protocol, streams };
    const connect = await connected(side, client, kinds.length);
    const rss = (side.memory() - idle) / streams / 1024;
    figures.push({
      what: 'connect',
      ...about,
      ...figureOf([connect]),
      connect_ms: connect.last,
      rss_kb_per_stream: rss,
      refusals: await side.refusals(),
    });
    for (const change of changes) {
      const measured: Clocked[] = [];
      for (let i = 0; i <= rounds; i += 1) {
        measured.push(await clocked(side, client, responsesTo(snapshot), () => side.push()));
      }
      const rss_kb_per_stream = (side.memory() - idle) / streams / 1024;
      figures.push({ what: `push ${change}`, ...about, ...figureOf(measured.slice(1)), rss_kb_per_stream });
    }
  } finally {
    await client.end();
  }
  return figures;
}

/** Opens all streams, until each has acknowledged so many responses. */
export function connected(side: Side, client: FleetClient, responses: number): Promise<Clocked> {
  return clocked(side, client, responses, async () => {
    const at = now();
    await client.open();
    return at;
  });
}

/** Times in milliseconds from the beginning of what was done, processor time in microseconds by stream. */
export interface Clocked {
  readonly p50: number;
  readonly p99: number;
  readonly last: number;
  /** Until what was done had returned. */
  readonly until: number;
  readonly cpu: number;
  readonly clientCpu: number;
  readonly bytes: number;
  readonly messages: number;
  readonly ended: number;
}

/** Does something that begins when it says, and waits until each stream has acknowledged so many responses. */
export async function clocked(
  side: Side,
  client: FleetClient,
  responses: number,
  work: () => Promise<number>,
  /** The first so many streams are not waited for. */
  skipped = 0,
): Promise<Clocked> {
  const before = side.cpu();
  let returned = NaN;
  const doIt = async (): Promise<number> => {
    const from = await work();
    returned = now() - from;
    return from;
  };
  const round = await client.round(responses, doIt, skipped);
  await sleep(SETTLE_MS);
  return { ...clockedOf(round, round.result, side.cpu() - before), until: returned };
}

function clockedOf(round: Round, from: number, cpuSeconds: number): Omit<Clocked, 'until'> {
  const streams = round.streams - round.skipped;
  return {
    p50: round.p50 - from,
    p99: round.p99 - from,
    last: round.last - from,
    cpu: (cpuSeconds * 1e6) / streams,
    clientCpu: (round.cpuSeconds * 1e6) / streams,
    bytes: round.bytes / streams,
    messages: round.messages / streams,
    ended: Object.values(round.ended).reduce((sum, count) => sum + count, 0),
  };
}

type Measured = Omit<XdsFigure, 'what' | 'server' | 'protocol' | 'streams'>;

/** Medians of several rounds; of processor time, whose clock is coarse, the mean. */
export function figureOf(rounds: readonly Clocked[]): Measured {
  const median = (of: keyof Clocked): number => percentile(Float64Array.from(rounds, (round) => round[of]).sort(), 0.5);
  const mean = (of: keyof Clocked): number => rounds.reduce((sum, round) => sum + round[of], 0) / rounds.length;
  return {
    bytes: Math.round(median('bytes')),
    messages: mean('messages'),
    p50_ms: median('p50'),
    p99_ms: median('p99'),
    last_ms: median('last'),
    cpu_us_per_stream: mean('cpu'),
    client_cpu_us_per_stream: mean('clientCpu'),
    ended_streams: rounds.reduce((sum, { ended }) => sum + ended, 0),
  };
}
