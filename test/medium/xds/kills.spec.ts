import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setImmediate as nextTick, setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { SystemClock } from '../../../src/common/clock/clock.js';
import { newId } from '../../../src/common/context/ids.js';
import type { Database } from '../../../src/common/database/database.js';
import { Leases } from '../../../src/common/database/leases.js';
import { ProxyStatusStore } from '../../../src/infrastructure/index.js';
import { Arrivals } from '../../../src/xds/assignments/arrivals.js';
import { Doorbell } from '../../../src/xds/assignments/doorbell.js';
import { hold as holdBack } from '../../../src/xds/assignments/quarantine-rows.js';
import { Quarantines } from '../../../src/xds/assignments/quarantines.js';
import { Reconciler } from '../../../src/xds/assignments/reconciler.js';
import { Targets } from '../../../src/xds/assignments/targets.js';
import { Assignments, ProgressSignal, ProxyProgressReader, SnapshotStore } from '../../../src/xds/index.js';
import { Ledger } from '../../../src/xds/ledger/ledger.js';
import { PostgresLedger } from '../../../src/xds/ledger/postgres-ledger.js';
import { Replica } from '../../../src/xds/ledger/replica.js';
import type { ProxyIdentity } from '../../../src/xds/server/ports.js';
import type { CompiledSnapshot } from '../../../src/xds/snapshots/compiled-snapshot.js';
import { SnapshotCache } from '../../../src/xds/snapshots/snapshot-cache.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';
import { type LinkHost, ModelLink } from '../../kit/model-control-plane.js';
import { MODEL_KINDS, ModelEnvoy } from '../../kit/model-envoy.js';
import { differences, modelSnapshot } from '../../kit/model-fleet.js';
import type { Variant } from '../../kit/xds-stream.js';
import { Fleet } from './fleet.js';
import { storableSnapshot } from '../../../src/xds/snapshots/storable-snapshot.js';

const GOOD = modelSnapshot([
  ['cluster', 'a', 'v1'],
  ['listener', 'a', 'v1'],
]);
/** Taken in part, and refused. */
const BAD = modelSnapshot([
  ['cluster', 'a', 'v2'],
  ['cluster', 'b', 'bad1'],
  ['listener', 'a', 'v1'],
]);
/** Taken in full. */
const NEXT = modelSnapshot([
  ['cluster', 'a', 'v3'],
  ['listener', 'b', 'v3'],
]);
const NEVER_MS = 2 ** 30;
const ENVOY = '1.40.0';

/** A replica on the database, with no timers: what it does and writes, it does when it is told to. */
class KillableReplica implements LinkHost {
  readonly refused = new Set<string>();
  readonly good = null;
  readonly ledger: Ledger;
  readonly reconciler: Reconciler;
  private readonly replica: Replica;
  private underWay = 0;
  private isDead = false;

  constructor(
    private readonly database: Database,
    readonly identity: ProxyIdentity,
  ) {
    this.replica = new Replica(new Leases(database));
    const targets = new Targets(database);
    const arrivals = new Arrivals(database, new Quarantines(database, new Doorbell(database)));
    const snapshots = new SnapshotCache(new SnapshotStore(database), 1e6);
    const sink = new PostgresLedger(database, new ProxyStatusStore(database), this.replica);
    this.ledger = new Ledger(sink, new ProgressSignal(), new SystemClock(), { flushMs: NEVER_MS });
    this.reconciler = new Reconciler(
      {
        changes: () => Promise.resolve({ cursor: { xid: '0', time: '0' }, changed: 'unknown' }),
        targets: (proxies, scope) => this.unlessDead(targets.scan(proxies, scope)),
        arrived: (streams) => this.unlessDead(arrivals.judge(streams)),
        snapshot: (tenantId, hash) => this.unlessDead(snapshots.get(tenantId, hash)),
        current: (_, snapshot) => Promise.resolve({ full: snapshot, open: snapshot }),
        isPrivate: () => true,
        credentials: () => Promise.resolve(new Map()),
      },
      { scanIntervalMs: NEVER_MS, minPauseMs: -1, roundMs: NEVER_MS },
    );
  }

  async start(): Promise<this> {
    await this.replica.start(() => undefined);
    return this;
  }

  detached({ stream }: ModelLink): void {
    if (stream && !this.isDead) this.reconciler.detach(stream);
  }

  async look(): Promise<void> {
    this.reconciler.wake();
    await this.settled();
  }

  async settled(): Promise<void> {
    do {
      await nextTick();
      await nextTick();
      if (this.underWay > 0) await delay(1);
    } while (this.underWay > 0);
  }

  async holdRefused(): Promise<void> {
    const held = [...this.refused].map((snapshotHash) => ({
      ...this.identity,
      snapshotHash,
      reason: 'nack' as const,
      cause: 'content' as const,
      refusal: { kind: 'cluster' as const, code: 13, message: 'no', suspects: [] },
      bootId: 'boot',
      envoyVersion: ENVOY,
      at: performance.now(),
    }));
    this.refused.clear();
    await this.database.system((tx) => holdBack(tx, held));
  }

