import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../../src/common/config/config.js';
import { newId } from '../../../src/common/context/ids.js';
import type { Database, Transaction } from '../../../src/common/database/database.js';
import { type Lease, Leases } from '../../../src/common/database/leases.js';
import { ListPage } from '../../../src/common/http/list.js';
import { GroupMembers, ProxyDirectory } from '../../../src/infrastructure/index.js';
import { PostgresTraffic } from '../../../src/xds/metrics/postgres-traffic.js';
import { TrafficQueries } from '../../../src/xds/metrics/traffic-queries.js';
import {
  TRAFFIC_LIST,
  type TrafficPoint,
  TrafficReader,
  type TrafficSelection,
} from '../../../src/xds/metrics/traffic-reader.js';
import { TrafficRollups } from '../../../src/xds/metrics/traffic-rollups.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';
import { Fleet } from './fleet.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const H1 = '1'.repeat(64);
const H2 = '2'.repeat(64);
/** Over and settled, and of a day that has a partition. */
const hour = Math.floor(Date.now() / HOUR) * HOUR - 2 * HOUR;

let test: TestDatabase;
let database: Database;
let sink: PostgresTraffic;
let queries: TrafficQueries;

beforeAll(async () => {
  test = await createTestDatabase();
  database = await test.open();
  sink = new PostgresTraffic(database);
  queries = new TrafficQueries(database, new ProxyDirectory(), new GroupMembers(database), new TrafficReader());
});
afterAll(() => test.drop());

interface Reported {
  readonly at?: number;
  readonly cluster?: string;
  readonly zone?: string;
  readonly snapshot?: string | null;
  readonly requests: readonly [successes: number, errors: number];
  readonly dropped?: number;
  readonly took?: readonly (readonly [number, number])[];
}

/** Has a proxy say something. */
async function report(fleet: Fleet, proxyId: string, ...reports: readonly Reported[]): Promise<void> {
  await sink.write(
    reports.map(({ at = 0, cluster = 'blue', zone = '', snapshot = H1, requests, dropped = 0, took }) => ({
      tenantId: fleet.tenantId,
      proxyId,
      startsAt: hour + at,
      snapshot,
      loads: new Map([
        [
          '',
          { id: newId(), cluster, region: '', zone, subZone: '', successes: requests[0], errors: requests[1], dropped },
        ],
      ]),
      latencies: new Map(took ? [['', { id: newId(), cluster, buckets: new Map(took) }]] : []),
    })),
  );
}

const window = { from: new Date(hour), to: new Date(hour + HOUR), limit: 50 };
const shown = ({ at, series, requests, errors, dropped }: TrafficPoint): unknown[] => [
  (at.getTime() - hour) / MINUTE,
  series,
  requests,
  errors,
  dropped,
];

