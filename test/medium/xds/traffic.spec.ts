import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { loadConfig } from '../../../src/common/config/config.js';
import { newId } from '../../../src/common/context/ids.js';
import type { Database } from '../../../src/common/database/database.js';
import { SchemaOwner } from '../../../src/common/database/schema-owner.js';
import { PostgresTraffic } from '../../../src/xds/metrics/postgres-traffic.js';
import type { ProxyMinute } from '../../../src/xds/metrics/traffic-minutes.js';
import { TrafficPartitions } from '../../../src/xds/metrics/traffic-partitions.js';
import { TrafficStats } from '../../../src/xds/metrics/traffic-stats.js';
import { TrafficRefused } from '../../../src/xds/metrics/traffic-writer.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';
import { Fleet } from './fleet.js';

const MINUTE = 60_000;
const thisMinute = Math.floor(Date.now() / MINUTE) * MINUTE;

let test: TestDatabase;
let database: Database;
let sink: PostgresTraffic;

beforeAll(async () => {
  test = await createTestDatabase();
  database = await test.open();
  sink = new PostgresTraffic(database);
});
afterAll(() => test.drop());

const minuteOf = (fleet: Fleet, proxyId: string, more: Partial<ProxyMinute> = {}): ProxyMinute => ({
  tenantId: fleet.tenantId,
  proxyId,
  startsAt: thisMinute,
  snapshot: 'h',
  loads: new Map([
    [
      'blue',
      { id: newId(), cluster: 'blue', region: 'eu', zone: 'a', subZone: '', successes: 2 ** 40, errors: 3, dropped: 1 },
    ],
  ]),
  latencies: new Map([
    [
      'blue',
      {
        id: newId(),
        cluster: 'blue',
        buckets: new Map([
          [Infinity, 1],
          [0.5, 7],
          [10, 2],
        ]),
      },
    ],
  ]),
  ...more,
});

describe('traffic in the database', () => {
  it('is written once, however often it is tried', async () => {
    const fleet = await new Fleet(database).create();
    const minute = minuteOf(fleet, await fleet.addProxy());
    expect(await sink.write([minute])).toBe(2);
    await sink.write([minute]);
    expect(await fleet.query('select * from cluster_metrics')).toEqual([
      {
        tenant_id: fleet.tenantId,
        proxy_id: minute.proxyId,
        starts_at: new Date(thisMinute),
        id: minute.loads.get('blue')?.id,
        snapshot_hash: 'h',
        cluster: 'blue',
        region: 'eu',
        zone: 'a',
        sub_zone: '',
        successes: String(2 ** 40),
        errors: '3',
        dropped: '1',
      },
    ]);
    expect(await fleet.query('select snapshot_hash, cluster, buckets from cluster_latencies')).toEqual([
      {
        snapshot_hash: 'h',
        cluster: 'blue',
        buckets: [
          [0.5, 7],
          [10, 2],
          [null, 1],
        ],
      },
    ]);
  });

  it('is of the snapshot that the ledger knows of, where the proxy is connected elsewhere and had it before', async () => {
    const fleet = await new Fleet(database).create();
    const minutes: ProxyMinute[] = [];
    const add = async (convergedAt: number | null, snapshot: string | null | undefined): Promise<void> => {
      const proxyId = await fleet.addProxy();
      if (convergedAt !== null) await connect(fleet, proxyId, convergedAt);
      minutes.push(minuteOf(fleet, proxyId, { snapshot, latencies: new Map() }));
    };
    await add(thisMinute - MINUTE, undefined);
    await add(thisMinute + 1_000, undefined);
    await add(null, undefined);
    await add(thisMinute - MINUTE, null);
    await add(thisMinute - MINUTE, 'mine');
    await sink.write(minutes);
    const rows = await fleet.query<{ proxy_id: string; snapshot_hash: string | null }>(
      'select proxy_id, snapshot_hash from cluster_metrics',
    );
    const byProxy = new Map(rows.map((row) => [row.proxy_id, row.snapshot_hash]));
    expect(minutes.map(({ proxyId }) => byProxy.get(proxyId))).toEqual(['ledgers', null, null, null, 'mine']);
  });

  it('is refused, and not tried again, where no partition holds it', async () => {
    const fleet = await new Fleet(database).create();
    const minute = minuteOf(fleet, await fleet.addProxy(), { startsAt: Date.parse('2001-01-01T00:00:00Z') });
    await expect(sink.write([minute])).rejects.toThrow(TrafficRefused);
  });

  it('can neither be written nor changed by whoever works for a tenant', async () => {
    const fleet = await new Fleet(database).create();
    await sink.write([minuteOf(fleet, await fleet.addProxy())]);
    for (const sql of ['update cluster_metrics set errors = 0', 'delete from cluster_latencies']) {
      await expect(fleet.query(sql)).rejects.toMatchObject({ code: '42501' });
    }
    const other = await new Fleet(database).create();
    expect(await other.query('select * from cluster_metrics')).toEqual([]);
  });
});

