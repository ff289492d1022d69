import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { cpuOf, cpuOfPostgres, memoryOf } from './kit/cpu.ts';
import { Efms, makePlace, type Place } from './kit/place.ts';
import { atLeast, atMost, type Figure, surroundings, table } from './kit/report.ts';
import { Worker } from './kit/worker.ts';
import type { Look, Order } from './lrs/reporters-process.ts';
import { recordedNode } from './xds/client/fleet-client.ts';
import { Proxies } from './xds/proxies.ts';

/** Issue 6: load reports of 10,000 proxies, one every 10 s each, hold on one core. */
const PROXIES = 10_000;
const IDLE_MS = 5_000;

const HELP = `npm run bench:lrs -- [options]

  --seconds N    that are measured (120); two of the minutes are written in them
  --every MS     from one report of a proxy to the next (10000)
  --node OPTION  goes to Node in front of EFMS, also several
  --clusters N   in each report, in two localities each (5)
  --scale N      of the number of proxies (1); 0.01 is a trial of the program itself
  --json         print the figures as JSON
`;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '120' },
    every: { type: 'string', default: '10000' },
    node: { type: 'string', multiple: true, default: [] },
    clusters: { type: 'string', default: '5' },
    scale: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const [seconds, clusters, scale] = [Number(values.seconds), Number(values.clusters), Number(values.scale)];
const everyMs = Number(values.every);
if (values.help || !(seconds > 0) || !(clusters >= 0) || !(scale > 0 && scale <= 1) || !(everyMs >= 1000)) {
  process.stderr.write(HELP);
  process.exit(values.help ? 0 : 1);
}

const where = surroundings();
const place = await makePlace();
try {
  const figures = await measure(place, Math.max(10, Math.round(PROXIES * scale)));
  if (values.json) process.stdout.write(`${JSON.stringify({ ...where, figures }, null, 2)}\n`);
  else {
    const about = `${where.commit} on ${where.machine}, load ${where.loadBefore} before, ${where.at}`;
    process.stdout.write(`${about}\n\n${table(figures)}\n`);
  }
} finally {
  await place.remove();
}

/** What the server and its client have used and done so far. */
interface Sample {
  readonly at: number;
  readonly cpu: number;
  readonly postgres: number;
  readonly client: Look;
  readonly reports: number;
  readonly rows: number;
  readonly shed: number;
}

async function measure(at: Place, count: number): Promise<Figure[]> {
  const efms = await Efms.start(at, { nodeOptions: values.node, settings: { EFMS_LRS_INTERVAL_MS: String(everyMs) } });
  const worker = new Worker<Order, Look | undefined>(new URL('./lrs/reporters-process.ts', import.meta.url));
  try {
    process.stderr.write(`registering ${count} proxies\n`);
    const { all: proxies } = await registered(efms, at, count);
    const idle = memoryOf(efms.pid);
    const idleCpu = await idleCores(efms);
    process.stderr.write('connecting\n');
    const address = { port: efms.xdsPort };
    await worker.tell({
      type: 'open',
      options: { address, proxies, node: recordedNode(), clusters, everyMs },
    });
    await sleep(Math.min(everyMs, seconds * 1000));
    process.stderr.write(`measuring for ${seconds} s\n`);
    const before = await sample(efms, at, worker);
    await sleep(seconds * 1000);
    const after = await sample(efms, at, worker);
    const rss = (memoryOf(efms.pid) - idle) / count / 1024;
    await worker.tell({ type: 'stop' });
    return [...figuresOf(before, after, idleCpu), { name: 'EFMS: memory above idle', value: rss, unit: 'KB a proxy' }];
  } finally {
    await worker.end();
    await efms.stop();
  }
}

/** What EFMS uses with nobody connected. */
async function idleCores({ pid }: Efms): Promise<number> {
  const before = cpuOf(pid);
  await sleep(IDLE_MS);
  return (cpuOf(pid) - before) / (IDLE_MS / 1000);
}

async function registered(efms: Efms, at: Place, count: number): Promise<Proxies> {
  const proxies = await Proxies.make(efms, at, count);
  await proxies.end();
  return proxies;
}

async function sample(efms: Efms, { postmaster }: Place, worker: Worker<Order, Look | undefined>): Promise<Sample> {
  const text = await (await fetch(`http://127.0.0.1:${efms.port}/metrics`)).text();
  const metric = (name: string): number =>
    text
      .split('\n')
      .filter((line) => line.startsWith(name))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  const client = await worker.tell({ type: 'look' });
  if (!client) throw new Error('the client answered something else');
  return {
    at: performance.now(),
    cpu: cpuOf(efms.pid),
    postgres: cpuOfPostgres(postmaster),
    client,
    reports: metric('efms_load_reports_total'),
    rows: metric('efms_traffic_rows_total'),
    shed: metric('efms_traffic_shed_total'),
  };
}

function figuresOf(before: Sample, after: Sample, idle: number): Figure[] {
  const length = (after.at - before.at) / 1000;
  const cores = (after.cpu - before.cpu) / length;
  const reports = after.reports - before.reports;
  const sent = after.client.sent - before.client.sent;
  const rate = reports / length;
  const held = atLeast(0.99, reports / sent, '');
  const core = atMost(1, cores, 'cores');
  return [
    { name: 'reports sent', value: sent / length, unit: '/s' },
    { name: 'reports received', value: rate, unit: '/s' },
    { name: 'received of those sent', value: reports / sent, unit: '', ...(held && { bar: held }) },
    { name: 'EFMS: CPU', value: cores, unit: 'cores', ...(core && { bar: core }) },
    { name: 'EFMS: CPU before any proxy is connected', value: idle, unit: 'cores' },
    { name: 'EFMS: CPU per report, above that', value: ((cores - idle) / rate) * 1e6, unit: 'µs' },
    { name: 'PostgreSQL: CPU', value: (after.postgres - before.postgres) / length, unit: 'cores' },
    { name: 'client: CPU', value: (after.client.cpuSeconds - before.client.cpuSeconds) / length, unit: 'cores' },
    { name: 'bytes received', value: (after.client.bytes - before.client.bytes) / length / 1024 ** 2, unit: 'MiB/s' },
    { name: 'rows written', value: (after.rows - before.rows) / length, unit: '/s' },
    { name: 'shed', value: after.shed - before.shed, unit: '' },
    { name: 'streams that ended', value: after.client.ended, unit: '' },
    { name: 'reports that wait for the server', value: after.client.waiting, unit: '' },
  ];
}
