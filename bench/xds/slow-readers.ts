import { setTimeout as sleep } from 'node:timers/promises';
import { FleetClient } from './client/fleet-client.ts';
import { type Context, startEfms, withSide } from './context.ts';
import { clustersOf, subscriptionOf } from './documents.ts';
import type { EfmsSide } from './efms-side.ts';
import { bar, type XdsFigure } from './figures.ts';
import type { Protocol } from './client/requests.ts';
import { clocked, connected, figureOf, SETTLE_MS } from './run.ts';

const STREAMS = 1000;
const BYTES = 100 * 1024;
const PUSHES = 10;
/** One that was on its way when they stopped to read, and the newest. */
const MOST_MESSAGES = 2;
const READ_ON_MS = 5000;

/** Half of the streams read nothing while everything changes ten times, and then read on. */
export async function slowReaders(context: Context): Promise<XdsFigure[]> {
  const figures: XdsFigure[] = [];
  for (const protocol of context.protocols) {
    const what = { streams: context.scaled(STREAMS), snapshot: { clusters: clustersOf(BYTES) } };
    context.say(`${what.streams / 2} of ${what.streams} streams read nothing, ${protocol}`);
    figures.push(...(await withSide(startEfms(context, what), (side) => stall(side, protocol))));
  }
  return figures;
}

async function stall(side: EfmsSide, protocol: Protocol): Promise<XdsFigure[]> {
  const { snapshot, address, proxies } = side;
  const { kinds, names } = subscriptionOf(snapshot);
  const slow = Math.floor(proxies.length / 2);
  await side.prepare(Array.from({ length: PUSHES }, () => 'all' as const));
  const client = await FleetClient.make({ address, protocol, proxies, kinds, names });
  try {
    await connected(side, client, kinds.length);
    const before = side.memory();
    await client.pause(slow);
    const pushes = [];
    for (let i = 0; i < PUSHES; i += 1) {
      pushes.push(await clocked(side, client, 1, () => side.push(), slow));
    }
    await sleep(SETTLE_MS);
    const kilobytes = (side.memory() - before) / slow / 1024;
    const after = await client.round(0, async () => {
      await client.resume();
      await sleep(READ_ON_MS);
    });
    const about = { server: side.name, protocol };
    const messages = after.messages / slow;
    return [
      {
        what: 'push all, others slow',
        ...about,
        streams: proxies.length - slow,
        ...figureOf(pushes),
        rss_kb_per_stream: kilobytes,
      },
      {
        what: 'slow ones read on',
        ...about,
        streams: slow,
        bytes: Math.round(after.bytes / slow),
        messages,
        bars: [bar('messages for ten changes', messages, MOST_MESSAGES)],
      },
    ];
  } finally {
    await client.end();
  }
}
