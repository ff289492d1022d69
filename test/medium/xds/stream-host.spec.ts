import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { SystemClock } from '../../../src/common/clock/clock.js';
import { newId } from '../../../src/common/context/ids.js';
import type { Database } from '../../../src/common/database/database.js';
import { Leases } from '../../../src/common/database/leases.js';
import { ProxyHeads, ProxyStatusStore } from '../../../src/infrastructure/index.js';
import { Arrivals } from '../../../src/xds/assignments/arrivals.js';
import { ClaimChecks } from '../../../src/xds/assignments/claim-checks.js';
import { CredentialChecks } from '../../../src/xds/assignments/credential-checks.js';
import { Doorbell } from '../../../src/xds/assignments/doorbell.js';
import { KnownCredentials } from '../../../src/xds/assignments/known-credentials.js';
import { Quarantines } from '../../../src/xds/assignments/quarantines.js';
import { Reconciler } from '../../../src/xds/assignments/reconciler.js';
import { AssignedStreamHost } from '../../../src/xds/assignments/stream-host.js';
import { Targets } from '../../../src/xds/assignments/targets.js';
import { Assignments, ProgressSignal, ProxyProgressReader, SnapshotStore } from '../../../src/xds/index.js';
import { Ledger } from '../../../src/xds/ledger/ledger.js';
import { RunningSnapshots } from '../../../src/xds/metrics/running-snapshots.js';
import { PostgresLedger } from '../../../src/xds/ledger/postgres-ledger.js';
import { Replica } from '../../../src/xds/ledger/replica.js';
import type { AttachedStream, ServedStream } from '../../../src/xds/server/ports.js';
import type { CompiledSnapshot } from '../../../src/xds/snapshots/compiled-snapshot.js';
import { SnapshotCache } from '../../../src/xds/snapshots/snapshot-cache.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';
import { Fleet, readingOf } from './fleet.js';
import { storableSnapshot } from '../../../src/xds/snapshots/storable-snapshot.js';

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('it did not come to that in time');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A stream whose client acknowledges whatever it is served. */
class ObedientStream implements ServedStream {
  readonly id = newId();
  readonly variant = 'sotw';
  readonly peer = '127.0.0.1:5000';
  readonly identity;
  readonly node = {
    id: 'n',
    cluster: '',
    bootId: 'boot',
    userAgentName: 'envoy',
    userAgentVersion: '1.40.0',
    zone: '',
  };
  readonly claimsNothing = true;
  readonly served: (string | null)[] = [];
  ended: string | undefined;
  observer: AttachedStream | undefined;

  constructor(tenantId: string, proxyId: string, credentialId: string) {
    this.identity = { tenantId, proxyId, nodeId: 'n', credentialId, credentialEpoch: 0 };
  }

  acceptClaims(): void {
    // Its claims are none.
  }

  offerAgain(): void {
    // Obedient: there is nothing that it refused.
  }

  serve(snapshot: CompiledSnapshot | null): void {
    this.served.push(snapshot?.hash ?? null);
    if (!snapshot || !this.observer) return;
    const reference = { kind: 'cluster', version: snapshot.hash, nonce: '1', snapshot: snapshot.hash } as const;
    this.observer.sent({ ...reference, resources: 1, removed: 0, bytes: 1 });
    this.observer.acked(reference);
    this.observer.converged(snapshot.hash);
  }

  end(_code: string, details: string): void {
    this.ended = details;
    this.observer?.detached();
  }
}

/** The parts of a replica between its streams and the database. */
class TestReplica {
  readonly doorbell: Doorbell;
  readonly assignments: Assignments;
  readonly reconciler: Reconciler;
  private readonly replica: Replica;
  private readonly ledger: Ledger;
  private readonly host: AssignedStreamHost;

  constructor(database: Database, listenUrl: string) {
    const clock = new SystemClock();
    const targets = new Targets(database);
    const snapshots = new SnapshotCache(new SnapshotStore(database), 1e6);
    const checks = new CredentialChecks(database, new KnownCredentials(clock));
    this.doorbell = new Doorbell(database, { listenUrl });
    const quarantines = new Quarantines(database, this.doorbell);
    const arrivals = new Arrivals(database, quarantines);
    this.assignments = new Assignments(this.doorbell, quarantines);
    this.replica = new Replica(new Leases(database));
    const postgres = new PostgresLedger(database, new ProxyStatusStore(database), this.replica);
    this.ledger = new Ledger(postgres, new ProgressSignal(), clock, { flushMs: 5 });
    this.reconciler = new Reconciler(
      {
        changes: (since) => targets.changes(since),
        targets: (proxies, scope) => targets.scan(proxies, scope),
        arrived: (streams) => arrivals.judge(streams),
        snapshot: (tenantId, hash) => snapshots.get(tenantId, hash),
        current: (_target, snapshot) => Promise.resolve({ full: snapshot, open: snapshot }),
        isPrivate: () => true,
        credentials: (credentials) => checks.check(credentials),
      },
      { scanIntervalMs: 60_000 },
    );
    this.host = new AssignedStreamHost(
      this.reconciler,
      this.ledger,
      quarantines,
      new ClaimChecks(database),
      new RunningSnapshots(clock),
    );
    this.doorbell.onRing(() => this.reconciler.wake());
  }

