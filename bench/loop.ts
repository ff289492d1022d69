import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { callOf } from './kit/http-call.ts';
import { Efms, makePlace, type Place } from './kit/place.ts';
import { profileTables, type ProfileSummary, summariseProfile } from './kit/profile.ts';
import { type Figure, surroundings, table } from './kit/report.ts';
import { Worker } from './kit/worker.ts';
import { largeEdge, largeSnapshot } from './loop/documents.ts';
import { LoopProbe } from './loop/loop-probe.ts';
import { Watched } from './loop/watched.ts';
import type { Look, Order } from './lrs/reporters-process.ts';
import { FleetClient, recordedNode } from './xds/client/fleet-client.ts';
import { edgeOf, responsesTo, subscriptionOf } from './xds/documents.ts';
import { EfmsSide } from './xds/efms-side.ts';
import { Proxies } from './xds/proxies.ts';

const PHASES = ['commits', 'yaml', 'push', 'reports', 'profile'] as const;
type Phase = (typeof PHASES)[number];

/** Issue 6: of clusters and of endpoint sets each. */
const CLUSTERS = 5000;
/** YAML is read up to 4 MiB. */
const YAML_CLUSTERS = 2500;
const STREAMS = 1000;
const PUSHED_BYTES = 100 * 1024;
const REPORTS_SECONDS = 30;

const HELP = `npm run bench:loop -- [options]

  --phases LIST   of ${PHASES.join(',')} (all)
  --scale N       of all sizes (1); 0.01 is a trial of the program itself
  --set NAME=VALUE   a setting of EFMS, also several
  --of DIR        the EFMS of another checkout (built)
  --json          print the figures as JSON
`;

const { values } = parseArgs({
  options: {
    phases: { type: 'string', default: PHASES.join(',') },
    scale: { type: 'string', default: '1' },
    set: { type: 'string', multiple: true, default: [] },
    of: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const scale = Number(values.scale);
const phases: readonly Phase[] = PHASES.filter((phase) => values.phases.split(',').includes(phase));
if (values.help || !(scale > 0 && scale <= 1) || phases.length === 0) {
  process.stderr.write(HELP);
  process.exit(values.help ? 0 : 2);
}
const chosen = Object.fromEntries(
  values.set.map((each) => [each.split('=', 1)[0] ?? '', each.slice(each.indexOf('=') + 1)]),
);
const server = values.of === undefined ? {} : { root: path.resolve(values.of) };
const scaled = (count: number): number => Math.max(10, Math.round(count * scale));
const say = (words: string): void => void process.stderr.write(`${words}\n`);

/** An EFMS with one tenant, seen from outside and watched from within. */
interface Scene {
  readonly place: Place;
  readonly fleet: Proxies;
  readonly efms: Efms;
  readonly watched: Watched;
  readonly say: (words: string) => void;
}

async function staged(
  place: Place,
  fleet: Proxies,
  work: (scene: Scene) => Promise<Figure[]>,
  nodeOptions: readonly string[] = [],
): Promise<Figure[]> {
  const probe = new LoopProbe();
  const { nodeOptions: watching, settings } = probe.startOptions;
  const options = {
    ...server,
    nodeOptions: [...watching, ...nodeOptions],
    settings: { ...settings, ...chosen },
  };
  try {
    const efms = await Efms.start(place, options);
    try {
      const watched = await Watched.open({ probe, efms, place }, smallGet(fleet));
      try {
        return await work({ place, fleet, efms, watched, say });
      } finally {
        await watched.close();
      }
    } finally {
      await efms.stop();
    }
  } finally {
    probe.remove();
  }
}

function smallGet({ tenant, all }: Proxies): ReturnType<typeof callOf> {
  const target = `/proxies/${all[0]?.id ?? ''}`;
  return callOf({ group: 'GET', method: 'GET', target, credential: tenant.credentials[1], expected: 200 });
}

/** The ways in and out of a large snapshot. */
async function commits({ fleet, efms, watched }: Scene): Promise<Figure[]> {
  const as = fleet.tenant.credentials[1];
  const name = `large-${Date.now()}`;
  await efms.call('POST', '/configurations', { body: { name }, as });
  const clusters = scaled(CLUSTERS);
  const send = (expectedHead: number | null, snapshot: object, query = ''): Promise<{ number: number }> =>
    efms.call('POST', `/configurations/name:${name}/versions${query}`, { body: { expectedHead, snapshot }, as });
  const get = (rest: string): Promise<unknown> =>
    efms.call('GET', `/configurations/name:${name}/versions/${rest}`, { as });
  const first = largeSnapshot(clusters, 'one');
  const all = largeSnapshot(clusters, 'two');
  const some = largeSnapshot(clusters, 'three', 1);
  const steps: readonly (readonly [string, number, () => Promise<unknown>])[] = [
    ['dry run of a first version', 2, () => send(null, first, '?dryRun=true')],
    ['commit of a first version', 3, () => send(null, first)],
    ['dry run, all clusters change', 2, () => send(1, all, '?dryRun=true')],
    ['commit, all clusters change', 3, () => send(1, all)],
    ['commit of the same', 2, () => send(2, all)],
    ['commit, back to the first', 3, () => send(2, first)],
    ['commit, one cluster changes', 2, () => send(3, some)],
    ['read of a version', 1, () => get('1?include=snapshot')],
    ['diff as stored', 1, () => get('2/diff')],
    ['diff of any two', 1, () => get('3/diff?against=2')],
  ];
  const figures: Figure[] = [];
  for (const [what, seconds, work] of steps) {
    say(what);
    figures.push(...(await watched.during(what, Math.max(0.1, seconds * scale), work)));
  }
  return figures;
}

async function yaml({ fleet, efms, watched }: Scene): Promise<Figure[]> {
  const as = fleet.tenant.credentials[1];
  await efms.call('POST', '/configurations', { body: { name: 'yaml' }, as });
  const body = stringify(
    { expectedHead: null, snapshot: largeSnapshot(scaled(YAML_CLUSTERS), 'one') },
    { aliasDuplicateObjects: false },
  );
  say(`${(body.length / 1024 ** 2).toFixed(1)} MiB of YAML`);
  return watched.during('commit of half as many in YAML', Math.max(0.1, 8 * scale), async () => {
    const response = await fetch(`http://127.0.0.1:${efms.port}/api/v1/configurations/name:yaml/versions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${as}`, 'content-type': 'application/yaml' },
      body,
    });
    const text = await response.text();
    if (response.status !== 201) throw new Error(`YAML was answered ${response.status}: ${text.slice(0, 300)}`);
  });
}

/** One change to many streams, and a large snapshot to a few. */
async function push(scene: Scene): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [name, streams, snapshot] of [
    [`${scaled(STREAMS)} streams of 100 KB`, scaled(STREAMS), edgeOf(PUSHED_BYTES * Math.max(scale, 0.1))],
    [`10 streams of ${scaled(CLUSTERS)} clusters`, 10, largeEdge(scaled(CLUSTERS) - 1)],
  ] as const) {
    say(name);
    const side = await EfmsSide.on(scene.efms, scene.fleet, { streams, snapshot });
    const { kinds, names } = subscriptionOf(snapshot);
    const client = await FleetClient.make({
      address: side.address,
      protocol: 'delta',
      proxies: side.proxies,
      kinds,
      names,
    });
    try {
      await sleep(500);
      const connect = (): Promise<unknown> => client.round(kinds.length, () => client.open());
      figures.push(...(await scene.watched.during(`${name}: connect`, 2, connect)));
      for (const change of ['one', 'all'] as const) {
        await side.prepare([change]);
        const pushed = (): Promise<unknown> => client.round(responsesTo(snapshot), () => side.push());
        figures.push(...(await scene.watched.during(`${name}: push ${change}`, 2, pushed)));
      }
    } finally {
      await client.end();
    }
  }
  return figures;
}

