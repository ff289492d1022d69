import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { SystemClock } from '../../../src/common/clock/clock.js';
import { newId } from '../../../src/common/context/ids.js';
import type { Database } from '../../../src/common/database/database.js';
import { Leases } from '../../../src/common/database/leases.js';
import { ProxyDirectory, ProxyStatusStore } from '../../../src/infrastructure/index.js';
import { Doorbell } from '../../../src/xds/assignments/doorbell.js';
import { Quarantines } from '../../../src/xds/assignments/quarantines.js';
import { Assignments, ProgressSignal, ProxyProgressReader, SnapshotStore } from '../../../src/xds/index.js';
import { DeadStreams } from '../../../src/xds/ledger/dead-streams.js';
import { Ledger, type StreamLedger } from '../../../src/xds/ledger/ledger.js';
import { PostgresLedger } from '../../../src/xds/ledger/postgres-ledger.js';
import { ProxySync } from '../../../src/xds/ledger/proxy-sync.js';
import { Replica } from '../../../src/xds/ledger/replica.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';
import { Fleet, readingOf } from './fleet.js';
import { storableSnapshot } from '../../../src/xds/snapshots/storable-snapshot.js';

/** One replica's ledger, without timers. */
class TestReplica {
  readonly signal = new ProgressSignal();
  readonly postgres: PostgresLedger;
  readonly ledger: Ledger;
  private readonly replica: Replica;

  constructor(database: Database) {
    this.replica = new Replica(new Leases(database));
    this.postgres = new PostgresLedger(database, new ProxyStatusStore(database), this.replica);
    this.ledger = new Ledger(this.postgres, this.signal, new SystemClock(), { flushMs: 1e9 });
  }

  get id(): string {
    return this.replica.id;
  }

  start(): Promise<void> {
    return this.replica.start(() => this.ledger.reassert());
  }

  open(tenantId: string, proxyId: string, bootId: string | null = null): StreamLedger {
    return this.ledger.open({
      id: newId(),
      tenantId,
      proxyId,
      variant: 'delta',
      peer: '127.0.0.1:5000',
      nodeId: 'n',
      bootId,
      envoyVersion: '1.40.0',
    });
  }

  /** Ends as by kill -9, some time later: nothing is written, and the lease runs out. */
  die(): Promise<void> {
    return this.replica.stop();
  }
}

