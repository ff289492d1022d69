import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId } from '../../../src/common/context/ids.js';
import type { Database } from '../../../src/common/database/database.js';
import { SnapshotStore } from '../../../src/xds/index.js';
import { SnapshotCollection } from '../../../src/xds/snapshots/snapshot-collection.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';
import { Fleet, readingOf } from './fleet.js';
import { storableSnapshot } from '../../../src/xds/snapshots/storable-snapshot.js';

type Reading = ReturnType<typeof readingOf>;

const OTHER = 'f'.repeat(64);

describe('the collector of snapshots', () => {
  let test: TestDatabase;
  let database: Database;
  let store: SnapshotStore;
  let collection: SnapshotCollection;
  let fleet: Fleet;

  beforeAll(async () => {
    test = await createTestDatabase();
    database = await test.open();
    store = new SnapshotStore(database);
    collection = new SnapshotCollection(database);
  });
  afterAll(() => test.drop());
  beforeEach(async () => {
    fleet = await new Fleet(database).create();
  });

  const save = async (reading: Reading): Promise<Reading> => {
    await database.tenant(fleet.ctx, (tx) => store.save(tx, fleet.tenantId, storableSnapshot(reading)));
    return reading;
  };
  const age = async (): Promise<void> => {
    for (const table of ['snapshots', 'snapshot_resources'])
      await test.sql(`update ${table} set saved_at = now() - interval '2 days' where tenant_id = $1`, [fleet.tenantId]);
  };
  const collectAll = async (): Promise<void> => {
    while ((await collection.collect()) > 0);
  };
  const kept = async () => ({
    snapshots: (await fleet.query<{ hash: string }>('select hash from snapshots')).map(({ hash }) => hash),
    resources: (await fleet.query<{ name: string }>('select distinct name from snapshot_resources order by 1')).map(
      ({ name }) => name,
    ),
  });
  const waits = async (query: string): Promise<void> => {
    for (;;) {
      const found = await test.sql(
        "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like $1 and datname = current_database()",
        [`%${query}%`],
      );
      if (found.length > 0) return;
    }
  };

  async function insert(table: string, row: Readonly<Record<string, unknown>>): Promise<void> {
    const all = { tenant_id: fleet.tenantId, ...row };
    const values = Object.keys(all).map((_, i) => `$${i + 1}`);
    await test.sql(
      `insert into ${table} (${Object.keys(all).join(', ')}) values (${values.join(', ')})`,
      Object.values(all),
    );
  }

  const assign = (proxyId: string, hash: string, more: Readonly<Record<string, unknown>> = {}): Promise<void> =>
    insert('proxy_assignments', {
      proxy_id: proxyId,
      snapshot_hash: hash,
      assigned_by_kind: 'system',
      assigned_by_name: 'test',
      ...more,
    });

  it('removes what nobody names, and of its content what no other snapshot holds', async () => {
    const proxy = await fleet.addProxy();
    await save(readingOf(['only-here', 'shared']));
    const used = await save(readingOf(['shared', 'used']));
    await assign(proxy, used.hash);
    await age();
    await collectAll();
    expect(await kept()).toEqual({ snapshots: [used.hash], resources: ['shared', 'used'] });
  });

  it('spares what was saved within a day', async () => {
    const { hash } = await save(readingOf(['young']));
    await collectAll();
    expect((await kept()).snapshots).toEqual([hash]);
  });

  it('spares a snapshot that was saved again, and its resources', async () => {
    const reading = await save(readingOf(['again']));
    await age();
    await save(reading);
    await collectAll();
    expect(await kept()).toEqual({ snapshots: [reading.hash], resources: ['again'] });
  });

  it('takes more than one batch, of every tenant', async () => {
    const before = fleet;
    for (let i = 0; i < 3; i++) await save(readingOf([`of-one-${i}`]));
    await age();
    fleet = await new Fleet(database).create();
    for (let i = 0; i < 3; i++) await save(readingOf([`of-other-${i}`]));
    await age();
    await collectAll();
    for (const each of [before, fleet]) {
      fleet = each;
      expect(await kept()).toEqual({ snapshots: [], resources: [] });
    }
  });

  describe('spares what is', () => {
    it.each(['previous_snapshot_hash', 'good_hash', 'prior_good_hash'])('an assignment’s %s', async (column) => {
      const [current, old] = [await save(readingOf(['current'])), await save(readingOf(['old']))];
      await assign(await fleet.addProxy(), current.hash, { [column]: old.hash });
      await age();
      await collectAll();
      expect((await kept()).resources).toEqual(['current', 'old']);
    });

    it('perhaps sent to a proxy', async () => {
      const [current, old] = [await save(readingOf(['current'])), await save(readingOf(['tried']))];
      await assign(await fleet.addProxy(), current.hash, { tried: [OTHER, old.hash] });
      await age();
      await collectAll();
      expect((await kept()).resources).toEqual(['current', 'tried']);
    });

    it('quarantined', async () => {
      const { hash } = await save(readingOf(['refused']));
      const row = { proxy_id: await fleet.addProxy(), snapshot_hash: hash, reason: 'nack', cause: 'content' };
      await insert('proxy_quarantines', row);
      await age();
      await collectAll();
      expect((await kept()).resources).toEqual(['refused']);
    });

    it('a version', async () => {
      const { hash } = await save(readingOf(['version']));
      const configuration_id = newId();
      await insert('proxy_configurations', { id: configuration_id, name: 'edge' });
      const by = { created_by_kind: 'system', created_by_name: 'test' };
      const row = { id: newId(), configuration_id, version_number: 1, config_hash: hash, snapshot_hash: hash };
      await insert('configuration_versions', { ...row, branch: 'main', diff_from_previous: '{}', ...by });
      await age();
      await collectAll();
      expect((await kept()).resources).toEqual(['version']);
    });

    it('being deployed or replaced, until the deployment is over', async () => {
      const [next, before] = [await save(readingOf(['next'])), await save(readingOf(['before']))];
      const deployment_id = newId();
      await insert('configuration_deployments', {
        id: deployment_id,
        configuration_name: 'edge',
        version_number: 1,
        snapshot_hash: next.hash,
        deployment_strategy: 'immediate',
        timeout_seconds: 60,
        disconnected: 'wait',
        created_by_kind: 'system',
        created_by_name: 'test',
      });
      const hashes = { snapshot_hash: next.hash, previous_snapshot_hash: before.hash };
      const target = { id: newId(), deployment_id, proxy_name: 'p', version_id: newId(), ...hashes };
      await insert('configuration_deployment_targets', target);
      await age();
      await collectAll();
      expect((await kept()).resources).toEqual(['before', 'next']);
      await test.sql('update configuration_deployment_targets set active = false where id = $1', [target.id]);
      await collectAll();
      expect((await kept()).resources).toEqual([]);
    });
  });

  it('knows every column that refers to snapshots', async () => {
    const referring = await test.sql<{ place: string }>(
      `select c.conrelid::regclass || '.' || a.attname as place
         from pg_constraint c
         join pg_attribute a on a.attrelid = c.conrelid and a.attnum = any(c.conkey) and a.attname <> 'tenant_id'
        where c.contype = 'f' and c.confrelid = 'snapshots'::regclass`,
    );
    const known = await test.sql<{ place: string }>(
      `select table_name || '.' || column_name as place from information_schema.view_column_usage
        where view_name = 'snapshot_uses'`,
    );
    expect(referring.length).toBeGreaterThan(4);
    expect(known.map(({ place }) => place)).toEqual(expect.arrayContaining(referring.map(({ place }) => place)));
  });

  it('lets a writer that names what it is about to remove have it', async () => {
    const reading = await save(readingOf(['named']));
    const proxy = await fleet.addProxy();
    await age();
    await database.tenant(fleet.ctx, async (tx) => {
      await tx.query(
        `insert into proxy_assignments (tenant_id, proxy_id, snapshot_hash, assigned_by_kind, assigned_by_name)
         values ($1, $2, $3, 'system', 'test')`,
        [fleet.tenantId, proxy, reading.hash],
      );
      expect(await collection.collect()).toBe(0);
    });
    await collectAll();
    expect(await kept()).toEqual({ snapshots: [reading.hash], resources: ['named'] });
  });

  it('makes a writer that saves what is being removed store it anew', async () => {
    const reading = await save(readingOf(['anew']));
    await age();
    const saving: Promise<Reading>[] = [];
    await database.system(async (tx) => {
      await tx.query('delete from snapshots where tenant_id = $1', [fleet.tenantId]);
      await tx.query('delete from snapshot_resources where tenant_id = $1', [fleet.tenantId]);
      saving.push(save(reading));
      await waits('insert into snapshot_resources');
    });
    await Promise.all(saving);
    expect(await kept()).toEqual({ snapshots: [reading.hash], resources: ['anew'] });
  });
});