async function connect(fleet: Fleet, proxyId: string, convergedAt: number): Promise<void> {
  await database.system(async (tx) => {
    await tx.query(
      `insert into leases (name, owner, epoch, expires_at) values ('replica/other', 'o', 1, now() + interval '1 hour')
       on conflict do nothing`,
    );
    await tx.query(
      `insert into xds_streams (tenant_id, id, proxy_id, replica, variant, peer, node_id, connected_at, converged_hash, converged_at)
       values ($1, $2, $3, 'other', 'delta', '', '', now(), 'ledgers', $4)`,
      [fleet.tenantId, newId(), proxyId, new Date(convergedAt)],
    );
  });
}

describe('partitions of traffic', () => {
  const partitions = (): Promise<{ parent: string; name: string }[]> =>
    test.sql("select parent, name from traffic_partitions where parent = 'cluster_metrics' order by name");
  const keeper = (stats: TrafficStats, ownerUrl: string | undefined): TrafficPartitions => {
    const config = loadConfig({ EFMS_METRICS_RETENTION_DAYS: '2' });
    return new TrafficPartitions(database, new SchemaOwner(ownerUrl), stats, config);
  };

  it('are there for a week, and made again where they are missing', async () => {
    const before = await partitions();
    expect(before).toHaveLength(9);
    await test.sql(`drop table ${before.at(-1)?.name}`);
    const stats = new TrafficStats();
    await keeper(stats, test.ownerUrl).keep();
    expect(await partitions()).toEqual(before);
    expect(stats.partitionDaysAhead).toBe(7);
  });

  it('are dropped when all in them is older than what is kept', async () => {
    await test.sql(
      `select efms_make_traffic_partitions('cluster_metrics', 'day', 0, 'insert');
       create table cluster_metrics_2020_01_01 partition of cluster_metrics for values from ('2020-01-01 00:00:00+00') to ('2020-01-02 00:00:00+00')`,
      [],
      'efms_owner',
    );
    const before = (await partitions()).filter(({ name }) => !name.includes('2020'));
    await keeper(new TrafficStats(), test.ownerUrl).keep();
    expect(await partitions()).toEqual(before);
  });

  it('are missed aloud where they run out and this process may not make them', async () => {
    const said: unknown[] = [];
    const listener = {
      log() {},
      warn() {},
      debug() {},
      verbose() {},
      fatal() {},
      error: (text: unknown) => said.push(text),
    };
    const kept = await partitions();
    for (const { name } of kept.slice(-6)) await test.sql(`drop table ${name}`);
    const stats = new TrafficStats();
    Logger.overrideLogger(listener);
    try {
      await keeper(stats, undefined).keep();
    } finally {
      Logger.overrideLogger(['log', 'warn', 'error']);
    }
    expect(stats.partitionDaysAhead).toBe(1);
    expect(said).toEqual([expect.stringContaining('efms db migrate')]);
  });
});