describe('the ledger', () => {
  let test: TestDatabase;
  let database: Database;
  let fleet: Fleet;
  let proxy: string;
  let one: TestReplica;
  let two: TestReplica;
  const replicas: TestReplica[] = [];
  const reader = new ProxyProgressReader();

  beforeAll(async () => {
    Logger.overrideLogger(false);
    test = await createTestDatabase();
    database = await test.open();
  });
  afterAll(async () => {
    await Promise.all(replicas.map((replica) => replica.die()));
    await test.drop();
    Logger.overrideLogger(['log', 'warn', 'error']);
  });
  beforeEach(async () => {
    fleet = await new Fleet(database).create();
    proxy = await fleet.addProxy();
    one = new TestReplica(database);
    two = new TestReplica(database);
    replicas.push(one, two);
    await Promise.all([one.start(), two.start()]);
  });

  const progress = async (id = proxy) =>
    (await database.tenant(fleet.ctx, (tx) => reader.read(tx, fleet.tenantId, [id]))).get(id);
  const status = async () =>
    (await fleet.query<Record<string, unknown>>('select * from proxy_status where proxy_id = $1', [proxy]))[0];
  const streamCount = async () => (await fleet.query('select id from xds_streams')).length;
  const ledgerRows = () =>
    fleet.query<Record<string, unknown>>('select * from resource_acknowledgements order by kind');
  const refusals = () =>
    fleet.query(
      `select nacked_hash as hash, kind, error_code as code, error_message as message, nacked_at as at
         from resource_acknowledgements where nacked_at > coalesce(acked_at, '-infinity')`,
    );
  const serve = (stream: StreamLedger, hash: string): void => {
    stream.serving(hash);
    for (const kind of ['cluster', 'listener'] as const)
      stream.sent({ kind, version: `${kind} ${hash}`, resources: 2 });
  };
  const ack = (stream: StreamLedger, hash: string): void => {
    for (const kind of ['cluster', 'listener'] as const) stream.acked({ kind, version: `${kind} ${hash}` });
    stream.converged(hash);
  };

  it('tells of a proxy that never came, and of one that does not exist', async () => {
    expect(await progress()).toEqual({
      connected: false,
      connectedSince: null,
      servingHash: null,
      convergedHash: null,
      held: null,
      frozen: false,
    });
    expect(await progress(newId())).toBeUndefined();
  });

  it('follows a stream from its beginning to its end', async () => {
    const stream = one.open(fleet.tenantId, proxy, 'boot 1');
    serve(stream, 'h1');
    await one.ledger.flush();
    expect(await progress()).toMatchObject({ connected: true, servingHash: 'h1', convergedHash: null });
    expect(await status()).toMatchObject({
      connection: 'connected',
      management: 'managed',
      boot_id: 'boot 1',
      envoy_version: '1.40.0',
      replica: one.id,
    });
    ack(stream, 'h1');
    await one.ledger.flush();
    expect(await progress()).toMatchObject({ connected: true, convergedHash: 'h1' });
    stream.diverged();
    await one.ledger.flush();
    expect((await progress())?.convergedHash).toBeNull();
    stream.ended();
    await one.ledger.flush();
    expect(await progress()).toMatchObject({ connected: false, connectedSince: null, convergedHash: null });
    expect(await status()).toMatchObject({ connection: 'disconnected' });
    // What it took last is still known.
    expect(await ledgerRows()).toMatchObject([{ acked_version: 'cluster h1' }, { acked_version: 'listener h1' }]);
  });

  it('shows a refusal until an ACK of its type, in cleaned words', async () => {
    const stream = one.open(fleet.tenantId, proxy);
    serve(stream, 'h1');
    stream.acked({ kind: 'cluster', version: 'v' });
    const message =
      'goo.gle/debugonly\nname: "l"\ntls {\n  inline_string: "MARKER"\n}\n: Proto constraint validation failed (A: b)';
    stream.nacked({ kind: 'listener', version: 'v' }, { code: 13, message });
    await one.ledger.flush();
    const refused = await refusals();
    expect(refused).toEqual([
      {
        hash: 'h1',
        kind: 'listener',
        code: 13,
        message: 'l: Proto constraint validation failed (A: b)',
        at: expect.any(Date),
      },
    ]);
    expect(JSON.stringify(await ledgerRows())).not.toContain('MARKER');
    stream.acked({ kind: 'cluster', version: 'w' });
    one.ledger.reassert();
    await one.ledger.flush();
    // Not even the time of it changes when it is written again.
    expect(await refusals()).toEqual(refused);
    stream.acked({ kind: 'listener', version: 'w' });
    await one.ledger.flush();
    expect(await refusals()).toEqual([]);
  });

  it('keeps words as they are, and replaces what is no text', async () => {
    const stream = one.open(fleet.tenantId, proxy, 'a \\ "boot", {of} \ud800 NULL');
    stream.serving('h1');
    stream.nacked({ kind: 'cluster', version: 'v' }, { code: 13, message: `it's "c\\", NULL, \ud800` });
    await one.ledger.flush();
    expect((await ledgerRows())[0]?.['error_message']).toBe(`it's "c\\", NULL, \ufffd`);
    const [row] = await fleet.query<{ boot_id: string }>('select boot_id from xds_streams');
    expect(row?.boot_id).toBe('a \\ "boot", {of} \ufffd NULL');
  });

  it('takes a stream for live again that others took for ended', async () => {
    const stream = one.open(fleet.tenantId, proxy);
    serve(stream, 'h1');
    await one.ledger.flush();
    await test.sql('update xds_streams set ended_at = now()');
    ack(stream, 'h1');
    await one.ledger.flush();
    expect(await progress()).toMatchObject({ connected: true, servingHash: 'h1', convergedHash: 'h1' });
  });

  it('judges a proxy by its newest live stream, wherever that is', async () => {
    const old = one.open(fleet.tenantId, proxy);
    serve(old, 'h1');
    ack(old, 'h1');
    await one.ledger.flush();
    const young = two.open(fleet.tenantId, proxy);
    serve(young, 'h2');
    await two.ledger.flush();
    expect(await progress()).toMatchObject({ connected: true, servingHash: 'h2', convergedHash: null });
    expect(await status()).toMatchObject({ connection: 'connected', replica: two.id });
    old.ended();
    await one.ledger.flush();
    expect(await status()).toMatchObject({ connection: 'connected', replica: two.id });
    expect(await progress()).toMatchObject({ connected: true, servingHash: 'h2' });
    young.ended();
    await two.ledger.flush();
    expect(await status()).toMatchObject({ connection: 'disconnected' });
  });

  it('falls back to the older stream when the newest ends', async () => {
    const old = one.open(fleet.tenantId, proxy);
    serve(old, 'h1');
    ack(old, 'h1');
    await one.ledger.flush();
    const young = two.open(fleet.tenantId, proxy);
    await two.ledger.flush();
    young.ended();
    await two.ledger.flush();
    expect(await progress()).toMatchObject({ connected: true, convergedHash: 'h1' });
    expect(await status()).toMatchObject({ connection: 'connected', replica: one.id });
    old.ended();
    await one.ledger.flush();
    expect(await status()).toMatchObject({ connection: 'disconnected' });
  });

  it('hands what an ended stream left to the newest, whatever is newer', async () => {
    const old = one.open(fleet.tenantId, proxy);
    serve(old, 'h1');
    ack(old, 'h1');
    old.nacked({ kind: 'route', version: 'r' }, { code: 3, message: 'bad route' });
    await one.ledger.flush();
    old.ended();
    const young = one.open(fleet.tenantId, proxy);
    young.serving('h2');
    young.sent({ kind: 'cluster', version: 'cluster h2', resources: 5 });
    await one.ledger.flush();
    expect(await streamCount()).toBe(1);
    expect(await ledgerRows()).toMatchObject([
      { kind: 'cluster', sent_version: 'cluster h2', resource_count: 5, acked_version: 'cluster h1' },
      { kind: 'listener', sent_version: 'listener h1', acked_version: 'listener h1' },
      { kind: 'route', nacked_version: 'r', error_message: 'bad route' },
    ]);
    expect(await refusals()).toMatchObject([{ kind: 'route', code: 3 }]);
    young.acked({ kind: 'cluster', version: 'cluster h2' });
    await one.ledger.flush();
    expect((await ledgerRows())[0]).toMatchObject({ acked_version: 'cluster h2', resource_count: 5 });
  });

  it('does not count the streams of a replica that is gone', async () => {
    const stream = one.open(fleet.tenantId, proxy);
    serve(stream, 'h1');
    ack(stream, 'h1');
    await one.ledger.flush();
    await one.die();
    expect(await progress()).toMatchObject({ connected: false, convergedHash: null });
    expect(await status()).toMatchObject({ connection: 'connected' });
    const told: unknown[] = [];
    two.signal.subscribe((proxies) => told.push(...proxies));
    const sweep = new DeadStreams(two.postgres, two.signal);
    await sweep.sweep();
    expect(await status()).toMatchObject({ connection: 'disconnected' });
    expect(told).toContainEqual({ tenantId: fleet.tenantId, proxyId: proxy });
    told.length = 0;
    await sweep.sweep();
    expect(told).toEqual([]);
    const leases = await test.sql<{ name: string }>('select name from leases');
    expect(leases.map(({ name }) => name)).toContain(`replica/${two.id}`);
    expect(leases.map(({ name }) => name)).not.toContain(`replica/${one.id}`);
  });

  it('does not believe what a killed replica wrote before its last words once the proxy is assigned that again', async () => {
    const [v1, v2] = [readingOf(['a']), readingOf(['a', 'b'])];
    const quarantines = new Quarantines(database, new Doorbell(database));
    const assignments = new Assignments(new Doorbell(database), quarantines);
    await database.tenant(fleet.ctx, async (tx) => {
      for (const reading of [v1, v2])
        await new SnapshotStore(database).save(tx, fleet.tenantId, storableSnapshot(reading));
    });
    const assign = ({ hash }: { readonly hash: string }) =>
      database.tenant(fleet.ctx, (tx) =>
        assignments.set(tx, fleet.ctx, [{ proxyId: proxy, snapshotHash: hash, versionId: null }]),
      );
    await assign(v1);
    const killed = one.open(fleet.tenantId, proxy, 'boot');
    serve(killed, v1.hash);
    ack(killed, v1.hash);
    await one.ledger.flush();
    expect(await progress()).toMatchObject({ connected: true, convergedHash: v1.hash });

    // The second version is sent, and perhaps taken in part; nobody writes it down any more. The lease of the replica goes on.
    await assign(v2);
    serve(killed, v2.hash);
    killed.diverged();
    await assign(v1);
    expect(await progress()).toMatchObject({ connected: true, convergedHash: null });

    const next = two.open(fleet.tenantId, proxy, 'boot');
    next.serving(v1.hash, [v2.hash, v1.hash]);
    await two.ledger.flush();
    expect(await progress()).toMatchObject({ connected: true, convergedHash: null });
    ack(next, v1.hash);
    await two.ledger.flush();
    expect(await progress()).toMatchObject({ connected: true, convergedHash: v1.hash });
  });

  it('says that its streams live when it was taken for dead', async () => {
    const stream = one.open(fleet.tenantId, proxy);
    serve(stream, 'h1');
    ack(stream, 'h1');
    await one.ledger.flush();
    await test.sql('update xds_streams set ended_at = now() where proxy_id = $1', [proxy]);
    expect((await progress())?.connected).toBe(false);
    one.ledger.reassert();
    await one.ledger.flush();
    expect(await progress()).toMatchObject({ connected: true, convergedHash: 'h1' });
    await test.sql('delete from xds_streams where proxy_id = $1', [proxy]);
    one.ledger.reassert();
    await one.ledger.flush();
    expect(await progress()).toMatchObject({ connected: true, convergedHash: 'h1' });
    expect(await ledgerRows()).toHaveLength(2);
  });

  it('takes its lease again at once when that had run out, and says so', async () => {
    const replica = new Replica(new Leases(database), { renewMs: 5, retryMs: 5 });
    const regained = new Promise<void>((resolve) => void replica.start(resolve));
    const name = `replica/${replica.id}`;
    const isHeld = async () =>
      (await test.sql('select 1 as held from leases where name = $1 and expires_at > now()', [name])).length === 1;
    while (!(await isHeld()));
    await test.sql("update leases set expires_at = now() - interval '1 second' where name = $1", [name]);
    await regained;
    expect(await isHeld()).toBe(true);
    await replica.stop();
    expect(await isHeld()).toBe(false);
  });

  it('ends, after an outage, streams whose end was lost in it', async () => {
    one.open(fleet.tenantId, proxy);
    await one.ledger.flush();
    const other = await fleet.addProxy();
    const alive = one.open(fleet.tenantId, other);
    await one.ledger.flush();
    await one.postgres.write({
      live: (await fleet.query<{ id: string }>('select id from xds_streams where proxy_id = $1', [other])).map(
        ({ id }) => id,
      ),
      rows: () => ({ streams: [], acknowledgements: [], presence: [] }),
    });
    expect((await progress())?.connected).toBe(false);
    expect((await progress(other))?.connected).toBe(true);
    alive.ended();
  });

  it('passes over proxies that are deleted meanwhile', async () => {
    const gone = await fleet.addProxy();
    const stream = one.open(fleet.tenantId, gone);
    const kept = one.open(fleet.tenantId, proxy);
    serve(kept, 'h1');
    await fleet.removeProxy(gone);
    serve(stream, 'h1');
    await one.ledger.flush();
    expect(one.ledger.backlog).toBe(0);
    expect((await progress())?.connected).toBe(true);
    await fleet.removeProxy(proxy);
    expect([await streamCount(), (await ledgerRows()).length]).toEqual([0, 0]);
  });

  it('leaves out what the database refuses, and nothing else', async () => {
    const spoilt = one.open(fleet.tenantId, await fleet.addProxy(), 'a boot id with \0');
    const good = one.open(fleet.tenantId, proxy);
    serve(good, 'h1');
    serve(spoilt, 'h1');
    for (let i = 0; i < 4; i += 1) await one.ledger.flush();
    expect(one.ledger.backlog).toBe(0);
    expect((await progress())?.connected).toBe(true);
    good.ended();
  });

  it('marks a proxy that keeps a configuration from elsewhere as unmanaged', async () => {
    const stream = one.open(fleet.tenantId, proxy);
    stream.serving(null);
    stream.unmanaged();
    await one.ledger.flush();
    expect(await status()).toMatchObject({ connection: 'connected', management: 'unmanaged' });
    stream.serving('h1');
    await one.ledger.flush();
    expect(await status()).toMatchObject({ management: 'managed' });
  });

  it('takes a thousand streams in one write', async () => {
    const proxies = await Promise.all(Array.from({ length: 40 }, () => fleet.addProxy()));
    for (let i = 0; i < 1000; i += 1) {
      const stream = one.open(fleet.tenantId, proxies[i % proxies.length]!);
      serve(stream, 'h1');
      if (i < 960) stream.ended();
      else ack(stream, 'h1');
    }
    await one.ledger.flush();
    expect(one.ledger.backlog).toBe(0);
    expect(await streamCount()).toBe(40);
    for (const id of proxies) expect(await progress(id)).toMatchObject({ connected: true, convergedHash: 'h1' });
  });

  it('shows no tenant the streams of another', async () => {
    one.open(fleet.tenantId, proxy);
    await one.ledger.flush();
    const stranger = await new Fleet(database).create();
    expect(await stranger.query('select id from xds_streams')).toEqual([]);
    expect((await database.tenant(stranger.ctx, (tx) => reader.read(tx, fleet.tenantId, [proxy]))).size).toBe(0);
  });

  describe('as people read it', () => {
    const reading = readingOf(['a']);
    let assignments: Assignments;
    let sync: ProxySync;

    beforeEach(async () => {
      const doorbell = new Doorbell(database);
      assignments = new Assignments(doorbell, new Quarantines(database, doorbell));
      sync = new ProxySync(database, new ProxyDirectory(), assignments, reader);
      await database.tenant(fleet.ctx, async (tx) => {
        await new SnapshotStore(database).save(tx, fleet.tenantId, storableSnapshot(reading));
      });
    });
    const view = () => sync.read(fleet.ctx, { id: proxy });

    it('begins with nothing', async () => {
      expect(await view()).toEqual({
        connection: 'never_seen',
        management: 'managed',
        assigned: null,
        heldBack: null,
        sync: {},
        converged: false,
      });
      await expect(sync.read(fleet.ctx, { name: 'nobody' })).rejects.toMatchObject({ code: 'proxy-not-found' });
    });

    it('tells per type how far a proxy is', async () => {
      const versionId = newId();
      await database.tenant(fleet.ctx, (tx) =>
        assignments.set(tx, fleet.ctx, [{ proxyId: proxy, snapshotHash: reading.hash, versionId }]),
      );
      const stream = one.open(fleet.tenantId, proxy);
      stream.serving(reading.hash);
      stream.sent({ kind: 'cluster', version: 'c1', resources: 1 });
      stream.sent({ kind: 'listener', version: 'l1', resources: 0 });
      stream.nacked({ kind: 'listener', version: 'l1' }, { code: 13, message: 'cannot bind' });
      await one.ledger.flush();
      expect(await view()).toMatchObject({
        connection: 'connected',
        assigned: { snapshot: reading.hash, versionId },
        sync: {
          cluster: { state: 'STALE', sentVersion: 'c1', ackedVersion: null },
          endpoint: { state: 'NOT_SENT' },
          listener: { state: 'ERROR', error: { code: 13, message: 'cannot bind' } },
        },
        converged: false,
      });
      stream.acked({ kind: 'cluster', version: 'c1' });
      stream.acked({ kind: 'listener', version: 'l2' });
      stream.converged(reading.hash);
      await one.ledger.flush();
      const { sync: types, converged } = await view();
      expect(converged).toBe(true);
      expect(Object.entries(types).map(([kind, { state }]) => [kind, state])).toEqual([
        ['cluster', 'SYNCED'],
        ['endpoint', 'SYNCED'],
        ['listener', 'SYNCED'],
      ]);
      stream.ended();
      await one.ledger.flush();
      expect(await view()).toMatchObject({ connection: 'disconnected', converged: false });
    });
  });
});
