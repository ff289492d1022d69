import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { type Lease, LeaseLost, Leases } from '../../../src/common/database/leases.js';
import { ENGINE_LEASE, type DeploymentEngine } from '../../../src/deployments/services/deployment-engine.js';
import { DeploymentSteps } from '../../../src/deployments/services/deployment-steps.js';
import { hold } from '../../../src/xds/assignments/quarantine-rows.js';
import type { HeldAssignment } from '../../../src/xds/index.js';
import { problemOf } from '../versioning/fixture.js';
import {
  CONNECTED,
  createDeploymentsFixture,
  createFleet,
  type DeploymentsFixture,
  eventually,
  type Fleet,
  ScriptedProgress,
  tickUntil,
} from './fixture.js';

let fixture: DeploymentsFixture;
beforeAll(async () => {
  Logger.overrideLogger(false);
  fixture = await createDeploymentsFixture();
});
afterAll(() => fixture.close());
beforeEach(async () => {
  await fixture.test.sql(`update leases set expires_at = '-infinity'`);
  await fixture.test.sql(`update configuration_deployment_targets set active = false`);
  await fixture.test.sql(
    `update configuration_deployments set status = 'aborted' where status in ('pending', 'running')`,
  );
});

const start = (fleet: Fleet, changes?: Parameters<Fleet['request']>[0]) =>
  fixture.deployments.start(fleet.ctx, fleet.request(changes));
const read = (fleet: Fleet, id: string) => fixture.reader.get(fleet.ctx, id, { limit: 50 });
const isIn =
  (fleet: Fleet, id: string, ...statuses: string[]) =>
  async () =>
    statuses.includes((await read(fleet, id)).status);
const kinds = async (fleet: Fleet, id: string) => (await read(fleet, id)).timeline.map(({ kind }) => kind);
const converge = (fleet: Fleet, version: number) => {
  for (const { id } of fleet.proxies) fixture.progress.report(id, { convergedHash: fleet.hashes[version]! });
};

/** Notes every assignment that is written, so that one that is written twice shows. */
async function recordAssignments() {
  await fixture.test.sql(`
    create table if not exists assignment_log (proxy_id uuid, snapshot_hash text);
    grant insert on assignment_log to efms_app;
    create or replace function log_assignment() returns trigger language plpgsql as $$
      begin insert into public.assignment_log values (new.proxy_id, new.snapshot_hash); return null; end $$;
    create or replace trigger log_assignment after insert or update on proxy_assignments for each row execute function log_assignment();
    truncate assignment_log`);
}

const refused = (hash: string): HeldAssignment => ({
  hash,
  reason: 'nack',
  kind: 'listener',
  code: 13,
  message: 'cannot bind',
  at: new Date(),
  retryAt: null,
  insteadHash: null,
});

