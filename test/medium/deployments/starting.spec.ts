import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../../src/common/context/ids.js';
import { createTenant, problemOf } from '../versioning/fixture.js';
import { createDeploymentsFixture, createFleet, type DeploymentsFixture, type Fleet } from './fixture.js';

let fixture: DeploymentsFixture;
beforeAll(async () => {
  fixture = await createDeploymentsFixture();
});
afterAll(() => fixture.close());

const start = (fleet: Fleet, changes?: Parameters<Fleet['request']>[0]) =>
  fixture.deployments.start(fleet.ctx, fleet.request(changes));
const read = (fleet: Fleet, id: string) => fixture.reader.get(fleet.ctx, id, { limit: 50 });
const refusal = async (fleet: Fleet, changes: Parameters<Fleet['request']>[0]) => {
  const { status, errors } = await problemOf(start(fleet, changes));
  return {
    status,
    errors: (errors as { pointer: string; rule: string }[]).map(({ pointer, rule }) => [pointer, rule]),
  };
};

interface NewGroup {
  readonly members?: readonly string[];
  readonly parent?: string;
  readonly inactive?: boolean;
}

async function makeGroups({ ctx }: Fleet, groups: Readonly<Record<string, NewGroup>>): Promise<void> {
  await fixture.database.tenant(ctx, async (tx) => {
    for (const [name, { members = [], parent, inactive = false }] of Object.entries(groups)) {
      await tx.query(
        `with made as (
           insert into proxy_groups (tenant_id, id, name, is_active, parent_id)
           values ($1, $2, $3, $4, (select id from proxy_groups where name = $5)) returning id)
         insert into proxy_group_members (tenant_id, proxy_group_id, envoy_proxy_id, source)
         select $1, made.id, member, 'static' from made, unnest($6::uuid[]) as member`,
        [ctx.tenantId, newId(), name, !inactive, parent ?? null, members],
      );
    }
  });
}