/** Load reports at the rate of 10,000 proxies that report every 10 s. */
async function reports({ fleet, efms, watched }: Scene): Promise<Figure[]> {
  const worker = new Worker<Order, Look | undefined>(new URL('./lrs/reporters-process.ts', import.meta.url));
  try {
    const proxies = fleet.all.slice(0, scaled(STREAMS));
    const options = { address: { port: efms.xdsPort }, proxies, node: recordedNode(), clusters: 5, everyMs: 1000 };
    await worker.tell({ type: 'open', options });
    const seconds = Math.max(2, REPORTS_SECONDS * scale);
    return await watched.during(`${proxies.length} load reports a second`, seconds, () => sleep(seconds * 1000));
  } finally {
    await worker.tell({ type: 'stop' });
    await worker.end();
  }
}

/** A server of its own, because being watched so costs it something. */
async function profiled(place: Place, fleet: Proxies): Promise<ProfileSummary> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'efms-profile-'));
  try {
    const at = { from: process.hrtime.bigint(), to: process.hrtime.bigint() };
    const work = async (scene: Scene): Promise<Figure[]> => {
      at.from = process.hrtime.bigint();
      await commits(scene);
      at.to = process.hrtime.bigint();
      return [];
    };
    await staged(place, fleet, work, ['--cpu-prof', `--cpu-prof-dir=${folder}`]);
    return summariseProfile(folder, at);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const where = surroundings();
const place = await makePlace();
const figures: Figure[] = [];
let profile: ProfileSummary | undefined;
try {
  const efms = await Efms.start(place, server);
  const fleet = await Proxies.make(efms, place, scaled(STREAMS)).finally(() => efms.stop());
  try {
    const work = { commits, yaml, push, reports };
    for (const phase of phases) {
      if (phase === 'profile') profile = await profiled(place, fleet);
      else figures.push(...(await staged(place, fleet, work[phase])));
    }
  } finally {
    await fleet.end();
  }
} finally {
  await place.remove();
}
if (values.json) process.stdout.write(`${JSON.stringify({ ...where, figures, profile }, null, 2)}\n`);
else {
  const head = `${where.commit} on ${where.machine}, load ${where.loadBefore} before, ${where.at}`;
  const parts = [head, table(figures)];
  if (profile) parts.push(...profileTables('where EFMS spends its time in commits of large snapshots', profile));
  process.stdout.write(`${parts.join('\n\n')}\n`);
}
