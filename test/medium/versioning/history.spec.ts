import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../../src/common/context/ids.js';
import {
  commitOf,
  createConfiguration,
  createTenant,
  createVersioningFixture,
  problemOf,
  type VersioningFixture,
} from './fixture.js';
import { checkedConfiguration } from '../../../src/versioning/dto/configuration.dto.js';

let fixture: VersioningFixture;
beforeAll(async () => {
  fixture = await createVersioningFixture();
});
afterAll(() => fixture.test.drop());

async function configurationWith(name: string, versions: number) {
  const configuration = await createConfiguration(fixture, name);
  for (let i = 1; i <= versions; i += 1) {
    await fixture.commits.commit(fixture.ctx, { name }, commitOf(i === 1 ? null : i - 1, i));
  }
  return configuration;
}

/** As `efms_app` in the fixture's tenant, which is what a mistake in the application could do. */
const asApp = (sql: string, params: readonly unknown[]) =>
  fixture.database.tenant(fixture.ctx, (tx) => tx.query(sql, params));

describe('the history of a configuration', () => {
  it('is read newest first, in pages', async () => {
    await configurationWith('pages', 5);
    const first = await fixture.versions.list(fixture.ctx, { name: 'pages' }, { limit: 2 });
    expect(first.items.map(({ number }) => number)).toEqual([5, 4]);
    const second = await fixture.versions.list(fixture.ctx, { name: 'pages' }, { limit: 3, cursor: first.nextCursor! });
    expect(second.items.map(({ number }) => number)).toEqual([3, 2, 1]);
    expect(second.nextCursor).toBeNull();
  });

  it('gives back the content of any version', async () => {
    await configurationWith('content', 2);
    const { snapshot } = await fixture.versions.withSnapshot(fixture.ctx, { name: 'content' }, 1);
    expect(snapshot).toMatchObject({
      clusters: [{ name: 'web', connect_timeout: '1s' }],
      listeners: [{ name: 'edge' }],
    });
    expect(await problemOf(fixture.versions.get(fixture.ctx, { name: 'content' }, 3))).toMatchObject({ status: 404 });
  });

  it('tells what a version changed, and what lies between any two', async () => {
    await configurationWith('diff', 3);
    const first = await fixture.versions.diff(fixture.ctx, { name: 'diff' }, 1);
    expect(first).toMatchObject({ from: null, to: 1, removed: [], changed: [] });
    expect(first.added.map(({ kind }) => kind).sort()).toEqual(['cluster', 'listener', 'route']);
    const stored = await fixture.versions.diff(fixture.ctx, { name: 'diff' }, 3);
    const computed = await fixture.versions.diff(fixture.ctx, { name: 'diff' }, 3, 1);
    const changesFrom = (before: string) => [
      {
        kind: 'cluster',
        name: 'web',
        changes: [{ op: 'replace', pointer: '/connect_timeout', before, value: '3s' }],
      },
    ];
    expect(stored).toEqual({ from: 2, to: 3, added: [], removed: [], changed: changesFrom('2s') });
    expect(computed).toEqual({ from: 1, to: 3, added: [], removed: [], changed: changesFrom('1s') });
    const none = await fixture.versions.diff(fixture.ctx, { name: 'diff' }, 2, 2);
    expect(none).toEqual({ from: 2, to: 2, added: [], removed: [], changed: [] });
  });

  it('cannot be rewritten, but for the verdict of a validation', async () => {
    const { id } = await configurationWith('fixed', 1);
    const immutable = { constraint: 'configuration_versions_immutable' };
    const where = 'where configuration_id = $1';
    await expect(
      asApp(`update configuration_versions set change_description = 'x' ${where}`, [id]),
    ).rejects.toMatchObject(immutable);
    await expect(
      asApp(`update configuration_versions set snapshot_hash = repeat('0', 64) ${where}`, [id]),
    ).rejects.toMatchObject(immutable);
    await expect(asApp(`delete from configuration_versions ${where}`, [id])).rejects.toMatchObject(immutable);
    await asApp(`update configuration_versions set validation_status = 'failed', findings = '[]' ${where}`, [id]);
    expect(await fixture.versions.get(fixture.ctx, { id }, 1)).toMatchObject({ validation: 'failed' });
  });

  it('has neither gaps nor empty versions, whoever writes it', async () => {
    const { id } = await configurationWith('sequence', 1);
    const copy = (number: number, hash = 'snapshot_hash') =>
      asApp(
        `insert into configuration_versions (tenant_id, id, configuration_id, version_number, config_hash, snapshot_hash, branch,
           diff_from_previous, created_by_kind, created_by_name)
         select tenant_id, $2, configuration_id, $3, config_hash, ${hash}, branch, '{}', 'system', 'test'
           from configuration_versions where configuration_id = $1 and version_number = 1`,
        [id, newId(), number],
      );
    await expect(copy(3)).rejects.toMatchObject({ constraint: 'configuration_versions_sequential' });
    await expect(copy(1)).rejects.toMatchObject({ constraint: 'configuration_versions_sequential' });
    await expect(copy(2, `repeat('0', 64)`)).rejects.toMatchObject({ constraint: 'configuration_versions_not_empty' });
    await copy(2);
  });
});

