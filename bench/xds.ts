import { parseArgs } from 'node:util';
import { Efms, makePlace, type Place } from './kit/place.ts';
import { profileTables } from './kit/profile.ts';
import { surroundings } from './kit/report.ts';
import type { Protocol } from './xds/client/requests.ts';
import { deployToAll } from './xds/deployment.ts';
import { distinctSnapshots } from './xds/distinct.ts';
import { fanOut, type Matrix } from './xds/fan-out.ts';
import { barTable, figureTable, type XdsFigure } from './xds/figures.ts';
import { compareWithPeer, type PeerSizes } from './xds/peer-comparison.ts';
import { buildPeer, hasGo } from './xds/peer-side.ts';
import { type NamedProfile, profiles } from './xds/profiles.ts';
import { Proxies } from './xds/proxies.ts';
import { slowReaders } from './xds/slow-readers.ts';
import { storms } from './xds/storm.ts';

const PHASES = ['fan-out', 'deploy', 'storm', 'slow', 'distinct', 'profile'] as const;
type Phase = (typeof PHASES)[number];

/** Proxies that each needs; fan-out as many as is asked for. */
const STREAMS_OF: Readonly<Record<Exclude<Phase, 'fan-out'>, number>> = {
  deploy: 10_000,
  storm: 5000,
  slow: 1000,
  distinct: 10_000,
  profile: 2000,
};
const PEER_SIZES: PeerSizes = { pushed: 2000, connected: 5000, bytes: 100 * 1024 };

const HELP = `npm run bench:xds -- [options]

  --phases LIST      of ${PHASES.join(',')} (all)
  --streams LIST     of fan-out: 100,1000,10000
  --kb LIST          sizes of its configurations: 1,100,1000
  --protocols LIST   sotw,delta
  --edge             of fan-out: clusters with endpoints, a listener and routes, of which a change sends two responses; clusters alone otherwise
  --tls              of storms: those with TLS alone
  --rounds N         pushes of each change that are measured (3); one before them is not
  --scale N          of all numbers of streams (1); 0.01 is a trial of the program itself
  --peer             instead of all that, EFMS and go-control-plane in turn, with ratios; needs Go
  --set NAME=VALUE   a setting of EFMS, also several
  --json             print the figures as JSON
`;

interface Options extends Matrix {
  readonly phases: readonly Phase[];
  readonly protocols: readonly Protocol[];
  readonly rounds: number;
  readonly scale: number;
  readonly withPeer: boolean;
  readonly withTlsOnly: boolean;
  readonly settings: Readonly<Record<string, string>>;
  readonly isJson: boolean;
}

function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: {
      phases: { type: 'string', default: PHASES.join(',') },
      streams: { type: 'string', default: '100,1000,10000' },
      kb: { type: 'string', default: '1,100,1000' },
      protocols: { type: 'string', default: 'sotw,delta' },
      edge: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '3' },
      scale: { type: 'string', default: '1' },
      peer: { type: 'boolean', default: false },
      tls: { type: 'boolean', default: false },
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
  const phases = PHASES.filter((phase) => values.phases.split(',').includes(phase));
  const areNumbers = [...streams, ...kilobytes, rounds].every((each) => Number.isInteger(each) && each > 0);
  if (values.help || !areNumbers || !(scale > 0 && scale <= 1) || protocols.length * phases.length === 0)
    return undefined;
  const settings = Object.fromEntries(
    values.set.map((each) => [each.split('=', 1)[0] ?? '', each.slice(each.indexOf('=') + 1)]),
  );
  return {
    phases,
    streams,
    kilobytes,
    protocols,
    isEdge: values.edge,
    rounds,
    scale,
    withPeer: values.peer,
    withTlsOnly: values.tls,
    settings,
    isJson: values.json,
  };
}

const say = (words: string): void => {
  process.stderr.write(`${words}\n`);
};

interface Found {
  readonly figures: readonly XdsFigure[];
  readonly profiles: readonly NamedProfile[];
}

async function measure(options: Options, place: Place): Promise<Found> {
  const { phases, protocols, rounds, withPeer } = options;
  const startOptions = { settings: options.settings };
  const scaled = (streams: number): number => Math.max(10, Math.round(streams * options.scale));
  const needed = { ...STREAMS_OF, 'fan-out': Math.max(...options.streams) };
  const most = withPeer ? PEER_SIZES.connected : Math.max(...phases.map((phase) => needed[phase]));
  say(`registering ${scaled(most)} proxies`);
  const efms = await Efms.start(place, startOptions);
  let fleet: Proxies;
  try {
    fleet = await Proxies.make(efms, place, scaled(most));
  } finally {
    await efms.stop();
  }
  const context = { place, fleet, startOptions, protocols, rounds, scaled, say };
  try {
    if (withPeer) {
      say('building go-control-plane');
      await buildPeer();
      return { figures: await compareWithPeer(context, PEER_SIZES), profiles: [] };
    }
    const figures: XdsFigure[] = [];
    if (phases.includes('fan-out')) figures.push(...(await fanOut(context, options)));
    if (phases.includes('deploy')) figures.push(...(await deployToAll(context)));
    if (phases.includes('storm'))
      figures.push(...(await storms(context, options.withTlsOnly ? ['internal'] : ['off', 'internal'])));
    if (phases.includes('slow')) figures.push(...(await slowReaders(context)));
    if (phases.includes('distinct')) figures.push(...(await distinctSnapshots(context)));
    return { figures, profiles: phases.includes('profile') ? await profiles(context) : [] };
  } finally {
    await fleet.end();
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
let found: Found;
try {
  found = await measure(options, place);
} finally {
  await place.remove();
}
const { figures, profiles: seen } = found;
if (options.isJson) process.stdout.write(`${JSON.stringify({ ...where, figures, profiles: seen }, null, 2)}\n`);
else {
  const head = `${where.commit} on ${where.machine}, load ${where.loadBefore} before, ${where.at}`;
  const parts = [head, figureTable(figures), barTable(figures)];
  for (const profile of seen) parts.push(...profileTables(`where EFMS spends its time: ${profile.name}`, profile));
  process.stdout.write(`${parts.filter((part) => part !== '').join('\n\n')}\n`);
}