  /** As by kill -9: nothing that is not written is written any more, and the lease goes on. */
  kill(): void {
    this.isDead = true;
    this.reconciler.stop();
  }

  /** The lease is over, some time after a kill or before. */
  expire(): Promise<void> {
    return this.replica.stop();
  }

  private async unlessDead<T>(work: Promise<T>): Promise<T> {
    this.underWay += 1;
    try {
      const result = await work;
      return this.isDead ? await new Promise<never>(() => undefined) : result;
    } finally {
      this.underWay -= 1;
    }
  }
}

/** A proxy that has `GOOD` in full for an hour, on a replica of its own. */
class World {
  private static streams = 0;
  readonly replicas: KillableReplica[] = [];
  private readonly assignments: Assignments;
  private readonly reader = new ProxyProgressReader();
  private processes = 0;
  private identity!: ProxyIdentity;
  private envoy: ModelEnvoy;
  private link!: ModelLink;

  constructor(
    private readonly test: TestDatabase,
    private readonly database: Database,
    private readonly fleet: Fleet,
    private readonly variant: Variant,
  ) {
    const doorbell = new Doorbell(database);
    this.assignments = new Assignments(doorbell, new Quarantines(database, doorbell));
    this.envoy = this.start();
  }

  async begin(): Promise<this> {
    const proxyId = await this.fleet.addProxy();
    const { tenantId } = this.fleet;
    this.identity = { tenantId, proxyId, nodeId: 'n', credentialId: newId(), credentialEpoch: 0 };
    await this.kill();
    await this.assign(GOOD);
    await this.quieten();
    await this.test.sql(
      "update proxy_assignments set good_at = good_at - interval '1 hour', assigned_at = assigned_at - interval '1 hour' where proxy_id = $1",
      [proxyId],
    );
    return this;
  }

  assign({ hash }: CompiledSnapshot): Promise<unknown> {
    return this.database.tenant(this.fleet.ctx, (tx) =>
      this.assignments.set(tx, this.fleet.ctx, [
        { proxyId: this.identity.proxyId, snapshotHash: hash, versionId: null },
      ]),
    );
  }

  /** Kills the replica, if there is one. The proxy goes to a new one. */
  async kill(): Promise<void> {
    this.replicas.at(-1)?.kill();
    this.replicas.push(await new KillableReplica(this.database, this.identity).start());
    this.open();
  }

  /** Another process of the proxy; the replica sees the end of the one before. */
  restart(): void {
    this.envoy = this.start();
    this.link.end();
    this.open();
  }

  look = (): Promise<void> => this.replica.look();
  flush = (): Promise<void> => this.replica.ledger.flush();
  hold = (): Promise<void> => this.replica.holdRefused();
  async up(): Promise<void> {
    while (this.link.deliverUp());
    await this.replica.settled();
  }
  down = (): void => void this.link.deliverDown();
  /** All frames in both directions, with nothing written. */
  async exchange(): Promise<void> {
    do await this.up();
    while (this.link.deliverDown());
  }

  async quieten(): Promise<void> {
    for (let round = 0; round < 50; round++) {
      await this.look();
      await this.exchange();
      const isBusy = this.replica.refused.size + this.replica.ledger.backlog > 0;
      await this.hold();
      await this.flush();
      if (!isBusy) return;
    }
    throw new Error('it never becomes quiet');
  }

  async outcome(): Promise<{ readonly held: readonly string[]; readonly has: string }> {
    const { proxyId, tenantId } = this.identity;
    const held = await this.fleet.query<{ hash: string; reason: string }>(
      'select snapshot_hash as hash, reason from proxy_quarantines where proxy_id = $1 and held',
      [proxyId],
    );
    const progress = await this.database.tenant(this.fleet.ctx, (tx) => this.reader.read(tx, tenantId, [proxyId]));
    return {
      held: held.map(({ hash, reason }) => `${nameOf(hash)} ${reason}`),
      has: nameOf(progress.get(proxyId)?.convergedHash ?? ''),
    };
  }

  has = (content: CompiledSnapshot): string[] => differences(this.envoy, content, MODEL_KINDS);

  async isHeld(): Promise<boolean> {
    return (await this.fleet.query('select 1 from proxy_quarantines where held')).length > 0;
  }

  async end(): Promise<void> {
    for (const replica of this.replicas) {
      replica.kill();
      await replica.expire();
    }
  }

  private get replica(): KillableReplica {
    const replica = this.replicas.at(-1);
    if (!replica) throw new Error('there is no replica');
    return replica;
  }

  private start(): ModelEnvoy {
    return new ModelEnvoy(this.variant, `boot ${++this.processes}`, { isBusy: false }, null, 'answers');
  }

  private open(): void {
    const watcher = { sent: () => undefined, converged: () => undefined, frozen: () => undefined };
    this.link = new ModelLink(this.replica, this.envoy, ++World.streams, watcher);
  }
}