describe('starting a deployment', () => {
  it('resolves the targets and waits for the engine', async () => {
    const fleet = await createFleet(fixture, 2);
    const id = await start(fleet, { timeout: '1h30m', disconnected: 'skip', notes: 'first' });
    expect(await read(fleet, id)).toMatchObject({
      status: 'pending',
      configuration: { name: 'edge' },
      version: { number: 1 },
      strategy: { type: 'immediate' },
      timeout: '1h30m',
      disconnected: 'skip',
      notes: 'first',
      progress: { total: 2, successful: 0, failed: 0 },
      createdBy: { name: 'tester' },
      targets: {
        items: [{ proxy: { name: 'edge-1' }, status: 'pending' }, { proxy: { name: 'edge-2' } }],
        nextCursor: null,
      },
      timeline: [{ kind: 'created' }],
    });
    const audited = await fixture.test.sql('select action from audit_logs where resource_id = $1', [id]);
    expect(audited).toEqual([{ action: 'start' }]);
  });

  it('takes a proxy that is named twice once', async () => {
    const fleet = await createFleet(fixture, 1);
    const [proxy] = fleet.proxies;
    const id = await start(fleet, { targets: { proxies: ['name:edge-1', proxy!.id] } });
    expect((await read(fleet, id)).progress.total).toBe(1);
  });

  it('refuses what it does not know, each with its place', async () => {
    const fleet = await createFleet(fixture, 1);
    expect(await refusal(fleet, { targets: { proxies: ['name:edge-1', 'name:none', newId()] } })).toEqual({
      status: 422,
      errors: [
        ['/targets/proxies/1', 'reference.proxy'],
        ['/targets/proxies/2', 'reference.proxy'],
      ],
    });
    expect((await refusal(fleet, { configuration: 'name:none' })).errors).toEqual([
      ['/configuration', 'reference.configuration'],
    ]);
    expect((await refusal(fleet, { version: 3 })).errors).toEqual([['/version', 'reference.version']]);
  });

  it('names everything that cannot be read at once', async () => {
    const fleet = await createFleet(fixture, 1);
    const request = {
      configuration: 'edge',
      targets: { proxies: [] },
      strategy: { type: 'canary' },
      timeout: '5 minutes',
    };
    expect((await refusal(fleet, request)).errors).toEqual([
      ['/configuration', 'deployment.address'],
      ['/targets', 'deployment.no-targets'],
      ['/strategy/type', 'deployment.strategy'],
      ['/timeout', 'deployment.timeout'],
    ]);
    for (const timeout of ['0', '500ms', '1.5s', '169h']) {
      expect((await refusal(fleet, { timeout })).errors).toEqual([['/timeout', 'deployment.timeout']]);
    }
  });

  it('refuses a version that has not passed validation, and the version of another tenant', async () => {
    const fleet = await createFleet(fixture, 1);
    await fixture.database.tenant(fleet.ctx, (tx) =>
      tx.query(`update configuration_versions set validation_status = 'pending' where version_number = 2`),
    );
    expect((await refusal(fleet, { version: 2 })).errors).toEqual([['/version', 'deployment.version-not-passed']]);
    const stranger = { ...fleet, ctx: await createTenant(fixture.test) };
    expect((await refusal(stranger, {})).errors).toEqual([
      ['/configuration', 'reference.configuration'],
      ['/targets/proxies/0', 'reference.proxy'],
    ]);
  });

  it('takes groups with the groups under them, beside proxies, each proxy once', async () => {
    const fleet = await createFleet(fixture, 4);
    const [one, two, three] = fleet.proxies;
    await makeGroups(fleet, { above: { members: [one!.id] }, below: { members: [one!.id, two!.id], parent: 'above' } });
    const id = await start(fleet, { targets: { groups: ['name:above', 'name:below'], proxies: [three!.id] } });
    const { targets } = await read(fleet, id);
    expect(targets.items.map(({ proxy }) => proxy.name)).toEqual(['edge-1', 'edge-2', 'edge-3']);
  });

  it('refuses groups that it does not know, that are not active, or that nobody belongs to', async () => {
    const fleet = await createFleet(fixture, 1);
    await makeGroups(fleet, { empty: {}, retired: { members: [fleet.proxies[0]!.id], inactive: true } });
    expect(await refusal(fleet, { targets: { groups: ['name:empty', 'name:none', 'name:retired'] } })).toEqual({
      status: 422,
      errors: [
        ['/targets/groups/1', 'reference.proxy-group'],
        ['/targets/groups/2', 'group.inactive'],
      ],
    });
    expect((await refusal(fleet, { targets: { groups: ['name:empty'] } })).errors).toEqual([
      ['/targets/groups', 'deployment.no-targets'],
    ]);
    const stranger = { ...fleet, ctx: await createTenant(fixture.test) };
    expect((await refusal(stranger, { targets: { groups: ['name:empty'] } })).errors).toContainEqual([
      '/targets/groups/0',
      'reference.proxy-group',
    ]);
  });

  it('lets exactly one of two at once have a proxy, and names it to the other', async () => {
    const fleet = await createFleet(fixture, 4);
    const results = await Promise.allSettled([
      start(fleet, { targets: { proxies: ['name:edge-1', 'name:edge-2', 'name:edge-3'] } }),
      start(fleet, { targets: { proxies: ['name:edge-4', 'name:edge-3', 'name:edge-2'] } }),
    ]);
    const started = results.filter((result) => result.status === 'fulfilled');
    const refused = results.filter((result) => result.status === 'rejected');
    expect([started.length, refused.length]).toEqual([1, 1]);
    const id = started[0]!.value;
    expect(await problemOf(Promise.reject(refused[0]!.reason as Error))).toMatchObject({
      code: 'proxy-in-deployment',
      status: 409,
      extensions: {
        busy: [
          { proxy: 'edge-2', deploymentId: id },
          { proxy: 'edge-3', deploymentId: id },
        ],
      },
    });
    expect((await fixture.reader.list(fleet.ctx, { limit: 10 })).items).toHaveLength(1);
  });

  it('plans without starting anything', async () => {
    const fleet = await createFleet(fixture, 3);
    const [first, second] = fleet.proxies;
    const versions = await fixture.versions.list(fleet.ctx, { name: 'edge' }, { limit: 2 });
    const idOf = (number: number) => versions.items.find((version) => version.number === number)!.id;
    await fixture.database.tenant(fleet.ctx, (tx) =>
      fixture.assignments.set(tx, fleet.ctx, [
        { proxyId: first!.id, snapshotHash: fleet.hashes[1]!, versionId: idOf(1) },
        { proxyId: second!.id, snapshotHash: fleet.hashes[2]!, versionId: idOf(2) },
      ]),
    );
    const plan = await fixture.deployments.plan(fleet.ctx, fleet.request({ version: 2 }));
    expect(plan.targets.map(({ proxy, current, changes }) => [proxy.name, current?.number ?? null, changes])).toEqual([
      ['edge-1', 1, true],
      ['edge-2', 2, false],
      ['edge-3', null, true],
    ]);
    expect(plan.changes).toMatchObject([
      {
        from: { configuration: 'edge', number: 1 },
        targets: 1,
        diff: { added: [], changed: [{ kind: 'cluster', name: 'web' }] },
      },
      { from: null, targets: 1, diff: { changed: [], removed: [] } },
    ]);
    expect(plan.busy).toEqual([]);
    expect((await fixture.reader.list(fleet.ctx, { limit: 10 })).items).toEqual([]);
    const id = await start(fleet, { targets: { proxies: ['name:edge-2'] } });
    const again = await fixture.deployments.plan(fleet.ctx, fleet.request({ version: 2 }));
    expect(again.busy).toEqual([{ proxy: 'edge-2', deploymentId: id, status: 'pending' }]);
  });

  it('keeps its configuration from being deleted until it has ended', async () => {
    const fleet = await createFleet(fixture, 1);
    const id = await start(fleet);
    expect(await problemOf(fixture.configurations.delete(fleet.ctx, { name: 'edge' }, '*'))).toMatchObject({
      code: 'configuration-in-use',
    });
    await fixture.deployments.abort(fleet.ctx, id);
    await fixture.configurations.delete(fleet.ctx, { name: 'edge' }, '*');
    expect(await read(fleet, id)).toMatchObject({
      configuration: { id: null, name: 'edge' },
      version: { id: null, number: 1 },
    });
  });

  it('lists the newest first, in pages, and pages through targets', async () => {
    const fleet = await createFleet(fixture, 3);
    const ids: string[] = [];
    for (const { name } of fleet.proxies) ids.push(await start(fleet, { targets: { proxies: [`name:${name}`] } }));
    const first = await fixture.reader.list(fleet.ctx, { limit: 2 });
    expect(first.items.map(({ id }) => id)).toEqual([ids[2], ids[1]]);
    const second = await fixture.reader.list(fleet.ctx, { limit: 2, cursor: first.nextCursor! });
    expect(second.items.map(({ id }) => id)).toEqual([ids[0]]);
    for (const id of ids) await fixture.deployments.abort(fleet.ctx, id);
    const all = await start(fleet);
    const page = await fixture.reader.get(fleet.ctx, all, { limit: 2 });
    const rest = await fixture.reader.get(fleet.ctx, all, { limit: 2, cursor: page.targets.nextCursor! });
    expect([...page.targets.items, ...rest.targets.items].map(({ proxy }) => proxy.name)).toEqual([
      'edge-1',
      'edge-2',
      'edge-3',
    ]);
  });

  it('is invisible to other tenants', async () => {
    const fleet = await createFleet(fixture, 1);
    const id = await start(fleet);
    const stranger = await createTenant(fixture.test);
    expect(await problemOf(fixture.reader.get(stranger, id, { limit: 1 }))).toMatchObject({ status: 404 });
    expect(await problemOf(fixture.deployments.abort(stranger, id))).toMatchObject({ status: 404 });
  });
});

