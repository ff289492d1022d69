import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { now } from './client/clock.ts';
import { FleetClient } from './client/fleet-client.ts';
import type { Protocol } from './client/requests.ts';
import { type Context, startEfms, withSide } from './context.ts';
import { changed, clustersNamed, clustersOf } from './documents.ts';
import type { EfmsSide } from './efms-side.ts';
import { bar, type XdsFigure } from './figures.ts';
import type { Entry, StoredSnapshot } from './proxies.ts';
import { clocked, connected, figureOf, SETTLE_MS } from './run.ts';

const STREAMS = 10_000;
const SHARED_BYTES = 95 * 1024;
/** Clusters of a kilobyte that each proxy has for itself. */
const OWN = 5;
/** Of which so many are committed at once. */
const COMMITTED = 2500;
const GIBIBYTES = 1;

/** As many snapshots as proxies, which share 95 of 100 clusters; then one that all share changes, and so all snapshots. */
export async function distinctSnapshots(context: Context): Promise<XdsFigure[]> {
  const figures: XdsFigure[] = [];
  for (const protocol of context.protocols) {
    const what = { streams: context.scaled(STREAMS), snapshot: { clusters: clustersOf(SHARED_BYTES) } };
    context.say(`${what.streams} distinct snapshots, ${protocol}`);
    figures.push(...(await withSide(startEfms(context, what), (side) => serve(context, side, protocol))));
  }
  return figures;
}

async function serve({ fleet, say }: Context, side: EfmsSide, protocol: Protocol): Promise<XdsFigure[]> {
  const { address, proxies } = side;
  const streams = proxies.length;
  const own: Entry[] = [];
  for (let from = 0; from < streams * OWN; from += COMMITTED) {
    const names = Array.from({ length: Math.min(COMMITTED, streams * OWN - from) }, (_, i) => `own-${from + i}`);
    own.push(...(await side.store({ clusters: clustersNamed(names) })));
  }
  const ofProxy = (shared: readonly Entry[]): StoredSnapshot[] =>
    proxies.map((_, i) => snapshotOf([...shared, ...own.slice(i * OWN, (i + 1) * OWN)]));
  const first = ofProxy(await side.store(side.snapshot));
  const second = ofProxy(await side.store(changed(side.snapshot, 'one', 1)));
  say('  storing them');
  await fleet.store([...first, ...second]);
  await fleet.assign(
    first.map(({ hash }) => hash),
    now,
  );

  const client = await FleetClient.make({ address, protocol, proxies, kinds: ['cluster'], names: {} });
  try {
    await sleep(SETTLE_MS);
    const idle = side.memory();
    const rss = (): number => (side.memory() - idle) / streams / 1024;
    const about = { server: `${side.name}, distinct`, protocol, streams };
    const connect = await connected(side, client, 1);
    const connecting = { what: 'connect', ...about, ...figureOf([connect]), connect_ms: connect.last };
    const rssConnected = rss();
    const push = await clocked(side, client, 1, () =>
      fleet.assign(
        second.map(({ hash }) => hash),
        now,
      ),
    );
    const gibibytes = (rss() * streams) / 1024 ** 2;
    return [
      { ...connecting, rss_kb_per_stream: rssConnected },
      {
        what: 'push one',
        ...about,
        ...figureOf([push]),
        rss_kb_per_stream: rss(),
        bars: [bar('memory above idle', gibibytes, GIBIBYTES, ' GiB')],
      },
    ];
  } finally {
    await client.end();
  }
}

/** As EFMS names snapshots: SHA-256 over the sorted kinds, names and versions. */
function snapshotOf(entries: readonly Entry[]): StoredSnapshot {
  const hash = createHash('sha256');
  for (const line of entries.map(({ kind, name, version }) => `${kind}\0${name}\0${version}\n`).sort())
    hash.update(line);
  const sorted = [...entries].sort((a, b) => (a.name < b.name ? -1 : 1));
  return { hash: hash.digest('hex'), entries: sorted };
}
