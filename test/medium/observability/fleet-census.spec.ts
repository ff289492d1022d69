import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Clock } from '../../../src/common/clock/clock.js';
import { newId } from '../../../src/common/context/ids.js';
import type { Database } from '../../../src/common/database/database.js';
import { FleetCensus } from '../../../src/observability/services/fleet-census.js';
import { SnapshotStore } from '../../../src/xds/index.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';
import { eventually } from '../../kit/eventually.js';
import { Fleet, readingOf } from '../xds/fleet.js';
import { storableSnapshot } from '../../../src/xds/snapshots/storable-snapshot.js';

class SetClock extends Clock {
  time = 0;
  now = () => this.time;
  monotonic = () => this.time;
}

describe('the count of the fleet', () => {
  let test: TestDatabase;
  let database: Database;
  let fleet: Fleet;
  const [h1, h2] = [readingOf(['a']), readingOf(['a', 'b'])];

  beforeAll(async () => {
    test = await createTestDatabase();
    database = await test.open();
    fleet = await new Fleet(database).create();
    const store = new SnapshotStore(database);
    await fleet.transaction(async (tx) => {
      for (const reading of [h1, h2]) await store.save(tx, fleet.tenantId, storableSnapshot(reading));
    });
  });
  afterAll(() => test.drop());

  async function proxy(connection: string, management = 'managed'): Promise<string> {
    const id = await fleet.addProxy();
    await test.sql('update proxy_status set connection = $2, management = $3 where proxy_id = $1', [
      id,
      connection,
      management,
    ]);
    return id;
  }
  const stream = (proxyId: string, serving: string, converged: string | null, endedAt: Date | null = null) =>
    test.sql(
      `insert into xds_streams (tenant_id, id, proxy_id, replica, variant, peer, node_id, connected_at, ended_at, serving_hash, converged_hash)
       values ($1, $2, $3, 'one', 'delta', '127.0.0.1:1', 'n', now(), $4, $5, $6)`,
      [fleet.tenantId, newId(), proxyId, endedAt, serving, converged],
    );
  async function held(assigned: string, refused: string): Promise<void> {
    const proxyId = await proxy('disconnected');
    await test.sql(
      `insert into proxy_assignments (tenant_id, proxy_id, snapshot_hash, assigned_by_kind, assigned_by_name) values ($1, $2, $3, 'system', 'x')`,
      [fleet.tenantId, proxyId, assigned],
    );
    await test.sql(
      `insert into proxy_quarantines (tenant_id, proxy_id, snapshot_hash, reason, cause) values ($1, $2, $3, 'crash_loop', 'content')`,
      [fleet.tenantId, proxyId, refused],
    );
  }
  const deployment = (status: string, minutes: number) =>
    test.sql(
      `insert into configuration_deployments (tenant_id, id, configuration_name, version_number, snapshot_hash, deployment_strategy,
         timeout_seconds, disconnected, status, created_by_kind, created_by_name, created_at)
       values ($1, $2, 'c', 1, 'h', 'immediate', 60, 'skip', $3, 'system', 'x', now() - $4 * interval '1 minute')`,
      [fleet.tenantId, newId(), status, minutes],
    );

  it('knows nothing where there is nothing', async () => {
    const empty = new Map([
      ['connected', 0],
      ['disconnected', 0],
      ['never_seen', 0],
    ]);
    expect(await new FleetCensus(database, new SetClock()).count()).toMatchObject({
      proxies: empty,
      converged: 0,
      oldestDeployment: 0,
    });
  });

  it('tells proxies by their connection, and those that need somebody', async () => {
    const [full, behind] = [await proxy('connected'), await proxy('connected')];
    await proxy('connected', 'frozen');
    await proxy('disconnected', 'unmanaged');
    // Two streams of one proxy are one proxy, and what has ended is none.
    for (const hash of [h1.hash, h2.hash]) await stream(full, hash, hash);
    await stream(behind, h2.hash, h1.hash);
    await stream(behind, h2.hash, h2.hash, new Date());
    // One is held back what it is assigned, the other something from before.
    await held(h1.hash, h1.hash);
    await held(h1.hash, h2.hash);
    await deployment('running', 30);
    await deployment('pending', 10);
    await deployment('halted', 300);

    const census = await new FleetCensus(database, new SetClock()).count();
    const tally = (of: ReadonlyMap<string, number>) => Object.fromEntries(of);
    expect(tally(census.proxies)).toEqual({ connected: 3, disconnected: 3, never_seen: 0 });
    expect(tally(census.unserved)).toEqual({ unmanaged: 0, frozen: 1 });
    expect(census.converged).toBe(1);
    expect(tally(census.quarantined)).toEqual({ nack: 0, crash_loop: 1 });
    expect(tally(census.deployments)).toEqual({ pending: 1, running: 1 });
    expect(Math.round(census.oldestDeployment / 60)).toBe(30);
    expect(census.auditLag).toBeGreaterThanOrEqual(0);
  });

  it('is told by one replica alone, and not for longer than it is true', async () => {
    const clock = new SetClock();
    const [one, two] = [new FleetCensus(database, clock, 10), new FleetCensus(database, clock, 10)];
    one.onApplicationBootstrap();
    await eventually('a count', () => one.newest);
    two.onApplicationBootstrap();
    clock.time = 39;
    expect(one.newest).toBeDefined();
    await one.beforeApplicationShutdown();
    await eventually('a count by the other', () => two.newest);
    await two.beforeApplicationShutdown();
    clock.time += 40;
    expect([one.newest, two.newest]).toEqual([undefined, undefined]);
  });
});