describe('the counters of a deployment', () => {
  const counters = async (fleet: Fleet, id: string) => (await read(fleet, id)).progress;

  it('add up under twenty updates at once, and leave the status alone', async () => {
    const fleet = await createFleet(fixture, 40);
    const id = await start(fleet);
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        fixture.database.tenant(fleet.ctx, (tx) =>
          tx.query(
            `update configuration_deployment_targets set status = $3 where deployment_id = $1 and proxy_name = any($2)`,
            [id, [`edge-${2 * i + 1}`, `edge-${2 * i + 2}`], i % 4 === 0 ? 'failed' : 'succeeded'],
          ),
        ),
      ),
    );
    expect(await counters(fleet, id)).toEqual({ total: 40, successful: 30, failed: 10 });
    expect((await read(fleet, id)).status).toBe('pending');
  });

  it('follow targets that change back or are deleted', async () => {
    const fleet = await createFleet(fixture, 4);
    const id = await start(fleet);
    const asApp = (sql: string) => fixture.database.tenant(fleet.ctx, (tx) => tx.query(sql, [id]));
    await asApp(`update configuration_deployment_targets set status = 'failed' where deployment_id = $1`);
    expect(await counters(fleet, id)).toEqual({ total: 4, successful: 0, failed: 4 });
    await asApp(
      `update configuration_deployment_targets set status = 'pending' where deployment_id = $1 and proxy_name < 'edge-3'`,
    );
    expect(await counters(fleet, id)).toEqual({ total: 4, successful: 0, failed: 2 });
    await asApp(`delete from configuration_deployment_targets where deployment_id = $1 and proxy_name > 'edge-1'`);
    expect(await counters(fleet, id)).toEqual({ total: 1, successful: 0, failed: 0 });
    await asApp('delete from configuration_deployments where id = $1');
  });
});
