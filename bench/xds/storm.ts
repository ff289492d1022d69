import { FleetClient } from './client/fleet-client.ts';
import type { Protocol } from './client/requests.ts';
import { type Context, startEfms, withSide } from './context.ts';
import { reconnect } from './deployment.ts';
import { edgeOf, responsesTo, subscriptionOf } from './documents.ts';
import type { EfmsSide } from './efms-side.ts';
import type { XdsFigure } from './figures.ts';
import { clocked, connected, figureOf } from './run.ts';

const STREAMS = 5000;
const BYTES = 100 * 1024;

/** Many proxies connect at once, for the first time and again, over TLS or plaintext; each does a TLS handshake of its own. */
export async function storms(context: Context, ways: readonly ('off' | 'internal')[]): Promise<XdsFigure[]> {
  const figures: XdsFigure[] = [];
  for (const protocol of context.protocols) {
    for (const tls of ways) {
      const what = { streams: context.scaled(STREAMS), snapshot: edgeOf(BYTES) };
      const server = tls === 'off' ? 'efms' : 'efms, TLS';
      context.say(`${what.streams} streams at once, ${protocol}, ${server}`);
      const starting = startEfms(context, what, { settings: { EFMS_XDS_TLS: tls } });
      figures.push(...(await withSide(starting, (side) => storm(side, { server, protocol, streams: what.streams }))));
    }
  }
  return figures;
}

async function storm(
  side: EfmsSide,
  about: { readonly server: string; readonly protocol: Protocol; readonly streams: number },
): Promise<XdsFigure[]> {
  const { snapshot, proxies } = side;
  const { kinds, names } = subscriptionOf(snapshot);
  await side.prepare(['one']);
  const address = await side.secureAddress();
  const client = await FleetClient.make({ address, protocol: about.protocol, proxies, kinds, names });
  try {
    const first = await connected(side, client, kinds.length);
    const refusals = await side.refusals();
    const again = await reconnect(side, client, about);
    const push = await clocked(side, client, responsesTo(snapshot), () => side.push());
    return [
      perSecond({ what: 'connect', ...about, ...figureOf([first]), connect_ms: first.last, refusals }),
      perSecond(again),
      { what: 'push one', ...about, ...figureOf([push]) },
    ];
  } finally {
    await client.end();
  }
}

const perSecond = (figure: XdsFigure): XdsFigure => ({
  ...figure,
  ...(figure.connect_ms !== undefined && { connects_per_s: (figure.streams * 1000) / figure.connect_ms }),
});
