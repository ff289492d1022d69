import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EXAMPLE_SNAPSHOT } from '../../../src/versioning/dto/example-snapshot.js';
import {
  commitOf,
  createConfiguration,
  createTenant,
  createVersioningFixture,
  problemOf,
  snapshotOf,
  type VersioningFixture,
} from './fixture.js';

let fixture: VersioningFixture;
beforeAll(async () => {
  fixture = await createVersioningFixture();
});
afterAll(() => fixture.test.drop());

const commit = (name: string, expectedHead: number | null, timeout: number) =>
  fixture.commits.commit(fixture.ctx, { name }, commitOf(expectedHead, timeout));

const count = async (table: string, where = 'true', params: unknown[] = []) => {
  const [row] = await fixture.test.sql<{ n: number }>(
    `select count(*)::integer as n from ${table} where ${where}`,
    params,
  );
  return row!.n;
};

describe('committing a version', () => {
  it('numbers versions from 1 and moves the head', async () => {
    await createConfiguration(fixture, 'numbers');
    const first = await commit('numbers', null, 1);
    const second = await commit('numbers', 1, 2);
    expect([first.version.number, first.version.parent]).toEqual([1, null]);
    expect([second.version.number, second.version.parent]).toEqual([2, 1]);
    expect(second.version).toMatchObject({ validation: 'passed', branch: 'main', message: 'timeout 2' });
    const { branches } = await fixture.configurations.get(fixture.ctx, { name: 'numbers' });
    expect(branches).toEqual([{ name: 'main', head: 2 }]);
  });

  it('gives equal content an equal hash, in whatever order it comes', async () => {
    await createConfiguration(fixture, 'hash-a');
    await createConfiguration(fixture, 'hash-b');
    const a = await commit('hash-a', null, 1);
    const { listeners, routes, clusters } = snapshotOf(1);
    const reordered = { clusters, routes, listeners };
    const b = await fixture.commits.commit(
      fixture.ctx,
      { name: 'hash-b' },
      { ...commitOf(null, 1), snapshot: reordered },
    );
    expect(b.version.hash).toBe(a.version.hash);
    expect(b.version.hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it('answers content that equals the head with the head', async () => {
    await createConfiguration(fixture, 'equal');
    const first = await commit('equal', null, 1);
    const again = await commit('equal', 1, 1);
    expect(again).toEqual({ version: first.version, created: false });
    expect(first.created).toBe(true);
    expect(await problemOf(commit('equal', null, 1))).toMatchObject({ code: 'head-moved' });
  });

  it('lets exactly one of fifty commits at once have each number', async () => {
    const { id } = await createConfiguration(fixture, 'race');
    let wins = 0;
    let refusals = 0;
    const write = async (writer: number) => {
      for (;;) {
        const { branches } = await fixture.configurations.get(fixture.ctx, { name: 'race' });
        try {
          await commit('race', branches[0]!.head, 1000 + writer);
          wins += 1;
          return;
        } catch (error) {
          expect(error).toMatchObject({ code: 'head-moved' });
          refusals += 1;
        }
      }
    };
    await Promise.all(Array.from({ length: 50 }, (_, writer) => write(writer)));
    expect(wins).toBe(50);
    expect(refusals).toBeGreaterThan(0);
    const rows = await fixture.test.sql<{ version_number: number }>(
      'select version_number from configuration_versions where configuration_id = $1 order by version_number',
      [id],
    );
    expect(rows.map((row) => row.version_number)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
  });

  it('names the head as it is to whoever expected another', async () => {
    await createConfiguration(fixture, 'moved');
    const results = await Promise.allSettled(Array.from({ length: 8 }, (_, i) => commit('moved', null, i + 1)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await problemOf(commit('moved', null, 99))).toMatchObject({
      code: 'head-moved',
      status: 409,
      extensions: { branch: 'main', head: 1 },
    });
    expect(await problemOf(commit('moved', 7, 99))).toMatchObject({ extensions: { head: 1 } });
  });

  it('writes one audit row and one event, whatever the number of resources', async () => {
    const { id } = await createConfiguration(fixture, 'told');
    const { version } = await commit('told', null, 1);
    const rows = await fixture.test.sql<{ changes: { number: number; hash: string }; actor_name: string }>(
      `select changes, actor_name from audit_logs where resource_type = 'configuration_versions' and resource_id = $1`,
      [version.id],
    );
    expect(rows).toMatchObject([{ changes: { number: 1, hash: version.hash }, actor_name: 'tester' }]);
    expect(await count('audit_logs', 'resource_id = $1', [id])).toBe(1);
    const events = await fixture.test.sql<{ type: string; payload: object }>(
      'select type, payload from outbox_events where subject_id = $1',
      [id],
    );
    expect(events).toMatchObject([
      { type: 'configuration.version.committed', payload: { number: 1, versionId: version.id, branch: 'main' } },
    ]);
  });

  it('keeps definition rows for the head alone, and references for every version', async () => {
    const { id } = await createConfiguration(fixture, 'index');
    await commit('index', null, 1);
    await commit('index', 1, 2);
    const rows = await fixture.test.sql<{ version_number: number; connect_timeout_ms: string; cluster_type: string }>(
      `select v.version_number, d.connect_timeout_ms, d.cluster_type from cluster_definitions d
         join configuration_versions v on v.tenant_id = d.tenant_id and v.id = d.configuration_version_id
        where v.configuration_id = $1`,
      [id],
    );
    expect(rows).toEqual([{ version_number: 2, connect_timeout_ms: '2000', cluster_type: 'STATIC' }]);
    for (const table of ['listener_definitions', 'route_definitions', 'cluster_definitions']) {
      const own = `configuration_version_id in (select id from configuration_versions where configuration_id = $1)`;
      expect([table, await count(table, own, [id])]).toEqual([table, 1]);
    }
    const [endpoint] = await fixture.test.sql(
      `select e.address, host(e.ip_address) as ip, e.port from cluster_endpoints e
         join cluster_definitions d on d.tenant_id = e.tenant_id and d.id = e.cluster_id
         join configuration_versions v on v.tenant_id = d.tenant_id and v.id = d.configuration_version_id
        where v.configuration_id = $1`,
      [id],
    );
    expect(endpoint).toEqual({ address: '127.0.0.1', ip: '127.0.0.1', port: 8001 });
    const references = await fixture.test.sql<{ version_number: number }>(
      `select v.version_number from version_references r
         join configuration_versions v on v.tenant_id = r.tenant_id and v.id = r.version_id
        where v.configuration_id = $1 and r.kind = 'cluster' and r.name = 'web' order by 1`,
      [id],
    );
    expect(references.map((row) => row.version_number)).toEqual([1, 2]);
  });

  it('makes the same rows by carrying over what has not changed as by starting anew', async () => {
    const { clusters, routes, listeners } = EXAMPLE_SNAPSHOT;
    const named = (name: string, timeout: string) => ({
      ...clusters[0],
      name,
      connect_timeout: timeout,
      load_assignment: { ...clusters[0]!.load_assignment, cluster_name: name },
    });
    const before = { listeners, routes, clusters: [...clusters, named('gone', '1s'), named('slow', '1s')] };
    const after = { listeners, routes, clusters: [...clusters, named('new', '1s'), named('slow', '9s')] };
    const { id: moved } = await createConfiguration(fixture, 'carried');
    const { id: fresh } = await createConfiguration(fixture, 'anew');
    const of = (name: string, expectedHead: number | null, snapshot: object) =>
      fixture.commits.commit(
        fixture.ctx,
        { name },
        { branch: 'main', expectedHead, message: '', snapshot: { ...snapshot } },
      );
    await of('carried', null, before);
    const rowsOf = async (id: string) =>
      Promise.all(
        [
          `select v.version_number = 2 or c.name = 'anew' as head, d.name, d.connect_timeout_ms, e.address, e.port from cluster_definitions d
             left join cluster_endpoints e on e.tenant_id = d.tenant_id and e.cluster_id = d.id`,
          `select v.version_number = 2 or c.name = 'anew' as head, d.name, f.chain_order from listener_definitions d
             left join filter_chains f on f.tenant_id = d.tenant_id and f.listener_id = d.id`,
          `select v.version_number = 2 or c.name = 'anew' as head, d.name, m.match_order from route_definitions d
             left join route_matches m on m.tenant_id = d.tenant_id and m.route_definition_id = d.id`,
        ].map((select) =>
          fixture.test.sql(
            `${select} join configuration_versions v on v.tenant_id = d.tenant_id and v.id = d.configuration_version_id
               join proxy_configurations c on c.tenant_id = v.tenant_id and c.id = v.configuration_id
              where c.id = $1 order by d.name`,
            [id],
          ),
        ),
      );
    await of('carried', 1, after);
    await of('anew', null, after);
    const rows = await rowsOf(moved);
    expect(rows).toEqual(await rowsOf(fresh));
    expect(rows[0]!.map((row) => [row['head'], row['name'], row['connect_timeout_ms']])).toEqual([
      [true, 'new', '1000'],
      [true, 'slow', '9000'],
      [true, 'web', '1000'],
    ]);
  });

  it('keeps the rows of a former head at which another branch ends', async () => {
    const { id } = await createConfiguration(fixture, 'branches');
    const { version } = await commit('branches', null, 1);
    await fixture.test.sql(
      `insert into configuration_branches (tenant_id, id, configuration_id, name, head_version_id) values ($1, gen_random_uuid(), $2, 'stable', $3)`,
      [fixture.ctx.tenantId, id, version.id],
    );
    await commit('branches', 1, 2);
    const rows = await fixture.test.sql(
      `select v.version_number, d.connect_timeout_ms from cluster_definitions d
         join configuration_versions v on v.tenant_id = d.tenant_id and v.id = d.configuration_version_id
        where v.configuration_id = $1 order by 1`,
      [id],
    );
    expect(rows).toEqual([
      { version_number: 1, connect_timeout_ms: '1000' },
      { version_number: 2, connect_timeout_ms: '2000' },
    ]);
  });

  it('leaves nothing behind when it fails at its last statement', async () => {
    const { id } = await createConfiguration(fixture, 'atomic');
    await fixture.test.sql(`
      create function fail_once() returns trigger language plpgsql as $$ begin raise exception 'injected'; end $$;
      create trigger fail_once before insert on outbox_events for each row
        when (new.type = 'configuration.version.committed') execute function fail_once()`);
    const tables = [
      'configuration_versions',
      'snapshots',
      'snapshot_resources',
      'cluster_definitions',
      'version_references',
      'audit_logs',
    ];
    const before = await Promise.all(tables.map((table) => count(table)));
    await expect(commit('atomic', null, 4711)).rejects.toThrow('injected');
    expect(await Promise.all(tables.map((table) => count(table)))).toEqual(before);
    const { branches } = await fixture.configurations.get(fixture.ctx, { name: 'atomic' });
    expect(branches).toEqual([{ name: 'main', head: null }]);
    await fixture.test.sql('drop trigger fail_once on outbox_events; drop function fail_once()');
    expect((await commit('atomic', null, 4711)).version.number).toBe(1);
    expect(await count('configuration_versions', 'configuration_id = $1', [id])).toBe(1);
  });

  it('stores nothing in a dry run and says what a commit would do', async () => {
    const { id } = await createConfiguration(fixture, 'dry');
    await commit('dry', null, 1);
    const report = await fixture.commits.dryRun(fixture.ctx, { name: 'dry' }, commitOf(1, 2));
    expect(report).toMatchObject({ number: 2, changes: true, findings: [], diff: { added: [], removed: [] } });
    expect(report.diff.changed.map(({ kind, name }) => [kind, name])).toEqual([['cluster', 'web']]);
    expect(await count('configuration_versions', 'configuration_id = $1', [id])).toBe(1);
    const same = await fixture.commits.dryRun(fixture.ctx, { name: 'dry' }, commitOf(1, 1));
    expect(same).toMatchObject({ number: 1, changes: false });
  });

  it('refuses a document with findings, each with its place in the request', async () => {
    await createConfiguration(fixture, 'invalid');
    const command = { ...commitOf(null, 1), snapshot: { ...snapshotOf(1), bogus: 1 } };
    const refused = await problemOf(fixture.commits.commit(fixture.ctx, { name: 'invalid' }, command));
    expect(refused).toMatchObject({ code: 'invalid-snapshot', status: 422, errors: [{ pointer: '/snapshot/bogus' }] });
    const empty = await problemOf(
      fixture.commits.commit(fixture.ctx, { name: 'invalid' }, { ...command, snapshot: {} }),
    );
    expect(empty).toMatchObject({ status: 422, errors: [{ pointer: '/snapshot', severity: 'error' }] });
  });

  it('knows no branch that was not made, and no configuration of another tenant', async () => {
    await createConfiguration(fixture, 'mine');
    const elsewhere = { ...commitOf(null, 1), branch: 'elsewhere' };
    expect(await problemOf(fixture.commits.commit(fixture.ctx, { name: 'mine' }, elsewhere))).toMatchObject({
      status: 422,
      errors: [{ pointer: '/branch' }],
    });
    const stranger = await createTenant(fixture.test);
    expect(await problemOf(fixture.commits.commit(stranger, { name: 'mine' }, commitOf(null, 1)))).toMatchObject({
      status: 404,
    });
  });
});
