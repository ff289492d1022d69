import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { newId } from '../../../src/common/context/ids.js';
import type { Database, Transaction } from '../../../src/common/database/database.js';
import { DatabaseUnavailable, isForeignKeyViolation, isUniqueViolation } from '../../../src/common/database/errors.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';

@Entity({ tableName: 'notes' })
class Note {
  @PrimaryKey({ type: 'uuid' })
  id!: string;
  @Property({ type: 'uuid' })
  tenantId!: string;
  @Property({ type: 'string' })
  name!: string;
  @Property({ type: 'bigint', version: true })
  revision!: string;
  @Property({ type: 'timestamptz' })
  updatedAt: Date = new Date();
}

const NOTES = `
  create table notes (
    tenant_id uuid not null references tenants (id), id uuid not null, name text not null, parent_id uuid,
    revision bigint not null default 1, updated_at timestamptz not null default now(),
    primary key (tenant_id, id), unique (tenant_id, name),
    foreign key (tenant_id, parent_id) references notes on delete set null (parent_id));
  select efms_protect('notes'); select efms_track_edits('notes')`;

describe('transactions', () => {
  let test: TestDatabase;
  let database: Database;
  const a = newId();
  const b = newId();

  const insert = (tx: Transaction, tenantId: string, name: string, parentId: string | null = null) =>
    tx.query('insert into notes (tenant_id, id, name, parent_id) values ($1, $2, $3, $4)', [
      tenantId,
      newId(),
      name,
      parentId,
    ]);
  const failureOf = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => undefined,
      (error: unknown) => error,
    );
  const names = async (tx: Transaction): Promise<string[]> =>
    (await tx.query<{ name: string }>('select name from notes order by name')).map(({ name }) => name);

  beforeAll(async () => {
    test = await createTestDatabase();
    await test.sql(NOTES, undefined, 'efms_owner');
    database = await test.open({ poolSize: 5, connectTimeoutMs: 30_000, entities: [Note] });
    await database.system((tx) => tx.query(`insert into tenants (id, name) values ($1, 'a'), ($2, 'b')`, [a, b]));
    await database.tenant({ tenantId: a }, (tx) => insert(tx, a, 'of a'));
    await database.tenant({ tenantId: b }, (tx) => insert(tx, b, 'of b'));
  });
  afterAll(() => test.drop());

  it('are not reported as written where a statement failed and nobody passed that on', async () => {
    const failure = await failureOf(
      database.tenant({ tenantId: a }, async (tx) => {
        await insert(tx, a, 'lost');
        await failureOf(insert(tx, a, 'lost'));
      }),
    );
    expect(String(failure)).toContain('nothing of it was committed');
    expect(await database.tenant({ tenantId: a }, names)).not.toContain('lost');
  });

  describe('keep tenants apart', () => {
    it('show no row without a tenant', async () => {
      expect(await test.sql('select * from notes', [], 'efms_app')).toEqual([]);
      expect(await test.sql('select * from tenants', [], 'efms_app')).toEqual([]);
    });

    it('show the owner of the tables no row either', async () => {
      expect(await test.sql('select * from notes', [], 'efms_owner')).toEqual([]);
    });

    it('show a tenant its own rows and no other', async () => {
      expect(await database.tenant({ tenantId: a }, names)).toEqual(['of a']);
      expect(await database.tenant({ tenantId: b }, names)).toEqual(['of b']);
      expect(await database.tenant({ tenantId: a }, (tx) => tx.query('select id from tenants'))).toEqual([{ id: a }]);
    });

    it('neither change nor delete the rows of another tenant', async () => {
      const touched = await database.tenant({ tenantId: a }, async (tx) => [
        ...(await tx.query('update notes set name = $1 where tenant_id = $2 returning 1', ['stolen', b])),
        ...(await tx.query('delete from notes where tenant_id = $1 returning 1', [b])),
      ]);
      expect(touched).toEqual([]);
      expect(await database.tenant({ tenantId: b }, names)).toEqual(['of b']);
    });

    it('refuse a row for another tenant', async () => {
      const refused = database.tenant({ tenantId: a }, (tx) => insert(tx, b, 'planted'));
      await expect(refused).rejects.toMatchObject({ code: '42501' });
    });

    it('refuse to move a row to another tenant', async () => {
      const refused = database.tenant({ tenantId: a }, (tx) => tx.query('update notes set tenant_id = $1', [b]));
      await expect(refused).rejects.toMatchObject({ code: '42501' });
    });

    it('refuse a reference to a row of another tenant', async () => {
      const [note] = await database.tenant({ tenantId: b }, (tx) => tx.query<{ id: string }>('select id from notes'));
      const refused = database.tenant({ tenantId: a }, (tx) => insert(tx, a, 'child', note!.id));
      expect(isForeignKeyViolation(await failureOf(refused), 'notes_tenant_id_parent_id_fkey')).toBe(true);
    });

    it('read nothing on a connection whose last transaction had a tenant', async () => {
      const single = await test.open({ poolSize: 1 });
      await single.tenant({ tenantId: a }, names);
      await expect(single.tenant({ tenantId: '' }, names)).resolves.toEqual([]);
      await single.close();
    });

    it('hold for a partition that is queried directly', async () => {
      const [{ partition } = { partition: '' }] = await test.sql<{ partition: string }>(
        `select tableoid::regclass::text as partition from audit_logs limit 1`,
      );
      const tenants = (tx: Transaction) => tx.query(`select distinct tenant_id from ${partition}`);
      expect(await database.tenant({ tenantId: a }, tenants)).toEqual([{ tenant_id: a }]);
      expect(await database.system(tenants)).toHaveLength(2);
    });

    it('show efms_system every tenant', async () => {
      expect(await database.system(names)).toEqual(['of a', 'of b']);
    });

    it('let efms_system write what is listed only', async () => {
      const refused = database.system((tx) => insert(tx, a, 'by the system'));
      await expect(refused).rejects.toMatchObject({ code: '42501' });
    });

    it('do not let efms_app truncate', async () => {
      const refused = database.tenant({ tenantId: a }, (tx) => tx.query('truncate notes'));
      await expect(refused).rejects.toMatchObject({ code: '42501' });
    });

    it('find a row of a tenant by its index', async () => {
      const plan = await database.tenant({ tenantId: a }, async (tx) => {
        await tx.query('set local enable_seqscan = off');
        return tx.query('explain (costs off) select * from notes where name = $1', ['of a']);
      });
      expect(JSON.stringify(plan)).toContain('Index Cond: ((tenant_id = (InitPlan');
    });

    it('never mix two tenants in 2,000 transactions over five connections with failures among them', async () => {
      const foreign: string[] = [];
      const one = async (i: number): Promise<void> => {
        const [tenantId, own] = i % 2 === 0 ? [a, 'of a'] : [b, 'of b'];
        await database.tenant({ tenantId }, async (tx) => {
          const seen = [...(await names(tx)), ...(await tx.em.find(Note, {})).map(({ name }) => name)];
          foreign.push(...seen.filter((name) => name !== own));
          if (i % 5 === 0) await tx.query('select 1 / 0');
          if (i % 7 === 0) throw new Error('by the work');
        });
      };
      const outcomes = await Promise.allSettled(Array.from({ length: 2000 }, (_, i) => one(i)));
      expect(foreign).toEqual([]);
      const failed = outcomes.filter(({ status }) => status === 'rejected');
      expect(failed).toHaveLength(2000 / 5 + Math.ceil(2000 / 7) - Math.ceil(2000 / 35));
    });
  });

  describe('end as one', () => {
    it('keep nothing of work that throws', async () => {
      const failed = database.tenant({ tenantId: a }, async (tx) => {
        await insert(tx, a, 'lost');
        tx.em.persist(
          tx.em.create(Note, { id: newId(), tenantId: a, name: 'lost too', revision: '1', updatedAt: new Date() }),
        );
        await tx.em.flush();
        throw new Error('changed my mind');
      });
      await expect(failed).rejects.toThrow('changed my mind');
      expect(await database.tenant({ tenantId: a }, names)).toEqual(['of a']);
    });

    it('carry SQL and the ORM in one transaction', async () => {
      const id = newId();
      await database.tenant({ tenantId: a }, async (tx) => {
        tx.em.create(Note, { id, tenantId: a, name: 'by the ORM', revision: '1', updatedAt: new Date() });
        await tx.em.flush();
        expect(await tx.query('select name from notes where id = $1', [id])).toEqual([{ name: 'by the ORM' }]);
      });
      await database.tenant({ tenantId: a }, async (tx) => {
        const note = await tx.em.findOneOrFail(Note, { id });
        expect(note.updatedAt).toBeInstanceOf(Date);
        tx.em.remove(note);
      });
    });

    it('raise the revision of an entity once and send nothing for one that did not change', async () => {
      const id = newId();
      const read = <T>(work: (note: Note) => T): Promise<T> =>
        database.tenant({ tenantId: a }, async (tx) => work(await tx.em.findOneOrFail(Note, { id })));
      await database.tenant({ tenantId: a }, async (tx) => {
        tx.em.create(Note, { id, tenantId: a, name: 'revised', revision: '1', updatedAt: new Date() });
        await tx.em.flush();
      });
      await read((note) => note.name);
      expect(await read((note) => note.revision)).toBe('1');
      await read((note) => (note.name = 'revised again'));
      expect(await read((note) => note.revision)).toBe('2');
      await database.tenant({ tenantId: a }, (tx) => tx.query('delete from notes where id = $1', [id]));
    });

    it('pass arrays and objects as parameters and give points in time as dates', async () => {
      const rows = await database.system((tx) =>
        tx.query(
          `select $1::text[] as list, $2::jsonb as json, $3::timestamptz as at, array[$3::timestamptz] as times,
                  date '2026-11-21' as day, 1::bigint as big`,
          [['a', 'b'], { deep: [1] }, '2026-11-21T10:00:00Z'],
        ),
      );
      const at = new Date('2026-11-21T10:00:00Z');
      expect(rows).toEqual([{ list: ['a', 'b'], json: { deep: [1] }, at, times: [at], day: '2026-11-21', big: '1' }]);
    });

    it('tell what happened after COMMIT and only then', async () => {
      const told: string[] = [];
      await database.tenant({ tenantId: a }, async (tx) => {
        tx.afterCommit(() => told.push('committed'));
        await Promise.resolve();
        expect(told).toEqual([]);
      });
      const failed = database.tenant({ tenantId: a }, (tx) => {
        tx.afterCommit(() => told.push('rolled back'));
        return Promise.reject(new Error('no'));
      });
      await expect(failed).rejects.toThrow('no');
      expect(told).toEqual(['committed']);
    });

    it('refuse to be used after their end', async () => {
      const kept = await database.tenant({ tenantId: a }, (tx) => Promise.resolve(tx));
      await expect(kept.query('select 1')).rejects.toThrow(/ended|committed/);
    });

    it('name the unique constraint for errors of SQL and of the ORM', async () => {
      const bySql = database.tenant({ tenantId: a }, (tx) => insert(tx, a, 'of a'));
      expect(isUniqueViolation(await failureOf(bySql), 'notes_tenant_id_name_key')).toBe(true);
      const byOrm = database.tenant({ tenantId: a }, async (tx) => {
        tx.em.create(Note, { id: newId(), tenantId: a, name: 'of a', revision: '1', updatedAt: new Date() });
        await tx.em.flush();
      });
      expect(isUniqueViolation(await failureOf(byOrm), 'notes_tenant_id_name_key')).toBe(true);
      expect(isUniqueViolation(await failureOf(byOrm), 'another_key')).toBe(false);
    });

    it('carry no other setting than their own from one to the next', async () => {
      const single = await test.open({ poolSize: 1 });
      await single.tenant({ tenantId: a, actor: { kind: 'user', id: null, name: 'x' } }, names);
      const [row] = await single.system((tx) =>
        tx.query(
          `select current_setting('app.current_tenant', true) as tenant, current_setting('app.actor', true) as actor`,
        ),
      );
      expect(row).toEqual({ tenant: null, actor: '{}' });
      await single.close();
    });
  });

  describe('when the database goes away', () => {
    // Each lost connection is a warning, which is right but not news here.
    beforeAll(() => Logger.overrideLogger(false));
    afterAll(() => Logger.overrideLogger(['error', 'warn', 'log']));

    it('fail with DatabaseUnavailable, free their connections and work again', async () => {
      const few = await test.open({ poolSize: 2, connectTimeoutMs: 2000 });
      for (let round = 0; round < 3; round += 1) {
        const cut = Array.from({ length: 2 }, () =>
          few.tenant({ tenantId: a }, async (tx) => {
            const [{ pid } = { pid: 0 }] = await tx.query<{ pid: number }>('select pg_backend_pid() as pid');
            await test.sql('select pg_terminate_backend($1, 5000)', [pid]);
            await tx.query('select 1');
          }),
        );
        for (const outcome of await Promise.allSettled(cut)) {
          expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(DatabaseUnavailable) });
        }
      }
      await expect(few.tenant({ tenantId: a }, names)).resolves.toContain('of a');
      await few.close();
    });

    it('survive the loss of connections that nobody uses', async () => {
      await database.tenant({ tenantId: a }, names);
      await test.sql(
        `select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
      );
      const outcomes = await Promise.allSettled(
        Array.from({ length: 5 }, () => database.tenant({ tenantId: a }, names)),
      );
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(DatabaseUnavailable);
      }
      await expect(database.tenant({ tenantId: a }, names)).resolves.toContain('of a');
    });

    it('wait for a free connection no longer than told', async () => {
      const single = await test.open({ poolSize: 1, connectTimeoutMs: 100 });
      await single.tenant({ tenantId: a }, async () => {
        await expect(single.tenant({ tenantId: b }, names)).rejects.toBeInstanceOf(DatabaseUnavailable);
      });
      await single.close();
    });

    it('do not call a failure of something else theirs', async () => {
      const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
      await expect(database.tenant({ tenantId: a }, () => Promise.reject(refused))).rejects.toBe(refused);
    });

    it('cannot be opened on a server that is not there', async () => {
      const nowhere = 'postgresql://efms_app:x@127.0.0.1:1/efms';
      await expect(test.open({ appUrl: nowhere, systemUrl: nowhere })).rejects.toBeInstanceOf(DatabaseUnavailable);
    });
  });
});