  async start(): Promise<void> {
    await this.replica.start(() => this.ledger.reassert());
    this.doorbell.start();
    this.reconciler.start();
  }

  attach(stream: ObedientStream): ObedientStream {
    stream.observer = this.host.attach(stream);
    return stream;
  }

  async stop(): Promise<void> {
    this.reconciler.stop();
    await this.doorbell.stop();
    await this.ledger.stop();
    await this.replica.stop();
  }
}

describe('streams on two replicas', () => {
  let test: TestDatabase;
  let database: Database;
  let fleet: Fleet;
  let replicas: TestReplica[];
  const [h1, h2] = [readingOf(['a']), readingOf(['a', 'b'])];

  beforeAll(async () => {
    Logger.overrideLogger(false);
    test = await createTestDatabase();
    database = await test.open();
    fleet = await new Fleet(database).create();
    const store = new SnapshotStore(database);
    await database.tenant(fleet.ctx, async (tx) => {
      for (const reading of [h1, h2]) await store.save(tx, fleet.tenantId, storableSnapshot(reading));
    });
    replicas = [new TestReplica(database, test.systemUrl), new TestReplica(database, test.systemUrl)];
    await Promise.all(replicas.map((replica) => replica.start()));
  });
  afterAll(async () => {
    await Promise.all(replicas.map((replica) => replica.stop()));
    await test.drop();
    Logger.overrideLogger(['log', 'warn', 'error']);
  });

  async function credential(proxyId: string): Promise<string> {
    const id = newId();
    await fleet.query('insert into proxy_credentials (tenant_id, id, proxy_id, token_hash) values ($1, $2, $3, $4)', [
      fleet.tenantId,
      id,
      proxyId,
      randomBytes(32),
    ]);
    return id;
  }
  const assign = (proxyIds: readonly string[], snapshotHash: string) =>
    database.tenant(fleet.ctx, (tx) =>
      replicas[0]!.assignments.set(
        tx,
        fleet.ctx,
        proxyIds.map((proxyId) => ({ proxyId, snapshotHash, versionId: null })),
      ),
    );
  const convergedOn = async (proxyId: string): Promise<string | null | undefined> =>
    (await database.tenant(fleet.ctx, (tx) => new ProxyProgressReader().read(tx, fleet.tenantId, [proxyId]))).get(
      proxyId,
    )?.convergedHash;

  it('get what is assigned wherever it is assigned, without waiting for a scan', async () => {
    const proxies = [await fleet.addProxy(), await fleet.addProxy()];
    const streams = await Promise.all(
      replicas.map(async (replica, i) =>
        replica.attach(new ObedientStream(fleet.tenantId, proxies[i]!, await credential(proxies[i]!))),
      ),
    );
    await until(() => streams.every(({ served }) => served.length === 1));
    await assign(proxies, h1.hash);
    await until(() => streams.every(({ served }) => served.length === 2));
    await assign(proxies, h2.hash);
    await until(() => streams.every(({ served }) => served.length === 3));
    for (const { served } of streams) expect(served).toEqual([null, h1.hash, h2.hash]);
    for (const {
      reconciler: { stats },
    } of replicas) {
      const { delays } = stats;
      // Two changes on each, and each found because of the doorbell; what the stream was served first is none.
      expect([delays.toSend, delays.toAck].map(({ counts }) => counts.reduce((sum, n) => sum + n))).toEqual([2, 2]);
      expect(stats.changes).toEqual({ doorbell: 2, interval: 0 });
      expect(delays.toAck.sum).toBeGreaterThan(0);
    }
    for (const proxy of proxies) await until(async () => (await convergedOn(proxy)) === h2.hash);
  });

  it('end when their credential is revoked, and not when another one is', async () => {
    const proxy = await fleet.addProxy();
    const [good, bad] = [await credential(proxy), await credential(proxy)];
    const [kept, ended] = [good, bad].map((id) =>
      replicas[1]!.attach(new ObedientStream(fleet.tenantId, proxy, id)),
    ) as [ObedientStream, ObedientStream];
    await until(() => kept.served.length === 1 && ended.served.length === 1);
    await database.tenant(fleet.ctx, async (tx) => {
      await tx.query('update proxy_credentials set revoked_at = now() where id = $1', [bad]);
      await new ProxyHeads().bump(tx, fleet.tenantId, [proxy], 'credentialEpoch');
      tx.afterCommit(() => replicas[0]!.doorbell.ring());
    });
    await until(() => ended.ended !== undefined);
    expect([ended.ended, kept.ended]).toEqual(['the credential is revoked', undefined]);
  });

  it('end when their proxy is deleted', async () => {
    const proxy = await fleet.addProxy();
    const stream = replicas[1]!.attach(new ObedientStream(fleet.tenantId, proxy, newId()));
    await until(() => stream.served.length === 1);
    await fleet.removeProxy(proxy);
    replicas[0]!.doorbell.ring();
    await until(() => stream.ended !== undefined);
    expect(stream.ended).toBe('the proxy does not exist any more');
  });
});
