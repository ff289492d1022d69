import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Database } from '../../../src/common/database/database.js';
import { SnapshotStore } from '../../../src/xds/index.js';
import { SnapshotCache } from '../../../src/xds/snapshots/snapshot-cache.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';
import { Fleet, readingOf } from './fleet.js';
import { storableSnapshot } from '../../../src/xds/snapshots/storable-snapshot.js';

describe('the snapshot store', () => {
  let test: TestDatabase;
  let database: Database;
  let store: SnapshotStore;
  let fleet: Fleet;

  beforeAll(async () => {
    test = await createTestDatabase();
    database = await test.open();
    store = new SnapshotStore(database);
  });
  afterAll(() => test.drop());

  const newFleet = async (): Promise<Fleet> => (fleet = await new Fleet(database).create());
  const save = (reading: ReturnType<typeof readingOf>, tenant = fleet) =>
    database.tenant(tenant.ctx, (tx) => store.save(tx, tenant.tenantId, storableSnapshot(reading)));
  const count = async (table: string) =>
    Number((await fleet.query<{ n: string }>(`select count(*) as n from ${table}`))[0]?.n);

  it('stores equal content once', async () => {
    await newFleet();
    await save(readingOf(['a', 'b']));
    await save(readingOf(['b', 'a']));
    expect([await count('snapshots'), await count('snapshot_resources')]).toEqual([1, 4]);
    await save(readingOf(['a', 'c']));
    expect([await count('snapshots'), await count('snapshot_resources')]).toEqual([2, 6]);
  });

  it('lets concurrent writers of overlapping content all succeed', async () => {
    await newFleet();
    const names = Array.from({ length: 20 }, (_, i) => `c${i}`);
    await Promise.all(
      Array.from({ length: 8 }, (_, i) => save(readingOf(i % 2 === 0 ? names.slice(i) : names.slice(i).reverse()))),
    );
    expect([await count('snapshots'), await count('snapshot_resources')]).toEqual([8, 40]);
  });

  it('gives back the document in order of names, without kinds that are empty', async () => {
    await newFleet();
    const reading = readingOf(['b', 'a', 'B'], 'é \u0000 "quoted" \\');
    await save(reading);
    const document = await database.tenant(fleet.ctx, (tx) => store.document(tx, fleet.tenantId, reading.hash));
    expect(Object.keys(document!)).toEqual(['clusters', 'endpoints']);
    expect(document!.clusters).toEqual(
      ['B', 'a', 'b'].map((name) => ({ name, alt_stat_name: 'é \u0000 "quoted" \\' })),
    );
    expect(document!.endpoints?.map((endpoint) => endpoint['cluster_name'])).toEqual(['B', 'a', 'b']);
  });

  it('loads for serving what was saved, byte for byte', async () => {
    await newFleet();
    const reading = readingOf(['b', 'a'], '\u0001 binary \u00ff');
    await save(reading);
    const snapshot = await store.load(fleet.tenantId, reading.hash);
    expect(snapshot?.hash).toBe(reading.hash);
    for (const { kind, name, version, value, children } of reading.resources) {
      expect(snapshot!.resources(kind).get(name)).toEqual({ kind, name, version, value, children });
    }
    expect(snapshot!.parents({ kind: 'endpoint', name: 'a' }).map(({ name }) => name)).toEqual(['a']);
  });

  it('shares what snapshots have in common, through the cache', async () => {
    await newFleet();
    const [one, two] = [readingOf(['a', 'b']), readingOf(['a', 'c'])];
    await save(one);
    await save(two);
    const cache = new SnapshotCache(store, 1e6);
    const [first, second] = [await cache.get(fleet.tenantId, one.hash), await cache.get(fleet.tenantId, two.hash)];
    expect(second?.resources('cluster').get('a')).toBe(first?.resources('cluster').get('a'));
    expect(second?.resources('cluster').get('c')?.value.toString()).toContain('"c"');
  });

  it('shows no tenant the snapshots of another', async () => {
    const owner = await newFleet();
    const reading = readingOf(['a']);
    await save(reading, owner);
    const stranger = await newFleet();
    expect(
      await database.tenant(stranger.ctx, (tx) => store.document(tx, owner.tenantId, reading.hash)),
    ).toBeUndefined();
    expect(await store.load(stranger.tenantId, reading.hash)).toBeUndefined();
    await expect(
      database.tenant(stranger.ctx, (tx) => store.save(tx, owner.tenantId, storableSnapshot(reading))),
    ).rejects.toThrow('row-level security');
  });

  it('refuses a snapshot without resources', async () => {
    await newFleet();
    await expect(save(readingOf([]))).rejects.toThrow('snapshots_resource_count_check');
  });

  it('makes a collector wait for a writer, and spare what it saved', async () => {
    await newFleet();
    const reading = readingOf(['a']);
    await save(reading);
    await test.sql("update snapshot_resources set saved_at = now() - interval '2 days' where tenant_id = $1", [
      fleet.tenantId,
    ]);
    let collected: Promise<unknown[]> | undefined;
    await database.tenant(fleet.ctx, async (tx) => {
      await store.save(tx, fleet.tenantId, storableSnapshot(reading));
      collected = test.sql(
        "delete from snapshot_resources where tenant_id = $1 and saved_at < now() - interval '1 day' returning hash",
        [fleet.tenantId],
      );
      for (;;) {
        const waiting = await test.sql(
          "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like 'delete from snapshot_resources%'",
        );
        if (waiting.length > 0) break;
      }
    });
    expect(await collected).toEqual([]);
    expect(await count('snapshot_resources')).toBe(2);
  });
});