describe('the deployment engine', () => {
  it('assigns every target, waits for convergence and succeeds', async () => {
    const fleet = await createFleet(fixture, 3);
    const id = await start(fleet);
    const engine = fixture.newEngine();
    for (const proxy of fleet.proxies) fixture.progress.report(proxy.id, CONNECTED);
    await engine.tick();
    expect(await read(fleet, id)).toMatchObject({ status: 'running', progress: { successful: 0 } });
    const current = await fixture.database.tenant(fleet.ctx, (tx) =>
      fixture.assignments.current(
        tx,
        fleet.ctx.tenantId,
        fleet.proxies.map((proxy) => proxy.id),
      ),
    );
    expect([...current.values()].map(({ snapshotHash }) => snapshotHash)).toEqual(
      fleet.proxies.map(() => fleet.hashes[1]),
    );
    fixture.progress.report(fleet.proxies[0]!.id, { convergedHash: fleet.hashes[1]! });
    await engine.tick();
    expect(await read(fleet, id)).toMatchObject({ status: 'running', progress: { successful: 1 } });
    converge(fleet, 1);
    await engine.tick();
    const done = await read(fleet, id);
    expect(done).toMatchObject({ status: 'succeeded', progress: { total: 3, successful: 3, failed: 0 } });
    expect(done.completedAt).not.toBeNull();
    expect(await kinds(fleet, id)).toEqual(['created', 'started', 'assigned', 'succeeded']);
    const events = await fixture.test.sql<{ type: string }>(
      'select type from outbox_events where subject_id = $1 order by xid, id',
      [id],
    );
    expect(events.map(({ type }) => type)).toEqual(['deployment.started', 'deployment.succeeded']);
    const [step] = await fixture.test.sql('select step_type, status from rollout_steps where deployment_id = $1', [id]);
    expect(step).toEqual({ step_type: 'percentage', status: 'succeeded' });
  });

  it('lets targets succeed at once that have the content already, and frees the proxies', async () => {
    const fleet = await createFleet(fixture, 1);
    converge(fleet, 1);
    const engine = fixture.newEngine();
    for (let i = 0; i < 2; i += 1) {
      const id = await start(fleet);
      await engine.tick();
      expect((await read(fleet, id)).status).toBe('succeeded');
    }
  });

  it('fails a target with the words of Envoy, and halts', async () => {
    const fleet = await createFleet(fixture, 2);
    const [good, bad] = fleet.proxies;
    fixture.progress.report(good!.id, { convergedHash: fleet.hashes[2]! });
    fixture.progress.report(bad!.id, CONNECTED);
    const id = await start(fleet, { version: 2 });
    const engine = fixture.newEngine();
    await engine.tick();
    fixture.progress.report(bad!.id, { held: refused(fleet.hashes[2]!) });
    await engine.tick();
    expect(await read(fleet, id)).toMatchObject({
      status: 'halted',
      progress: { total: 2, successful: 1, failed: 1 },
      targets: {
        items: [
          { status: 'succeeded' },
          { status: 'failed', reason: 'nack', message: 'Envoy refused listener (code 13): cannot bind' },
        ],
      },
    });
    expect(await kinds(fleet, id)).toEqual(['created', 'started', 'assigned', 'target.failed', 'halted']);
    const [event] = await fixture.test.sql(
      `select payload from outbox_events where subject_id = $1 and type = 'deployment.target.failed'`,
      [id],
    );
    expect(event).toMatchObject({
      payload: { proxy: bad!.name, message: 'Envoy refused listener (code 13): cannot bind' },
    });

    // A halted deployment holds no proxy, and what was held back then does not fail the next attempt.
    fixture.progress.report(bad!.id, { held: null });
    await start(fleet, { version: 1 });
    converge(fleet, 1);
    await engine.tick();
    const again = await start(fleet, { version: 2 });
    await engine.tick();
    expect((await read(fleet, again)).status).toBe('running');
    converge(fleet, 2);
    await engine.tick();
    expect((await read(fleet, again)).status).toBe('succeeded');
    await fixture.deployments.abort(fleet.ctx, id);
    expect((await read(fleet, id)).status).toBe('aborted');
  });

  it('has the same content offered again where it was refused before, and waits for the new answer', async () => {
    const fleet = await createFleet(fixture, 1);
    const [proxy] = fleet.proxies;
    const engine = fixture.newEngine();
    fixture.progress.report(proxy!.id, CONNECTED);
    const snapshotHash = fleet.hashes[1]!;
    const held = { tenantId: fleet.ctx.tenantId, proxyId: proxy!.id, snapshotHash, reason: 'nack' as const };
    const refuse = () =>
      fixture.database.system((tx) =>
        hold(tx, [
          { ...held, cause: 'content', refusal: null, bootId: null, envoyVersion: null, at: performance.now() },
        ]),
      );
    const isHeld = async () =>
      (await fixture.test.sql<{ held: boolean }>('select held from proxy_quarantines'))[0]?.held;
    for (let i = 0; i < 2; i++) {
      await refuse();
      expect(await isHeld()).toBe(true);
      const id = await start(fleet);
      await engine.tick();
      expect((await read(fleet, id)).status).toBe('running');
      expect(await isHeld()).toBe(false);
      await fixture.deployments.abort(fleet.ctx, id);
    }
    const id = await start(fleet);
    await engine.tick();
    fixture.progress.report(proxy!.id, { held: refused(snapshotHash) });
    await engine.tick();
    expect((await read(fleet, id)).status).toBe('halted');
  });

  it('counts connected time only', async () => {
    const fleet = await createFleet(fixture, 1);
    const [proxy] = fleet.proxies;
    const id = await start(fleet, { timeout: '1m' });
    const engine = fixture.newEngine();
    const backdate = (seconds: number) =>
      fixture.test.sql(
        `with d as (update configuration_deployments set judged_at = judged_at - $2 * interval '1 s' where id = $1)
         update configuration_deployment_targets set assigned_at = assigned_at - $2 * interval '1 s',
                connected_from = connected_from - $2 * interval '1 s' where deployment_id = $1`,
        [id, seconds],
      );
    fixture.progress.report(proxy!.id, { ...CONNECTED, connected: false, connectedSince: null });
    await engine.tick();
    await backdate(3600);
    await engine.tick();
    expect((await read(fleet, id)).status).toBe('running');
    fixture.progress.report(proxy!.id, { connected: true, connectedSince: new Date() });
    await engine.tick();
    await backdate(40);
    fixture.progress.report(proxy!.id, { connectedSince: new Date(Date.now() - 40_000) });
    await engine.tick();
    expect((await read(fleet, id)).status).toBe('running');
    await backdate(30);
    fixture.progress.report(proxy!.id, { connectedSince: new Date(Date.now() - 80_000) });
    await engine.tick();
    expect(await read(fleet, id)).toMatchObject({ status: 'halted', targets: { items: [{ reason: 'timeout' }] } });
  });

  it('skips proxies that are away where that was asked for; they get the version all the same', async () => {
    const fleet = await createFleet(fixture, 2);
    const [here, away] = fleet.proxies;
    fixture.progress.report(here!.id, { convergedHash: fleet.hashes[1]! });
    const id = await start(fleet, { disconnected: 'skip' });
    await fixture.newEngine().tick();
    const done = await read(fleet, id);
    expect(done).toMatchObject({ status: 'succeeded', progress: { total: 2, successful: 1, failed: 0 } });
    expect(done.targets.items[1]).toMatchObject({
      proxy: { name: away!.name },
      status: 'skipped',
      reason: 'disconnected',
    });
    const current = await fixture.database.tenant(fleet.ctx, (tx) =>
      fixture.assignments.current(tx, fleet.ctx.tenantId, [away!.id]),
    );
    expect(current.get(away!.id)?.snapshotHash).toBe(fleet.hashes[1]);
  });

  it('keeps a proxy from being deleted while it moves it, and keeps the name of one that is deleted later', async () => {
    const fleet = await createFleet(fixture, 1);
    const id = await start(fleet);
    const engine = fixture.newEngine();
    await engine.tick();
    const remove = () =>
      fixture.database.tenant(fleet.ctx, (tx) =>
        tx.query('delete from envoy_proxies where id = $1', [fleet.proxies[0]!.id]),
      );
    await expect(remove()).rejects.toMatchObject({ code: '23503' });
    await fixture.deployments.abort(fleet.ctx, id);
    await engine.tick();
    await remove();
    expect(await read(fleet, id)).toMatchObject({
      status: 'aborted',
      targets: { items: [{ proxy: { id: null, name: 'edge-1' }, status: 'skipped' }] },
    });
  });

  it('stops what is aborted, and says which state an abort does not fit', async () => {
    const fleet = await createFleet(fixture, 2);
    const id = await start(fleet);
    const engine = fixture.newEngine();
    await engine.tick();
    await fixture.deployments.abort(fleet.ctx, id);
    converge(fleet, 1);
    await engine.tick();
    const done = await read(fleet, id);
    expect(done.status).toBe('aborted');
    expect(done.targets.items.map(({ status, reason }) => [status, reason])).toEqual([
      ['skipped', 'aborted'],
      ['skipped', 'aborted'],
    ]);
    expect(await problemOf(fixture.deployments.abort(fleet.ctx, id))).toMatchObject({
      code: 'wrong-state',
      status: 409,
      extensions: { state: 'aborted' },
    });
    await start(fleet);
  });

  it('carries on the others when one deployment cannot be', async () => {
    const broken = await createFleet(fixture, 1);
    const fine = await createFleet(fixture, 1);
    const first = await start(broken);
    const second = await start(fine);
    class Failing extends DeploymentSteps {
      override advance(...args: Parameters<DeploymentSteps['advance']>) {
        return args[1].id === first ? Promise.reject(new Error('injected')) : super.advance(...args);
      }
    }
    converge(fine, 1);
    await fixture.newEngine({}, new Failing(fixture.database, fixture.assignments, fixture.progress)).tick();
    expect((await read(fine, second)).status).toBe('succeeded');
    expect((await read(broken, first)).status).toBe('pending');
  });
});

