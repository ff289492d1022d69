import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { SystemClock } from '../../../src/common/clock/clock.js';
import { newId } from '../../../src/common/context/ids.js';
import type { Database } from '../../../src/common/database/database.js';
import { Leases } from '../../../src/common/database/leases.js';
import { ProxyDirectory, ProxyStatusStore } from '../../../src/infrastructure/index.js';
import { type ArrivedStream, Arrivals } from '../../../src/xds/assignments/arrivals.js';
import { Doorbell } from '../../../src/xds/assignments/doorbell.js';
import { type Hold, hold } from '../../../src/xds/assignments/quarantine-rows.js';
import { Quarantines } from '../../../src/xds/assignments/quarantines.js';
import { XdsAccounts } from '../../../src/xds/assignments/xds-accounts.js';
import { Targets } from '../../../src/xds/assignments/targets.js';
import { Assignments, ProgressSignal, SnapshotStore } from '../../../src/xds/index.js';
import { Ledger, type StreamLedger } from '../../../src/xds/ledger/ledger.js';
import { PostgresLedger } from '../../../src/xds/ledger/postgres-ledger.js';
import { Replica } from '../../../src/xds/ledger/replica.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';
import { eventually } from '../../kit/eventually.js';
import { Fleet, readingOf } from './fleet.js';
import { storableSnapshot } from '../../../src/xds/snapshots/storable-snapshot.js';

const [s1, s2, s3] = ['one', 'two', 'three'].map((name) => readingOf([name]).hash) as [string, string, string];

