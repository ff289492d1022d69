import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId } from '../../../src/common/context/ids.js';
import type { Database } from '../../../src/common/database/database.js';
import { Doorbell } from '../../../src/xds/assignments/doorbell.js';
import { Quarantines } from '../../../src/xds/assignments/quarantines.js';
import { Targets } from '../../../src/xds/assignments/targets.js';
import { Assignments, SnapshotStore } from '../../../src/xds/index.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';
import { Fleet, readingOf } from './fleet.js';
import { storableSnapshot } from '../../../src/xds/snapshots/storable-snapshot.js';

describe('assignments', () => {
  let test: TestDatabase;
  let database: Database;
  let fleet: Fleet;
  let targets: Targets;
  let assignments: Assignments;
  let rung = 0;
  const [one, two] = [readingOf(['a']), readingOf(['b'])];

  beforeAll(async () => {
    test = await createTestDatabase();
    database = await test.open();
    targets = new Targets(database);
    const doorbell = new Doorbell(database);
    doorbell.onRing(() => (rung += 1));
    assignments = new Assignments(doorbell, new Quarantines(database, doorbell));
  });
  afterAll(() => test.drop());
  beforeEach(async () => {
    fleet = await new Fleet(database).create();
    const store = new SnapshotStore(database);
    await database.tenant(fleet.ctx, async (tx) => {
      for (const reading of [one, two]) await store.save(tx, fleet.tenantId, storableSnapshot(reading));
    });
    rung = 0;
  });

  const set = (snapshotHash: string, versionId: string | null, ...proxyIds: string[]) =>
    database.tenant(fleet.ctx, (tx) =>
      assignments.set(
        tx,
        fleet.ctx,
        proxyIds.map((proxyId) => ({ proxyId, snapshotHash, versionId })),
      ),
    );
  const current = async (proxyId: string) =>
    (await database.tenant(fleet.ctx, (tx) => assignments.current(tx, fleet.tenantId, [proxyId]))).get(proxyId);
  const headOf = async (proxyId: string) =>
    (await targets.scan([{ tenantId: fleet.tenantId, proxyId }], 'standing'))[0]?.hash;

  it('keeps what a proxy had, changes its head and rings', async () => {
    const proxy = await fleet.addProxy();
    const [v1, v2] = [newId(), newId()];
    expect(await current(proxy)).toBeUndefined();
    expect(await set(one.hash, v1, proxy)).toEqual({ changed: [proxy], missing: [] });
    expect(await headOf(proxy)).toBe(one.hash);
    await set(two.hash, v2, proxy);
    expect(await current(proxy)).toEqual({
      proxyId: proxy,
      snapshotHash: two.hash,
      versionId: v2,
      previousSnapshotHash: one.hash,
      previousVersionId: v1,
      assignedAt: expect.any(Date),
    });
    expect(await headOf(proxy)).toBe(two.hash);
    expect(rung).toBe(2);
  });

  it('changes nothing by an equal assignment, and rings nobody', async () => {
    const proxy = await fleet.addProxy();
    const version = newId();
    await set(one.hash, version, proxy);
    const before = await current(proxy);
    expect(await set(one.hash, version, proxy)).toEqual({ changed: [], missing: [] });
    expect(await current(proxy)).toEqual(before);
    expect(rung).toBe(1);
  });

  it('takes another version of equal content for a change of the assignment, but not of what is served', async () => {
    const proxy = await fleet.addProxy();
    await set(one.hash, newId(), proxy);
    const [{ changed_at: before } = { changed_at: null }] = await fleet.query<{ changed_at: Date }>(
      'select changed_at from proxy_heads',
    );
    expect((await set(one.hash, newId(), proxy)).changed).toEqual([proxy]);
    expect(await fleet.query('select changed_at from proxy_heads')).toEqual([{ changed_at: before }]);
  });

  it('is rolled back with the transaction, head and doorbell included', async () => {
    const proxy = await fleet.addProxy();
    await set(one.hash, null, proxy);
    await expect(
      database.tenant(fleet.ctx, async (tx) => {
        await assignments.set(tx, fleet.ctx, [{ proxyId: proxy, snapshotHash: two.hash, versionId: null }]);
        throw new Error('changed my mind');
      }),
    ).rejects.toThrow('changed my mind');
    expect((await current(proxy))?.snapshotHash).toBe(one.hash);
    expect(await headOf(proxy)).toBe(one.hash);
    expect(rung).toBe(1);
  });

  it('names proxies that do not exist, and assigns to the others', async () => {
    const proxy = await fleet.addProxy();
    const [gone, foreign] = [newId(), await (await new Fleet(database).create()).addProxy()];
    expect(await set(one.hash, null, gone, proxy, foreign)).toEqual({ changed: [proxy], missing: [gone, foreign] });
  });

  it('assigns to many proxies at once, also from two sides', async () => {
    const proxies = await Promise.all(Array.from({ length: 50 }, () => fleet.addProxy()));
    await Promise.all([set(one.hash, null, ...proxies), set(two.hash, null, ...[...proxies].reverse())]);
    const assigned = await database.tenant(fleet.ctx, (tx) => assignments.current(tx, fleet.tenantId, proxies));
    const scanned = await targets.scan(
      proxies.map((proxyId) => ({ tenantId: fleet.tenantId, proxyId })),
      'standing',
    );
    for (const head of scanned) expect(head.hash).toBe(assigned.get(head.proxyId)?.snapshotHash);
    expect(new Set([...assigned.values()].map(({ snapshotHash }) => snapshotHash)).size).toBe(1);
  });

  it('refuses a snapshot that is not stored', async () => {
    await expect(set('0'.repeat(64), null, await fleet.addProxy())).rejects.toThrow('foreign key');
  });

  it('goes with its proxy', async () => {
    const proxy = await fleet.addProxy();
    await set(one.hash, null, proxy);
    await fleet.removeProxy(proxy);
    expect(await fleet.query('select 1 as one from proxy_assignments')).toEqual([]);
    expect(await headOf(proxy)).toBeUndefined();
  });
});
