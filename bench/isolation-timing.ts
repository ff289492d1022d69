import http from 'node:http';
import { parseArgs } from 'node:util';
import { v7 } from 'uuid';
import { percentile, pick, seeded } from './kit/numbers.ts';
import { Efms, makePlace } from './kit/place.ts';
import { columns, surroundings } from './kit/report.ts';
import { mannWhitney, welch, withoutLargest } from './kit/statistics.ts';
import { makeFleet, type Tenant } from './rest/fleet.ts';

/** Requests with an id; each must be answered with 404 whether the id is another tenant's or nobody's. */
const OPERATIONS: readonly {
  readonly name: string;
  readonly method: string;
  readonly path: (id: string) => string;
  readonly body?: object;
}[] = [
  { name: 'read', method: 'GET', path: (id) => `/proxies/${id}` },
  { name: 'credentials', method: 'GET', path: (id) => `/proxies/${id}/credentials` },
  { name: 'sync', method: 'GET', path: (id) => `/proxies/${id}/sync` },
  { name: 'patch', method: 'PATCH', path: (id) => `/proxies/${id}`, body: { labels: { a: 'b' } } },
];
/** Less likely than this by chance, in any of the tests made, is called a difference. */
const SIGNIFICANCE = 0.01;
/** Of the slowest, which tell of the machine. */
const LEFT_OUT = 0.05;

const { values } = parseArgs({
  options: { pairs: { type: 'string', default: '3000' }, json: { type: 'boolean', default: false } },
});
const pairs = Number(values.pairs);
const where = surroundings();
const place = await makePlace();
try {
  const efms = await Efms.start(place);
  try {
    const [mine, other] = await makeFleet(efms, place, { tenants: 2, proxies: 2000 });
    if (!mine || !other) throw new Error('there are no two tenants');
    print(await compare(efms, mine, other));
  } finally {
    await efms.stop();
  }
} finally {
  await place.remove();
}

interface Row {
  readonly operation: string;
  /** Microseconds. */
  readonly medians: { readonly others: number; readonly nobodys: number };
  readonly mannWhitney: number;
  readonly welch: number;
  readonly isDifferent: boolean;
}

/** Asks for ids of the other tenant and ids that never existed, in turns whose order is drawn, over one connection. */
async function compare(efms: Efms, mine: Tenant, other: Tenant): Promise<Row[]> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const random = seeded(5);
  // Made as the others were, so that they sort into the same places of the indexes.
  const nobodys = other.proxies.map(() => v7());
  const rows: Row[] = [];
  for (const operation of OPERATIONS) {
    const times = { others: [] as number[], nobodys: [] as number[] };
    process.stderr.write(`${operation.name}\n`);
    for (let i = -pairs / 10; i < pairs; i += 1) {
      const turn = [
        { of: times.others, id: pick(other.proxies, random).id },
        { of: times.nobodys, id: pick(nobodys, random) },
      ];
      for (const { of, id } of random() < 0.5 ? turn : turn.reverse()) {
        const took = await ask(efms.port, agent, {
          ...operation,
          target: operation.path(id),
          credential: mine.credentials[1],
        });
        if (i >= 0) of.push(took);
      }
    }
    rows.push(rowOf(operation.name, times));
  }
  agent.destroy();
  return rows;
}

function rowOf(operation: string, times: { readonly others: number[]; readonly nobodys: number[] }): Row {
  const median = (of: number[]): number => percentile(Float64Array.from(of).sort(), 0.5) * 1000;
  const ranks = mannWhitney(times.others, times.nobodys).p;
  const means = welch(withoutLargest(times.others, LEFT_OUT), withoutLargest(times.nobodys, LEFT_OUT)).p;
  return {
    operation,
    medians: { others: median(times.others), nobodys: median(times.nobodys) },
    mannWhitney: ranks,
    welch: means,
    // Two tests of each operation are made, so that chance has as many tries.
    isDifferent: Math.min(ranks, means) < SIGNIFICANCE / (2 * OPERATIONS.length),
  };
}

interface Asked {
  readonly method: string;
  readonly target: string;
  readonly credential: string;
  readonly body?: object;
}

/** Milliseconds until the answer is there, which must be 404. */
function ask(port: number, agent: http.Agent, { method, target, credential, body }: Asked): Promise<number> {
  const content = body === undefined ? '' : JSON.stringify(body);
  const headers = {
    authorization: `Bearer ${credential}`,
    ...(body === undefined
      ? {}
      : { 'if-match': '*', 'content-type': 'application/json', 'content-length': content.length }),
  };
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const request = http.request(
      { host: '127.0.0.1', port, agent, method, path: `/api/v1${target}`, headers },
      (response) => {
        response.resume();
        response.on('end', () => {
          if (response.statusCode === 404) resolve(performance.now() - began);
          else reject(new Error(`${method} ${target} answered ${response.statusCode ?? 0}`));
        });
      },
    );
    request.on('error', reject);
    request.end(content);
  });
}

function print(rows: readonly Row[]): void {
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ ...where, pairs, rows }, null, 2)}\n`);
    return;
  }
  const head = ['', "other's id, µs", "nobody's id, µs", 'p (Mann-Whitney)', 'p (Welch)', ''];
  const cells = rows.map(({ operation, medians, ...found }) => [
    operation,
    medians.others.toFixed(0),
    medians.nobodys.toFixed(0),
    found.mannWhitney.toFixed(4),
    found.welch.toFixed(4),
    found.isDifferent ? 'DIFFERENT' : 'no difference',
  ]);
  process.stdout.write(`${where.commit} on ${where.machine}, load ${where.loadBefore} before, ${pairs} pairs each\n\n`);
  process.stdout.write(`${columns([head, ...cells])}\n`);
}