const nameOf = (hash: string): string =>
  Object.entries({ GOOD, BAD, NEXT }).find(([, snapshot]) => snapshot.hash === hash)?.[0] ?? hash;

type Step = (world: World) => unknown;
const { look, flush, hold, up, down, exchange, restart } = {
  look: (world: World) => world.look(),
  flush: (world: World) => world.flush(),
  hold: (world: World) => world.hold(),
  up: (world: World) => world.up(),
  down: (world: World) => world.down(),
  exchange: (world: World) => world.exchange(),
  restart: (world: World) => world.restart(),
};
const assign =
  (content: CompiledSnapshot): Step =>
  (world) =>
    world.assign(content);

/** Each step is one after which a kill loses something else: what was sent, answered, acknowledged, refused, seen, or offered again. */
const REFUSED: readonly Step[] = [
  ...[assign(BAD), look, flush, up, down, up, flush, hold, look, down, up, flush, exchange, flush],
  ...[restart, up, look, down, up, hold, flush, look, exchange],
];
/** Another process, before anything new is sent, and a crash. */
const RESTARTED: readonly Step[] = [restart, assign(NEXT), up, look, down, flush, up, restart, up, look, exchange];
/** What is refused is taken back, whether anybody knows of the refusal or not. */
const BACK: readonly Step[] = [assign(BAD), look, flush, down, up, flush, assign(GOOD), look, down, up, flush];
/** Of a process that has a part of what it is sent. */
const CRASH: readonly Step[] = [look, up, down, flush, restart, flush, up];

describe.each<Variant>(['delta', 'sotw'])('a kill of EFMS between any two steps, over %s', (variant) => {
  let test: TestDatabase;
  let database: Database;
  let world: World;

  beforeAll(async () => {
    Logger.overrideLogger(false);
    test = await createTestDatabase();
    database = await test.open();
  });
  afterAll(async () => {
    await test.drop();
    Logger.overrideLogger(['log', 'warn', 'error']);
  });

  /** Plays the steps, with a kill before those of the given places, and what comes of it. */
  async function play(
    steps: readonly Step[],
    kills: readonly number[],
    then: (w: World) => Promise<void>,
  ): Promise<void> {
    const fleet = await new Fleet(database).create();
    await database.tenant(fleet.ctx, async (tx) => {
      for (const one of [GOOD, BAD, NEXT])
        await new SnapshotStore(database).save(tx, fleet.tenantId, storableSnapshot(readingOf(one)));
    });
    world = await new World(test, database, fleet, variant).begin();
    try {
      for (const [at, step] of steps.entries()) {
        if (kills.includes(at)) await world.kill();
        await step(world);
      }
      await then(world);
    } finally {
      await world.end();
    }
  }

  it('holds back what is refused and nothing else, and has the proxy go back in full', async () => {
    for (const at of [-1, ...REFUSED.keys()]) {
      await play(REFUSED, [at], async () => {
        await world.quieten();
        expect([at, await world.outcome(), world.has(GOOD)]).toEqual([at, { held: ['BAD nack'], has: 'GOOD' }, []]);
      });
    }
  }, 300_000);

  it('has a proxy that is sent back have all of it, before that is said of it', async () => {
    for (const at of BACK.keys()) {
      await play(BACK, [at], async () => {
        const early = await world.outcome();
        if (early.has === 'GOOD') expect([at, world.has(GOOD)]).toEqual([at, []]);
        await world.quieten();
        const outcome = await world.outcome();
        expect([at, outcome, world.has(GOOD)]).toMatchObject([at, { has: 'GOOD' }, []]);
        expect([[], ['BAD nack']]).toContainEqual(outcome.held);
      });
    }
  }, 300_000);

  it('does not make one crash look like a crash loop', async () => {
    const all = [...RESTARTED.keys()];
    for (const kills of [...all.map((at) => [at]), all.filter((at) => at % 2 === 0), all]) {
      await play(RESTARTED, kills, async () => {
        await world.quieten();
        expect([kills, await world.outcome(), world.has(NEXT)]).toEqual([kills, { held: [], has: 'NEXT' }, []]);
      });
    }
  }, 300_000);

  it('lets a crash loop begin anew at the most, and holds back nothing else', async () => {
    const steps = [assign(NEXT), ...CRASH, ...CRASH];
    for (const at of [-1, ...steps.keys()]) {
      await play(steps, [at], async () => {
        if (!(await world.isHeld())) for (const step of [...CRASH, ...CRASH]) await step(world);
        await world.quieten();
        expect([at, await world.outcome(), world.has(GOOD)]).toEqual([
          at,
          { held: ['NEXT crash_loop'], has: 'GOOD' },
          [],
        ]);
      });
    }
  }, 300_000);
});

function readingOf(snapshot: CompiledSnapshot) {
  const all = MODEL_KINDS.flatMap((kind) => [...snapshot.resources(kind).values()]);
  return { hash: snapshot.hash, resources: all.map((one) => ({ ...one, json: {}, references: [] })) };
}
