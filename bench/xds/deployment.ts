import { setTimeout as sleep } from 'node:timers/promises';
import { now } from './client/clock.ts';
import { FleetClient } from './client/fleet-client.ts';
import type { Protocol } from './client/requests.ts';
import { type Context, startEfms, withSide } from './context.ts';
import { edgeOf, responsesTo, subscriptionOf } from './documents.ts';
import type { EfmsSide } from './efms-side.ts';
import { bar, type XdsFigure } from './figures.ts';
import { clocked, connected, figureOf, SETTLE_MS } from './run.ts';

/** SPEC.md §6. */
const STREAMS = 10_000;
const BYTES = 100 * 1024;
const BARS = { lastMs: 2000, gibibytes: 1 };

/**
 * What one replica is to hold and do: 10,000 proxies with 100 KB each, one change deployed to all of them over the API, and all of
 * them coming back unchanged.
 */
export async function deployToAll(context: Context): Promise<XdsFigure[]> {
  const figures: XdsFigure[] = [];
  for (const protocol of context.protocols) {
    const what = { streams: context.scaled(STREAMS), snapshot: edgeOf(BYTES) };
    context.say(`deploying to ${what.streams} streams, ${protocol}`);
    figures.push(...(await withSide(startEfms(context, what), (side) => deploy(context, side, protocol))));
  }
  return figures;
}

async function deploy(context: Context, side: EfmsSide, protocol: Protocol): Promise<XdsFigure[]> {
  const { snapshot, address, proxies } = side;
  const { kinds, names } = subscriptionOf(snapshot);
  const streams = proxies.length;
  const about = { server: side.name, protocol, streams };
  const client = await FleetClient.make({ address, protocol, proxies, kinds, names });
  try {
    await sleep(SETTLE_MS);
    const idle = side.memory();
    const rss = (): number => (side.memory() - idle) / streams / 1024;
    const connect = await connected(side, client, kinds.length);
    const connecting = { what: 'connect', ...about, ...figureOf([connect]), connect_ms: connect.last };

    // Until the one has ended no other can begin.
    const first = await side.deploy('one');
    await side.deploymentEnd(first.id);
    context.say('  commit and deployment');
    let deployment = first;
    const deployed = await clocked(side, client, responsesTo(snapshot), async () => {
      deployment = await side.deploy('one');
      return deployment.at;
    });
    await side.deploymentEnd(deployment.id);
    const gibibytes = (rss() * streams) / 1024 ** 2;
    const deploying: XdsFigure = {
      what: 'commit and deploy',
      ...about,
      ...figureOf([deployed]),
      rss_kb_per_stream: rss(),
      bars: [
        bar('commit to last ACK', deployed.last, BARS.lastMs, ' ms'),
        bar('memory above idle', gibibytes, BARS.gibibytes, ' GiB'),
      ],
    };
    context.say('  reconnecting');
    return [{ ...connecting, rss_kb_per_stream: rss() }, deploying, await reconnect(side, client, about)];
  } finally {
    await client.end();
  }
}

/** All connections are lost at once, and all proxies come back with what they have. */
export async function reconnect(
  side: EfmsSide,
  client: FleetClient,
  about: Pick<XdsFigure, 'server' | 'protocol' | 'streams'>,
): Promise<XdsFigure> {
  const held = await side.held();
  const since = await side.databaseTime();
  const back = await clocked(side, client, 0, async () => {
    await client.cut();
    const at = now();
    await client.open(held);
    await side.converged(since);
    return at;
  });
  return {
    what: 'reconnect unchanged',
    ...about,
    bytes: back.bytes,
    messages: back.messages,
    connect_ms: back.until,
    cpu_us_per_stream: back.cpu,
    client_cpu_us_per_stream: back.clientCpu,
    bars: [bar('resource bytes sent', back.bytes, 0)],
  };
}