describe('configurations', () => {
  it('are listed by name in pages, each with its branches', async () => {
    const ctx = await createTenant(fixture.test);
    for (const name of ['c', 'a', 'b']) await createConfiguration({ ...fixture, ctx }, name);
    const first = await fixture.configurations.list(ctx, { limit: 2 });
    expect(first.items.map(({ configuration, branches }) => [configuration.name, branches])).toEqual([
      ['a', [{ name: 'main', head: null }]],
      ['b', [{ name: 'main', head: null }]],
    ]);
    const second = await fixture.configurations.list(ctx, { limit: 2, cursor: first.nextCursor! });
    expect(second.items.map(({ configuration }) => configuration.name)).toEqual(['c']);
    expect(second.nextCursor).toBeNull();
  });

  it('have names that are unique in the tenant, and only there', async () => {
    await createConfiguration(fixture, 'taken');
    expect(await problemOf(createConfiguration(fixture, 'taken'))).toMatchObject({ code: 'configuration-name-taken' });
    await createConfiguration({ ...fixture, ctx: await createTenant(fixture.test) }, 'taken');
  });

  it('are put again and again, and change only where they differ and the ETag fits', async () => {
    const content = { description: 'one', tags: ['a'] };
    const { ctx, configurations } = fixture;
    const made = await configurations.put(ctx, { name: 'put' }, content, {});
    expect([made.created, made.configuration.revision]).toEqual([true, 1]);
    const same = await configurations.put(ctx, { name: 'put' }, content, {});
    expect([same.created, same.configuration.revision]).toEqual([false, 1]);
    const other = { description: 'two', tags: ['a'] };
    expect(await problemOf(configurations.put(ctx, { name: 'put' }, other, {}))).toMatchObject({ status: 428 });
    expect(await problemOf(configurations.put(ctx, { name: 'put' }, other, { ifMatch: '"7"' }))).toMatchObject({
      status: 412,
    });
    const changed = await configurations.put(ctx, { name: 'put' }, other, { ifMatch: '"1"' });
    expect(changed.configuration).toMatchObject({ description: 'two', revision: 2 });
    const byId = await configurations.put(ctx, { id: changed.configuration.id }, other, {});
    expect([byId.created, byId.configuration.revision]).toEqual([false, 2]);
    const gone = configurations.put(ctx, { name: 'gone' }, other, { ifMatch: '"1"' });
    expect(await problemOf(gone)).toMatchObject({ status: 412 });
    const raced = await Promise.all(
      Array.from({ length: 6 }, () => configurations.put(ctx, { name: 'raced' }, content, {})),
    );
    expect(raced.filter(({ created }) => created)).toHaveLength(1);
  });

  it('are patched by merging, under If-Match', async () => {
    const { ctx, configurations } = fixture;
    const address = { name: 'patched' };
    await configurations.put(ctx, address, { description: 'one', tags: ['a'] }, {});
    expect(await problemOf(configurations.patch(ctx, address, {}, undefined, checkedConfiguration))).toMatchObject({
      status: 428,
    });
    expect(await problemOf(configurations.patch(ctx, address, { tags: [5] }, '*', checkedConfiguration))).toMatchObject(
      { status: 422 },
    );
    const patched = await configurations.patch(ctx, address, { tags: null }, '"1"', checkedConfiguration);
    expect(patched.configuration).toMatchObject({ description: 'one', tags: [], revision: 2 });
  });

  it('go with all their versions, once nothing needs them', async () => {
    const { id } = await configurationWith('gone', 3);
    const { ctx, configurations, uses } = fixture;
    let needed: readonly string[] = ['It is needed.'];
    uses.register({ usesOf: (_, configurationId) => Promise.resolve(configurationId === id ? needed : []) });
    expect(await problemOf(configurations.delete(ctx, { id }, undefined))).toMatchObject({ status: 428 });
    expect(await problemOf(configurations.delete(ctx, { id }, '*'))).toMatchObject({
      code: 'configuration-in-use',
      detail: 'It is needed.',
    });
    needed = [];
    await configurations.delete(ctx, { id }, '*');
    for (const table of ['configuration_versions', 'configuration_branches']) {
      expect(await fixture.test.sql(`select 1 from ${table} where configuration_id = $1`, [id])).toEqual([]);
    }
    expect(await problemOf(configurations.get(ctx, { id }))).toMatchObject({ status: 404 });
  });

  it('stay while a proxy is assigned one of their versions', async () => {
    const { id } = await configurationWith('assigned', 1);
    const version = await fixture.versions.get(fixture.ctx, { id }, 1);
    const proxy = newId();
    await asApp('insert into envoy_proxies (tenant_id, id, name, node_id) values ($1, $2, $3, $3)', [
      fixture.ctx.tenantId,
      proxy,
      'edge-1',
    ]);
    await asApp(
      `insert into proxy_assignments (tenant_id, proxy_id, snapshot_hash, version_id, assigned_by_kind, assigned_by_name)
       values ($1, $2, $3, $4, 'system', 'test')`,
      [fixture.ctx.tenantId, proxy, version.snapshotHash, version.id],
    );
    expect(await problemOf(fixture.configurations.delete(fixture.ctx, { id }, '*'))).toMatchObject({
      code: 'configuration-in-use',
      detail: 'It is assigned to "edge-1".',
    });
  });
});