describe('last known good', () => {
  let test: TestDatabase;
  let database: Database;
  let fleet: Fleet;
  let proxy: string;
  let targets: Targets;
  let quarantines: Quarantines;
  let assignments: Assignments;
  let arrivals: Arrivals;
  let replica: Replica;
  let ledger: Ledger;

  beforeAll(async () => {
    Logger.overrideLogger(false);
    test = await createTestDatabase();
    database = await test.open();
    const doorbell = new Doorbell(database);
    targets = new Targets(database);
    quarantines = new Quarantines(database, doorbell);
    assignments = new Assignments(doorbell, quarantines);
    arrivals = new Arrivals(database, quarantines);
    replica = new Replica(new Leases(database));
    await replica.start(() => undefined);
    const sink = new PostgresLedger(database, new ProxyStatusStore(database), replica);
    ledger = new Ledger(sink, new ProgressSignal(), new SystemClock(), { flushMs: 1e6 });
  });
  afterAll(async () => {
    await quarantines.stop();
    await ledger.stop();
    await replica.stop();
    await test.drop();
    Logger.overrideLogger(['log', 'warn', 'error']);
  });
  beforeEach(async () => {
    fleet = await new Fleet(database).create();
    const store = new SnapshotStore(database);
    await database.tenant(fleet.ctx, async (tx) => {
      for (const name of ['one', 'two', 'three'])
        await store.save(tx, fleet.tenantId, storableSnapshot(readingOf([name])));
    });
    proxy = await fleet.addProxy();
  });

  const assign = (snapshotHash: string) =>
    database.tenant(fleet.ctx, (tx) =>
      assignments.set(tx, fleet.ctx, [{ proxyId: proxy, snapshotHash, versionId: null }]),
    );
  const target = async () => (await targets.scan([{ tenantId: fleet.tenantId, proxyId: proxy }], 'arriving'))[0]!;
  const refusal = (snapshotHash: string, change: Partial<Hold> = {}): Hold => ({
    tenantId: fleet.tenantId,
    proxyId: proxy,
    snapshotHash,
    reason: 'nack',
    cause: 'content',
    refusal: { kind: 'cluster', code: 13, message: 'no', suspects: ['two'] },
    bootId: 'boot-1',
    envoyVersion: '1.40.0',
    at: performance.now(),
    ...change,
  });
  const refuse = (snapshotHash: string, change: Partial<Hold> = {}) =>
    database.system((tx) => hold(tx, [refusal(snapshotHash, change)]));
  const offer = (snapshotHash: string) =>
    database.tenant(fleet.ctx, (tx) => assignments.offerAgain(tx, fleet.tenantId, [proxy], snapshotHash));
  const open = (bootId: string | null = 'boot-1'): StreamLedger & { id: string } => {
    const id = newId();
    const stream = ledger.open({
      id,
      tenantId: fleet.tenantId,
      proxyId: proxy,
      variant: 'delta',
      peer: '127.0.0.1:1',
      nodeId: 'n',
      bootId,
      envoyVersion: '1.40.0',
    });
    return { ...stream, id };
  };
  /** A stream that has what it is served in full. */
  const converge = async (stream: StreamLedger, hash: string, tried: readonly string[] = []): Promise<void> => {
    stream.serving(hash, tried);
    stream.acked({ kind: 'cluster', version: hash });
    stream.converged(hash);
    await ledger.flush();
  };
  const arrive = (bootId: string | null, change: Partial<ArrivedStream> = {}) =>
    arrivals.judge([
      {
        streamId: newId(),
        tenantId: fleet.tenantId,
        proxyId: proxy,
        bootId,
        envoyVersion: '1.40.0',
        claimsNothing: true,
        ...change,
      },
    ]);
  const quarantine = async () =>
    (await fleet.query<Record<string, unknown>>('select * from proxy_quarantines order by held_at desc'))[0];
  const waiting = async () =>
    (await test.sql("select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"))
      .length;
  const minutesToRetry = async () => {
    const [row] = await fleet.query<{ minutes: number | null }>(
      'select round(extract(epoch from retry_at - clock_timestamp()) / 60)::int as minutes from proxy_quarantines',
    );
    return row?.minutes;
  };
  const backdate = (column: string, table: string, seconds: number) =>
    test.sql(`update ${table} set ${column} = ${column} - $1 * interval '1 s' where tenant_id = $2`, [
      seconds,
      fleet.tenantId,
    ]);
  const eventTypes = async () =>
    (await fleet.query<{ type: string }>('select type from outbox_events order by id')).map(({ type }) => type);

  it('is what the newest stream has in full; what was sent since is remembered until then', async () => {
    await assign(s1);
    expect(await target()).toMatchObject({ hash: s1, goodHash: null, tried: [s1] });
    const stream = open();
    await converge(stream, s1, [s1]);
    expect(await target()).toMatchObject({ hash: s1, goodHash: s1, tried: [] });

    await assign(s2);
    await assign(s3);
    expect(await target()).toMatchObject({ hash: s3, goodHash: s1, tried: [s2, s3] });
    // The stream has s2 in full; of s3 it knows nothing yet.
    await converge(stream, s2, [s2]);
    expect(await target()).toMatchObject({ hash: s3, goodHash: s2, tried: [s3] });
  });

  it('is not changed by an older stream while a newer one lives', async () => {
    await assign(s1);
    const older = open();
    await ledger.flush();
    const newer = open();
    newer.serving(s1, [s1]);
    await ledger.flush();
    await converge(older, s1, [s1]);
    expect(await target()).toMatchObject({ goodHash: null, tried: [s1] });
    newer.ended();
    await ledger.flush();
    older.diverged();
    await converge(older, s1, [s1]);
    expect(await target()).toMatchObject({ goodHash: s1, tried: [] });
  });

  it('is served in place of a refused snapshot; the assignment stays', async () => {
    await assign(s1);
    const stream = open();
    await converge(stream, s1, [s1]);
    await assign(s2);
    await refuse(s2);
    expect(await target()).toMatchObject({ hash: s1, tried: [s2, s1], held: { reason: 'nack' } });
    expect(await fleet.query('select snapshot_hash from proxy_assignments')).toEqual([{ snapshot_hash: s2 }]);
    // Everything that was sent is settled once it has the good one in full again.
    stream.diverged();
    await converge(stream, s1, [s2, s1]);
    expect(await target()).toMatchObject({ hash: s1, tried: [] });
    expect(await eventTypes()).toEqual(['proxy.quarantined']);
  });

  it('leaves a first configuration that is refused as it was applied, and reports it', async () => {
    await assign(s1);
    await refuse(s1);
    expect(await target()).toMatchObject({ hash: s1, held: { reason: 'nack' } });
    expect(await quarantine()).toMatchObject({ error_message: 'no', suspects: ['two'], retry_at: null });
  });

  it('gives way to what is assigned next, and comes back with what is still held back', async () => {
    await assign(s1);
    await converge(open(), s1, [s1]);
    await assign(s2);
    await refuse(s2);
    await assign(s3);
    expect(await target()).toMatchObject({ hash: s3, held: null });
    await assign(s2);
    expect(await target()).toMatchObject({ hash: s1, held: { reason: 'nack' } });
  });

  it('ends when the refused snapshot is offered again on an operator’s word, once', async () => {
    await assign(s1);
    await converge(open(), s1, [s1]);
    await assign(s2);
    await refuse(s2);
    expect(await offer(s2)).toBe(1);
    expect(await target()).toMatchObject({ hash: s2, held: null, offeredAt: expect.any(Number) });
    expect(await offer(s2)).toBe(0);
    await refuse(s2);
    expect(await target()).toMatchObject({ hash: s1 });
    expect(await eventTypes()).toEqual(['proxy.quarantined', 'proxy.offered_again', 'proxy.quarantined']);
  });

  it('is offered again once, however many people say so at once', async () => {
    await assign(s1);
    await converge(open(), s1, [s1]);
    await assign(s2);
    await refuse(s2);
    const offered = await Promise.all(Array.from({ length: 6 }, () => offer(s2)));
    expect(offered.toSorted()).toEqual([0, 0, 0, 0, 0, 1]);
    expect(await eventTypes()).toEqual(['proxy.quarantined', 'proxy.offered_again']);
  });

  it('stays offered again where a refusal of before is written later, and not where it is refused again', async () => {
    await assign(s1);
    await converge(open(), s1, [s1]);
    await assign(s2);
    const at = performance.now();
    await refuse(s2);
    await offer(s2);
    // Another replica could not write for a while what a stream of the same proxy had refused.
    await refuse(s2, { at });
    expect(await target()).toMatchObject({ hash: s2, held: null });
    await refuse(s2);
    expect(await target()).toMatchObject({ hash: s1, held: { reason: 'nack' } });
  });

  it('offers again what is assigned when it is, and nothing that was assigned before', async () => {
    await assign(s1);
    await converge(open(), s1, [s1]);
    await assign(s2);
    await refuse(s2);
    const accounts = new XdsAccounts(database, new ProxyDirectory(), assignments);
    let offering: Promise<unknown> = Promise.resolve();
    await database.tenant(fleet.ctx, async (tx) => {
      await assignments.set(tx, fleet.ctx, [{ proxyId: proxy, snapshotHash: s3, versionId: null }]);
      offering = accounts.offerAgain(fleet.ctx, { id: proxy });
      await eventually('the offer to wait', async () => ((await waiting()) > 0 ? true : undefined));
    });
    await offering;
    expect(await quarantine()).toMatchObject({ snapshot_hash: s2, held: true });
    expect(await eventTypes()).toEqual(['proxy.quarantined']);
  });

  it('forgets a quarantine once the proxy has the snapshot in full', async () => {
    await assign(s2);
    await refuse(s2);
    await offer(s2);
    await converge(open(), s2, [s2]);
    expect(await quarantine()).toBeUndefined();
  });

  it('has replicas look again where the newest stream had in full what an older one refused', async () => {
    await assign(s1);
    await converge(open(), s1, [s1]);
    await assign(s2);
    const newest = open();
    newest.serving(s2, [s2]);
    newest.converged(s2);
    await refuse(s2);
    const { cursor } = await targets.changes(null);
    expect(await target()).toMatchObject({ hash: s1 });
    await ledger.flush();
    expect(await target()).toMatchObject({ hash: s2 });
    expect((await targets.changes(cursor)).changed).toMatchObject({ proxies: [{ proxyId: proxy }] });
  });

  it('holds what the machine caused back for a minute, then twice as long each time, to half an hour', async () => {
    await assign(s1);
    const minutes: unknown[] = [];
    for (let i = 0; i < 7; i++) {
      await refuse(s1, { cause: 'machine' });
      minutes.push(await minutesToRetry());
      await backdate('retry_at', 'proxy_quarantines', 3600);
      const lease = await new Leases(database).acquire('quarantine-retries', 'test', 60_000);
      await quarantines.retryDue(lease!);
      expect(await target()).toMatchObject({ held: null });
    }
    expect(minutes).toEqual([1, 2, 4, 8, 16, 30, 30]);
    await refuse(s1, { cause: 'machine' });
    await offer(s1);
    await refuse(s1, { cause: 'machine' });
    expect(await minutesToRetry()).toBe(1);
  });

  it('offers what was refused to a new process, or another build of Envoy, but not to the same one', async () => {
    await assign(s1);
    await arrive('boot-1');
    await converge(open(), s1, [s1]);
    await assign(s2);
    await refuse(s2);
    await arrive('boot-1');
    expect(await target()).toMatchObject({ hash: s1 });
    await arrive('boot-2');
    expect(await target()).toMatchObject({ hash: s2, process: { bootId: 'boot-2' } });
    await refuse(s2);
    await arrive('boot-2', { envoyVersion: '1.41.0' });
    expect(await target()).toMatchObject({ hash: s2 });
  });

  describe('after crashes', () => {
    /** A process that runs on the good snapshot for an hour, and then is given another. */
    beforeEach(async () => {
      await assign(s1);
      await arrive('boot-1');
      const stream = open('boot-1');
      await converge(stream, s1, [s1]);
      await backdate('good_at', 'proxy_assignments', 3600);
      await assign(s2);
      stream.serving(s2, [s2]);
      stream.ended();
      await ledger.flush();
    });
    /** A process that is sent the snapshot and goes down. */
    const crash = async (bootId: string | null): Promise<void> => {
      await arrive(bootId);
      const stream = open(bootId);
      stream.serving(s2, [s2]);
      stream.sent({ kind: 'cluster', version: 'v', resources: 1 });
      await ledger.flush();
      stream.ended();
      await ledger.flush();
    };

    it('is served again from the second new process in a row on, also where everything was acknowledged', async () => {
      await crash('boot-2');
      expect(await target()).toMatchObject({ hash: s2, held: null });
      await arrive('boot-3');
      expect(await target()).toMatchObject({ hash: s1, held: { reason: 'crash_loop' } });
      expect(await minutesToRetry()).toBe(30);
      // Another process is no reason to try again.
      await arrive('boot-4');
      expect(await target()).toMatchObject({ hash: s1 });
    });

    it('is served again also where the proxy had the snapshot in full before it went down', async () => {
      await arrive('boot-2');
      const stream = open('boot-2');
      await converge(stream, s2, [s1, s2]);
      expect(await target()).toMatchObject({ hash: s2, goodHash: s2, held: null });
      stream.ended();
      await ledger.flush();
      await arrive('boot-3');
      expect(await target()).toMatchObject({ hash: s1, goodHash: s1, held: { reason: 'crash_loop' } });
      expect((await target()).tried).toEqual(expect.arrayContaining([s1, s2]));
      await converge(open('boot-3'), s1, [s2, s1]);
      expect(await target()).toMatchObject({ hash: s1, goodHash: s1, held: { reason: 'crash_loop' } });
    });

    it('is not blamed on a snapshot that was had in full for more than a minute', async () => {
      await arrive('boot-2');
      const stream = open('boot-2');
      await converge(stream, s2, [s1, s2]);
      await backdate('good_at', 'proxy_assignments', 61);
      await backdate('assigned_at', 'proxy_assignments', 61);
      await backdate('started_at', 'proxy_processes', 61);
      stream.ended();
      await ledger.flush();
      for (const bootId of ['boot-3', 'boot-4', 'boot-5']) {
        await arrive(bootId);
        expect(await target()).toMatchObject({ hash: s2, goodHash: s2, held: null });
        const next = open(bootId);
        await converge(next, s2, [s2]);
        next.ended();
        await ledger.flush();
      }
    });

    it('is offered again once, after half an hour, and then waits for an operator', async () => {
      await crash('boot-2');
      await arrive('boot-3');
      await backdate('retry_at', 'proxy_quarantines', 1800);
      const lease = await new Leases(database).acquire('quarantine-retries', 'test', 60_000);
      await quarantines.retryDue(lease!);
      expect(await target()).toMatchObject({ hash: s2 });
      await crash('boot-3');
      await crash('boot-4');
      await arrive('boot-5');
      expect(await target()).toMatchObject({ hash: s1, held: { reason: 'crash_loop' } });
      expect(await minutesToRetry()).toBeNull();
    });

    it('is not blamed on the snapshot by streams that break, whatever their number', async () => {
      for (let i = 0; i < 4; i++) await crash('boot-1');
      expect(await target()).toMatchObject({ hash: s2, held: null });
    });

    it('is not blamed on a snapshot that came when the process was gone, whose stream a killed replica left open', async () => {
      await assign(s1);
      await arrive('boot-2');
      await converge(open('boot-2'), s1, [s2, s1]);
      await backdate('good_at', 'proxy_assignments', 3600);
      // The replica is killed and the process restarted; for both there is a stream that lives.
      await assign(s3);
      for (const bootId of ['boot-3', 'boot-4']) {
        await arrive(bootId);
        expect(await target()).toMatchObject({ hash: s3, held: null });
        open(bootId).serving(s3, [s3]);
        await ledger.flush();
      }
      await arrive('boot-5');
      expect(await target()).toMatchObject({ hash: s1, held: { reason: 'crash_loop' } });
    });

    it('is seen by the replica where it happened before the ledger has written anything', async () => {
      await arrive('boot-2');
      await arrive('boot-3', { before: { bootId: 'boot-2', hash: s1 } });
      expect(await target()).toMatchObject({ hash: s2, held: null });
      await arrive('boot-4', { before: { bootId: 'boot-3', hash: s2 } });
      expect(await target()).toMatchObject({ hash: s1, held: { reason: 'crash_loop' } });
    });

    it('is not blamed on a snapshot that ran for more than a minute', async () => {
      await crash('boot-2');
      await backdate('started_at', 'proxy_processes', 61);
      await backdate('assigned_at', 'proxy_assignments', 61);
      await crash('boot-3');
      await arrive('boot-4');
      expect(await target()).toMatchObject({ hash: s2, held: null });
    });

    it('is not blamed on the snapshot by two processes that come back again and again, as after a hot restart', async () => {
      for (const bootId of ['boot-2', 'boot-1', 'boot-2', 'boot-1']) {
        await arrive(bootId);
        expect(await target()).toMatchObject({ hash: s2, held: null });
        open(bootId).serving(s2, [s2]);
        await ledger.flush();
      }
    });

    it('is not blamed on a stream without a boot id that is judged again, because it could not be served yet', async () => {
      const before = open(null);
      before.serving(s2, [s2]);
      before.ended();
      await ledger.flush();
      const streamId = newId();
      for (let look = 0; look < 3; look++) {
        await arrive(null, { streamId });
        expect(await target()).toMatchObject({ hash: s2, held: null });
      }
    });

    it('without boot ids counts only processes that claim nothing although something was acknowledged', async () => {
      await arrive(null, { claimsNothing: false });
      await arrive(null, { claimsNothing: false });
      expect(await target()).toMatchObject({ hash: s2 });
      await crash(null);
      await arrive(null);
      await arrive(null);
      expect((await target()).held?.reason).toBe('crash_loop');
    });
  });

  it('is written for refusals in the background, also where one of them can never be', async () => {
    await assign(s1);
    await converge(open(), s1, [s1]);
    await assign(s2);
    quarantines.refused(refusal(s2, { proxyId: newId() }));
    quarantines.refused(refusal(s3, { bootId: 'nul\u0000' }));
    quarantines.refused(refusal(s2));
    await eventually('the refusal', async () => ((await target()).hash === s1 ? true : undefined));
  });

  it('remembers sixteen snapshots that may have been sent, and that there were more', async () => {
    const hashes = Array.from({ length: 20 }, (_, i) => readingOf([`n${i}`]).hash);
    await database.tenant(fleet.ctx, async (tx) => {
      for (const i of hashes.keys())
        await new SnapshotStore(database).save(tx, fleet.tenantId, storableSnapshot(readingOf([`n${i}`])));
    });
    for (const hash of hashes) await assign(hash);
    const { tried } = await target();
    expect(tried.length).toBeLessThanOrEqual(16);
    expect(tried[0]).toBe('*');
    expect(tried.slice(-14)).toEqual(hashes.slice(-14));
    await converge(open(), hashes.at(-1)!, tried);
    expect((await target()).tried).toEqual([]);
  });

  it('takes a proxy over that was unmanaged when it was assigned something, until it has it', async () => {
    await test.sql("update proxy_status set management = 'unmanaged' where proxy_id = $1", [proxy]);
    await assign(s1);
    expect(await target()).toMatchObject({ takenOver: true });
    await converge(open(), s1, [s1]);
    expect(await target()).toMatchObject({ takenOver: false });
  });

  it('leaves a proxy taken over that has another snapshot in full, until it has the one that it is assigned', async () => {
    await assign(s1);
    const stream = open();
    await converge(stream, s1, [s1]);
    await assign(s2);
    await database.tenant(fleet.ctx, (tx) => assignments.takeOver(tx, fleet.tenantId, proxy));
    ledger.reassert();
    await ledger.flush();
    expect(await target()).toMatchObject({ goodHash: s1, takenOver: true });
    await converge(stream, s2, [s2]);
    expect(await target()).toMatchObject({ goodHash: s2, takenOver: false });
  });
});
