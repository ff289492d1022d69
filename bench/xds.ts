import { parseArgs } from 'node:util';
import { Efms, makePlace, type Place, type StartOptions } from './kit/place.ts';
import { surroundings } from './kit/report.ts';
import type { Protocol } from './xds/client/requests.ts';
import { clustersOf, edgeOf } from './xds/documents.ts';
import { EfmsSide } from './xds/efms-side.ts';
import { barTable, figureTable, type XdsFigure } from './xds/figures.ts';
import { compareWithPeer, type PeerSizes } from './xds/peer-comparison.ts';
import { buildPeer, hasGo } from './xds/peer-side.ts';
import { Proxies } from './xds/proxies.ts';
import { run } from './xds/run.ts';

const KB = 1024;
/** No push sends more than this to all streams together. */
const MOST_BYTES = 1.1 * KB ** 3;
const PEER_SIZES: PeerSizes = { pushed: 2000, connected: 5000, bytes: 100 * KB };

const HELP = `npm run bench:xds -- [options]

  --streams LIST     100,1000,10000
  --kb LIST          sizes of the configuration of a stream: 1,100,1000
  --protocols LIST   sotw,delta
  --edge             clusters with endpoints, a listener and routes, of which a change sends two responses; clusters alone otherwise
  --rounds N         pushes of each change that are measured (3); one before them is not
  --scale N          of all numbers of streams (1); 0.01 is a trial of the program itself
  --peer             instead of all that, EFMS and go-control-plane in turn, with ratios; needs Go
  --set NAME=VALUE   a setting of EFMS, also several
  --json             print the figures as JSON
`;

interface Options {
  readonly streams: readonly number[];
  readonly kilobytes: readonly number[];
  readonly protocols: readonly Protocol[];
  readonly isEdge: boolean;
  readonly rounds: number;
  readonly scale: number;
  readonly withPeer: boolean;
  readonly settings: Readonly<Record<string, string>>;
  readonly isJson: boolean;
}

function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: {
      streams: { type: 'string', default: '100,1000,10000' },
      kb: { type: 'string', default: '1,100,1000' },
      protocols: { type: 'string', default: 'sotw,delta' },
      edge: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '3' },
      scale: { type: 'string', default: '1' },
      peer: { type: 'boolean', default: false },
      set: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const numbers = (list: string): number[] => list.split(',').map(Number);
  const [streams, kilobytes, scale, rounds] = [
    numbers(values.streams),
    numbers(values.kb),
    Number(values.scale),
    Number(values.rounds),
  ];
  const protocols = (['sotw', 'delta'] as const).filter((each) => values.protocols.split(',').includes(each));
  const areNumbers = [...streams, ...kilobytes, rounds].every((each) => Number.isInteger(each) && each > 0);
  if (values.help || !areNumbers || !(scale > 0 && scale <= 1) || protocols.length === 0) return undefined;
  const settings = Object.fromEntries(
    values.set.map((each) => [each.split('=', 1)[0] ?? '', each.slice(each.indexOf('=') + 1)]),
  );
  return {
    streams,
    kilobytes,
    protocols,
    isEdge: values.edge,
    rounds,
    scale,
    withPeer: values.peer,
    settings,
    isJson: values.json,
  };
}

/** Collects figures and says meanwhile what goes on. */
class Bench {
  readonly figures: XdsFigure[] = [];
  private readonly options: Options;
  private readonly place: Place;

  constructor(options: Options, place: Place) {
    this.options = options;
    this.place = place;
  }

  async run(): Promise<void> {
    const { withPeer } = this.options;
    const fleet = await this.makeFleet(withPeer ? [PEER_SIZES.pushed, PEER_SIZES.connected] : this.options.streams);
    try {
      if (withPeer) await this.comparePeers(fleet);
      else await this.fanOut(fleet);
    } finally {
      await fleet.end();
    }
  }

  private say(words: string): void {
    process.stderr.write(`${words}\n`);
  }

  private scaled(count: number): number {
    return Math.max(10, Math.round(count * this.options.scale));
  }

  private get startOptions(): StartOptions {
    return { settings: this.options.settings };
  }

  private async makeFleet(streams: readonly number[]): Promise<Proxies> {
    const most = Math.max(...streams.map((count) => this.scaled(count)));
    this.say(`registering ${most} proxies`);
    const efms = await Efms.start(this.place, this.startOptions);
    try {
      return await Proxies.make(efms, this.place, most);
    } finally {
      await efms.stop();
    }
  }

  /** Connects and pushes, by number of streams and size; what would be more than all streams can be sent is left out. */
  private async fanOut(fleet: Proxies): Promise<void> {
    const { kilobytes, protocols, isEdge, rounds } = this.options;
    for (const protocol of protocols) {
      for (const kb of kilobytes) {
        for (const count of this.options.streams.filter((each) => each * kb * KB <= MOST_BYTES)) {
          const streams = this.scaled(count);
          const snapshot = isEdge ? edgeOf(kb * KB) : { clusters: clustersOf(kb * KB) };
          this.say(`${protocol}, ${kb} KB, ${streams} streams`);
          const side = await EfmsSide.start(this.place, fleet, { streams, snapshot, ...this.startOptions });
          try {
            const workload = { protocol, streams, snapshot, changes: ['one', 'all'] as const, rounds };
            this.figures.push(...(await run(side, workload)));
          } finally {
            await side.stop();
          }
        }
      }
    }
  }

  private async comparePeers(fleet: Proxies): Promise<void> {
    this.say('building go-control-plane');
    await buildPeer();
    const sizes = {
      ...PEER_SIZES,
      pushed: this.scaled(PEER_SIZES.pushed),
      connected: this.scaled(PEER_SIZES.connected),
    };
    const { place, startOptions } = this;
    const context = {
      place,
      fleet,
      startOptions,
      rounds: this.options.rounds,
      say: (words: string) => this.say(words),
    };
    this.figures.push(...(await compareWithPeer(context, sizes)));
  }
}

const options = readOptions();
if (!options) {
  process.stderr.write(HELP);
  process.exit(2);
}
if (options.withPeer && !hasGo()) {
  process.stderr.write('There is no Go here, which go-control-plane is built with: install it, or leave --peer out.\n');
  process.exit(1);
}
const where = surroundings();
const place = await makePlace();
const bench = new Bench(options, place);
try {
  await bench.run();
} finally {
  await place.remove();
}
const { figures } = bench;
if (options.isJson) process.stdout.write(`${JSON.stringify({ ...where, figures }, null, 2)}\n`);
else {
  const head = `${where.commit} on ${where.machine}, load ${where.loadBefore} before, ${where.at}`;
  process.stdout.write(`${[head, figureTable(figures), barTable(figures)].join('\n\n')}\n`);
}