describe('two engines on one database', () => {
  it('work one at a time, and the other finishes what a killed one began', async () => {
    const fleet = await createFleet(fixture, 5);
    const id = await start(fleet);
    const killed = fixture.newEngine({ leaseTtl: 60_000 });
    await killed.tick();
    expect((await read(fleet, id)).status).toBe('running');
    converge(fleet, 1);
    const other = fixture.newEngine();
    await other.tick();
    expect((await read(fleet, id)).status).toBe('running');
    await fixture.test.sql("update leases set expires_at = '-infinity' where name = $1", [ENGINE_LEASE]);
    await tickUntil(other, isIn(fleet, id, 'succeeded'));
    expect((await kinds(fleet, id)).filter((kind) => kind === 'assigned')).toHaveLength(1);
  });

  it('do not wait for one that stands still in the middle of a step', async () => {
    const fleet = await createFleet(fixture, 1);
    const id = await start(fleet);
    let carryOn = (): void => undefined;
    const standstill = new Promise<void>((resolve) => (carryOn = resolve));
    class Hanging extends ScriptedProgress {
      override async read(...args: Parameters<ScriptedProgress['read']>) {
        await standstill;
        return super.read(...args);
      }
    }
    const steps = new DeploymentSteps(fixture.database, fixture.assignments, new Hanging());
    const hanging = fixture.newEngine({ leaseTtl: 400 }, steps).tick();
    await eventually(isIn(fleet, id, 'running'));
    converge(fleet, 1);
    await tickUntil(fixture.newEngine({ leaseTtl: 400 }), isIn(fleet, id, 'succeeded'));
    carryOn();
    await hanging;
    expect((await kinds(fleet, id)).filter((kind) => kind === 'assigned')).toHaveLength(1);
  });

  it('change nothing after their lease has gone to another', async () => {
    const fleet = await createFleet(fixture, 2);
    const id = await start(fleet);
    const leases = new Leases(fixture.database);
    const stale = (await leases.acquire(ENGINE_LEASE, 'stale', 60_000)) as Lease;
    await leases.release(stale);
    const holder = (await leases.acquire(ENGINE_LEASE, 'holder', 60_000)) as Lease;
    expect(holder.epoch).toBeGreaterThan(stale.epoch);
    const ref = { tenantId: fleet.ctx.tenantId, id };
    const before = await read(fleet, id);
    await expect(fixture.steps.advance(stale, ref)).rejects.toBeInstanceOf(LeaseLost);
    expect(await read(fleet, id)).toEqual(before);
    expect(await fixture.steps.advance(holder, ref)).toBe('again');
    const running = await read(fleet, id);
    await expect(fixture.steps.advance(stale, ref)).rejects.toBeInstanceOf(LeaseLost);
    expect(await read(fleet, id)).toEqual(running);
    await leases.release(holder);
  });

  it('hand over at once when one stops, and work by themselves', async () => {
    const fleet = await createFleet(fixture, 2);
    const first = fixture.newEngine({ leaseTtl: 60_000 });
    const second = fixture.newEngine({ leaseTtl: 60_000 });
    const engines: DeploymentEngine[] = [first, second];
    for (const engine of engines) engine.onApplicationBootstrap();
    const id = await start(fleet);
    await eventually(isIn(fleet, id, 'running'));
    await first.beforeApplicationShutdown();
    converge(fleet, 1);
    fixture.signal.emit([]);
    await eventually(isIn(fleet, id, 'succeeded'));
    await second.beforeApplicationShutdown();
    const [lease] = await fixture.test.sql<{ free: boolean }>(
      'select expires_at < now() as free from leases where name = $1',
      [ENGINE_LEASE],
    );
    expect(lease).toEqual({ free: true });
  });

  it('assign each proxy exactly once, wherever one of them stops', async () => {
    await recordAssignments();
    const leases = new Leases(fixture.database);
    // Stops before its n-th transaction, or in it right before COMMIT.
    for (const when of ['before', 'in'] as const) {
      for (let n = 1; n <= 5; n += 1) {
        const fleet = await createFleet(fixture, 3);
        const id = await start(fleet);
        const ref = { tenantId: fleet.ctx.tenantId, id };
        let transactions = 0;
        const crashing = Object.create(fixture.database) as typeof fixture.database;
        crashing.tenant = (scope, work) =>
          fixture.database.tenant(scope, async (tx) => {
            transactions += 1;
            if (when === 'before' && transactions === n) throw new Error('crash');
            const result = await work(tx);
            if (transactions === n) throw new Error('crash');
            return result;
          });
        const steps = new DeploymentSteps(crashing, fixture.assignments, fixture.progress);
        const first = (await leases.acquire(ENGINE_LEASE, `first-${when}-${n}`, 60_000)) as Lease;
        converge(fleet, 1);
        const crash = (async () => {
          while ((await steps.advance(first, ref)) === 'again');
        })();
        await crash.catch((error: unknown) => expect(error).toMatchObject({ message: 'crash' }));
        await leases.release(first);
        const second = (await leases.acquire(ENGINE_LEASE, `second-${when}-${n}`, 60_000)) as Lease;
        while ((await fixture.steps.advance(second, ref)) === 'again');
        await leases.release(second);
        expect(await read(fleet, id)).toMatchObject({ status: 'succeeded', progress: { total: 3, successful: 3 } });
        expect(await kinds(fleet, id)).toEqual(['created', 'started', 'assigned', 'succeeded']);
      }
    }
    const counts = await fixture.test.sql<{ times: number; proxies: number }>(
      `select times::integer, count(*)::integer as proxies from (select count(*) as times from assignment_log group by proxy_id) c group by times`,
    );
    expect(counts).toEqual([{ times: 1, proxies: 30 }]);
    await fixture.test.sql('drop trigger log_assignment on proxy_assignments');
  });
});