describe('traffic that is asked for', () => {
  it('is added up by step, with rate, share of errors and percentiles', async () => {
    const fleet = await new Fleet(database).create();
    const id = await fleet.addProxy('edge');
    await report(fleet, id, {
      requests: [50, 10],
      dropped: 3,
      took: [
        [10, 40],
        [20, 20],
      ],
    });
    await report(fleet, id, { cluster: 'green', requests: [60, 0], took: [[10, 60]] });
    await report(fleet, id, { at: 7 * MINUTE, requests: [30, 30] }, { at: HOUR, requests: [9, 9] });
    const other = await fleet.addProxy();
    await report(fleet, other, { requests: [1000, 0] });

    const { items, nextCursor } = await queries.ofProxy(fleet.ctx, { name: 'edge' }, { ...window, step: '5m' });
    expect(nextCursor).toBeNull();
    const p = { p50: 6, p90: 14, p99: 19.4 };
    expect(items).toEqual([
      {
        at: new Date(hour),
        series: null,
        requests: 120,
        rate: 0.4,
        errors: 10,
        errorRate: 10 / 120,
        dropped: 3,
        latency: { count: 120, ...p },
      },
      {
        at: new Date(hour + 5 * MINUTE),
        series: null,
        requests: 60,
        rate: 0.2,
        errors: 30,
        errorRate: 0.5,
        dropped: 0,
        latency: null,
      },
    ]);
  });

  it('is told apart by cluster, locality and snapshot, and narrowed to one', async () => {
    const fleet = await new Fleet(database).create();
    const id = await fleet.addProxy();
    await report(fleet, id, { requests: [1, 0], took: [[10, 1]] }, { zone: 'a', requests: [2, 1] });
    await report(fleet, id, { cluster: 'green', snapshot: H2, requests: [4, 0] });
    await report(fleet, id, { cluster: 'green', snapshot: null, requests: [8, 0] });
    const read = async (more: object): Promise<unknown[]> =>
      (await queries.ofProxy(fleet.ctx, { id }, { ...window, step: '1h', ...more })).items.map(shown);
    expect(await read({})).toEqual([[0, null, 16, 1, 0]]);
    expect(await read({ by: 'cluster' })).toEqual([
      [0, 'blue', 4, 1, 0],
      [0, 'green', 12, 0, 0],
    ]);
    expect(await read({ by: 'locality' })).toEqual([
      [0, '//', 13, 0, 0],
      [0, '/a/', 3, 1, 0],
    ]);
    expect(await read({ by: 'snapshot' })).toEqual([
      [0, '', 8, 0, 0],
      [0, H1, 4, 1, 0],
      [0, H2, 4, 0, 0],
    ]);
    expect(await read({ by: 'cluster', snapshot: H2 })).toEqual([[0, 'green', 4, 0, 0]]);
    expect(await read({ cluster: 'blue' })).toEqual([[0, null, 4, 1, 0]]);
    expect(await read({ cluster: 'red' })).toEqual([]);
  });

  it('is that of the group’s proxies, and of all that had a snapshot', async () => {
    const fleet = await new Fleet(database).create();
    const [moved, unmoved, outside] = [await fleet.addProxy(), await fleet.addProxy(), await fleet.addProxy()];
    const groupId = newId();
    await fleet.query('insert into proxy_groups (tenant_id, id, name) values ($1, $2, $3)', [
      fleet.tenantId,
      groupId,
      'g',
    ]);
    for (const proxyId of [moved, unmoved]) {
      await fleet.query(
        "insert into proxy_group_members (tenant_id, proxy_group_id, envoy_proxy_id, source) values ($1, $2, $3, 'static')",
        [fleet.tenantId, groupId, proxyId],
      );
    }
    await report(fleet, moved, { snapshot: H2, requests: [5, 5] });
    await report(fleet, unmoved, { requests: [10, 0] });
    await report(fleet, outside, { snapshot: H2, requests: [100, 0] });
    const group = await queries.ofGroup(fleet.ctx, { name: 'g' }, { ...window, by: 'snapshot' });
    expect(group.items.map(shown)).toEqual([
      [0, H1, 10, 0, 0],
      [0, H2, 10, 5, 0],
    ]);
    const version = await fleet.transaction((tx) => queries.ofSnapshot(tx, fleet.ctx, H2, window));
    expect(version.items.map(shown)).toEqual([[0, null, 110, 5, 0]]);
    await expect(queries.ofGroup(fleet.ctx, { name: 'none' }, window)).rejects.toMatchObject({
      definition: { status: 404 },
    });
  });

  it('comes in pages, whose cursor is of no use for anything else', async () => {
    const fleet = await new Fleet(database).create();
    const id = await fleet.addProxy();
    const clusters = ['a', 'b', 'c'];
    for (const at of [0, MINUTE]) {
      await report(fleet, id, ...clusters.map((cluster) => ({ at, cluster, requests: [1, 0] as const })));
    }
    const seen: unknown[] = [];
    let cursor: string | undefined;
    do {
      const query = { ...window, by: 'cluster' as const, limit: 4, ...(cursor === undefined ? {} : { cursor }) };
      const page = await queries.ofProxy(fleet.ctx, { id }, query);
      seen.push(...page.items.map(shown).map(([at, series]) => `${String(at)} ${String(series)}`));
      cursor = page.nextCursor ?? undefined;
      if (cursor !== undefined) {
        const elsewhere = queries.ofProxy(fleet.ctx, { id }, { ...window, limit: 4, cursor });
        await expect(elsewhere).rejects.toMatchObject({ definition: { status: 400 } });
      }
    } while (cursor !== undefined);
    expect(seen).toEqual(['0 a', '0 b', '0 c', '1 a', '1 b', '1 c']);
  });

  it.each([
    [{ step: '90s' }, '/step'],
    [{ step: '90m' }, '/step'],
    [{ step: 'soon' }, '/step'],
    [{ from: new Date(hour + HOUR) }, '/from'],
    [{ from: new Date(hour - 100 * HOUR) }, '/step'],
    [{ to: new Date(8e15) }, '/to'],
  ])('is refused for a window like %j', async (more, pointer) => {
    const fleet = await new Fleet(database).create();
    const id = await fleet.addProxy();
    await expect(queries.ofProxy(fleet.ctx, { id }, { ...window, ...more })).rejects.toMatchObject({
      definition: { status: 422 },
      options: { errors: [{ pointer }] },
    });
  });
});

describe('traffic among that of many', () => {
  let fleet: Fleet;

  beforeAll(async () => {
    fleet = await new Fleet(database).create();
    for (const [table, column, values] of [
      ['cluster_metrics', 'region, zone, sub_zone, successes, errors, dropped', "'', '', '', 1, 1, 1"],
      ['cluster_latencies', 'buckets', "'[[1, 1]]'"],
    ] as const) {
      await test.sql(
        `insert into ${table} (tenant_id, proxy_id, starts_at, id, snapshot_hash, cluster, ${column})
         select $1, md5((n % 1000)::text)::uuid, $2::timestamptz + n % 60 * interval '1 minute', gen_random_uuid(), md5((n % 500)::text), 'c', ${values}
           from generate_series(1, 100000) as n`,
        [fleet.tenantId, new Date(hour)],
      );
    }
    await test.sql('analyze');
  });

  /** How PostgreSQL reads what is asked for. */
  async function planOf(selection: Omit<TrafficSelection, 'window'>): Promise<string> {
    const sent: { sql: string; params: readonly unknown[] }[] = [];
    const listening = {
      query: (sql: string, params: readonly unknown[]) => {
        sent.push({ sql, params });
        return Promise.resolve([]);
      },
    };
    const page = new ListPage(TRAFFIC_LIST, { tenantId: fleet.tenantId, query: { limit: 50 } });
    const asked = { ...selection, window: { from: hour, to: hour + HOUR, step: MINUTE, known: hour + HOUR } };
    await new TrafficReader().read(listening as unknown as Transaction, fleet.tenantId, asked, page);
    const [{ sql, params } = { sql: '', params: [] }] = sent;
    const rows = await fleet.query<{ 'QUERY PLAN': string }>(`explain ${sql}`, params);
    return rows.map((row) => row['QUERY PLAN']).join('\n');
  }

  it.each<[string, Omit<TrafficSelection, 'window'>, RegExp]>([
    ['a proxy', { proxyIds: [newId()] }, /_pkey/],
    ['some proxies', { proxyIds: Array.from({ length: 20 }, newId), by: 'cluster' }, /_pkey/],
    ['a snapshot', { snapshot: 'x' }, /snapshot_hash/],
  ])('of %s is found by an index, in the partitions of its time', async (_whose, selection, index) => {
    const plan = await planOf(selection);
    expect(plan).not.toContain('Seq Scan on cluster');
    expect(plan).toMatch(index);
    const partitions = plan.match(/ on cluster_\w+/g) ?? [];
    expect(new Set(partitions).size).toBeLessThanOrEqual(4);
  });
});

describe('rollups', () => {
  const leases = (): Promise<Lease | undefined> => new Leases(database).acquire('traffic-rollups', newId(), 60_000);
  const rollups = (): TrafficRollups => new TrafficRollups(database, loadConfig({}));

  it('hold each hour once, also where one was begun before, and are read in place of its minutes', async () => {
    const fleet = await new Fleet(database).create();
    const id = await fleet.addProxy();
    await fleet.system(
      `insert into traffic_rollups (tenant_id, rolled_until) select id, date_trunc('hour', now()) from tenants on conflict do nothing`,
    );
    await fleet.system('update traffic_rollups set rolled_until = $2 where tenant_id = $1', [
      fleet.tenantId,
      new Date(hour),
    ]);
    await report(fleet, id, { requests: [5, 1], took: [[10, 6]] });
    await report(fleet, id, {
      at: 59 * MINUTE,
      requests: [7, 2],
      took: [
        [10, 1],
        [Infinity, 8],
      ],
    });
    await report(fleet, id, { at: 30 * MINUTE, cluster: 'green', zone: 'a', snapshot: null, requests: [1, 0] });
    await report(fleet, id, { at: HOUR, requests: [100, 0] });

    const lease = await leases();
    if (!lease) throw new Error('no lease');
    // One replica begins and ends over it, another does all.
    expect(await rollups().turn(lease)).toBe(true);
    const second = rollups();
    while (await second.turn(lease));

    const rows = await fleet.query(
      'select starts_at, snapshot_hash, cluster, zone, successes, errors from cluster_metrics_hourly where starts_at = $1 order by cluster',
      [new Date(hour)],
    );
    const row = { starts_at: new Date(hour), zone: '' };
    expect(rows).toEqual([
      { ...row, snapshot_hash: H1, cluster: 'blue', successes: '12', errors: '3' },
      { ...row, snapshot_hash: null, cluster: 'green', zone: 'a', successes: '1', errors: '0' },
    ]);
    const latencies = await fleet.query('select buckets from cluster_latencies_hourly where starts_at = $1', [
      new Date(hour),
    ]);
    expect(latencies).toEqual([
      {
        buckets: [
          [10, 7],
          [null, 8],
        ],
      },
    ]);
    // What is rolled up may go.
    await test.sql('delete from cluster_metrics where starts_at < $1', [new Date(hour + HOUR)]);
    const query = { ...window, to: new Date(hour + 2 * HOUR), step: '1h' };
    expect((await queries.ofProxy(fleet.ctx, { id }, query)).items.map(shown)).toEqual([
      [0, null, 16, 3, 0],
      [60, null, 100, 0, 0],
    ]);
  });

  it('write nothing without the lease', async () => {
    const fleet = await new Fleet(database).create();
    await fleet.system('insert into traffic_rollups (tenant_id, rolled_until) values ($1, $2)', [
      fleet.tenantId,
      new Date(hour),
    ]);
    const lost: Lease = { name: 'traffic-rollups', owner: 'nobody', epoch: 1n };
    await expect(rollups().turn(lost)).rejects.toThrow('no longer held');
  });
});
