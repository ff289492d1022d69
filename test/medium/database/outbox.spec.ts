import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId } from '../../../src/common/context/ids.js';
import type { Database, Transaction } from '../../../src/common/database/database.js';
import { appendEvent, OutboxReader, pruneOutbox } from '../../../src/common/database/outbox.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';

describe('the outbox', () => {
  let test: TestDatabase;
  let database: Database;
  let reader: OutboxReader;
  const tenantId = newId();

  const append = (tx: Transaction, subjectId: string) =>
    appendEvent(tx, { tenantId, type: 'thing.happened', subjectId, payload: { of: subjectId } });
  const commit = (subjectId: string) => database.tenant({ tenantId }, (tx) => append(tx, subjectId));
  const read = async (from = reader): Promise<string[]> => {
    const subjects: string[] = [];
    await from.next(100, (events) => Promise.resolve(void subjects.push(...events.map((e) => e.subjectId))));
    return subjects;
  };
  /** Transactions of every database of the cluster hold events back, those of other test files too, so that reading may take a moment. */
  const readUntil = async (count: number, from = reader): Promise<string[]> => {
    const subjects: string[] = [];
    const deadline = Date.now() + 10_000;
    while (subjects.length < count) {
      subjects.push(...(await read(from)));
      if (Date.now() > deadline) throw new Error(`only ${subjects.join(', ')} came`);
    }
    return subjects;
  };

  beforeAll(async () => {
    test = await createTestDatabase();
    database = await test.open({ poolSize: 6 });
  });
  afterAll(() => test.drop());
  beforeEach(async () => {
    await test.sql('delete from outbox_events');
    reader = new OutboxReader(database, newId());
  });

  it('tells each consumer every event once, in order', async () => {
    for (const subject of ['1', '2', '3', '4', '5']) await commit(subject);
    expect(await readUntil(5)).toEqual(['1', '2', '3', '4', '5']);
    expect(await read()).toEqual([]);
    expect(await readUntil(5, new OutboxReader(database, newId()))).toHaveLength(5);
  });

  it('hands over no more than asked for', async () => {
    for (const subject of ['1', '2', '3']) await commit(subject);
    await readUntil(3, new OutboxReader(database, newId()));
    const sizes: number[] = [];
    while ((await reader.next(2, (events) => Promise.resolve(void sizes.push(events.length)))) > 0);
    expect(sizes).toEqual([2, 1]);
  });

  it('gives back what was told', async () => {
    await commit('thing');
    await readUntil(1, new OutboxReader(database, newId()));
    await reader.next(1, ([event]) => {
      expect(event).toMatchObject({ tenantId, type: 'thing.happened', subjectId: 'thing', payload: { of: 'thing' } });
      expect(event?.createdAt).toBeInstanceOf(Date);
      return Promise.resolve();
    });
  });

  it('tells nothing of a transaction that is rolled back', async () => {
    const failed = database.tenant({ tenantId }, async (tx) => {
      await append(tx, 'lost');
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    await commit('kept');
    expect(await readUntil(1)).toEqual(['kept']);
  });

  it('loses nothing when transactions commit in another order than they began', async () => {
    const held = Promise.withResolvers<undefined>();
    const begun = Promise.withResolvers<undefined>();
    const slow = database.tenant({ tenantId }, async (tx) => {
      await append(tx, 'began first');
      begun.resolve(undefined);
      await held.promise;
    });
    await begun.promise;
    await commit('committed first');
    expect(await read()).toEqual([]);
    held.resolve(undefined);
    await slow;
    expect(await readUntil(2)).toEqual(['began first', 'committed first']);
  });

  it('loses nothing among many writers that a reader follows', async () => {
    const subjects = Array.from({ length: 200 }, (_, i) => String(i));
    const lanes = [0, 1, 2, 3].map(async (lane) => {
      for (const subject of subjects.filter((_, i) => i % 4 === lane)) await commit(subject);
    });
    const told = await readUntil(subjects.length);
    await Promise.all(lanes);
    expect(told.toSorted()).toEqual(subjects.toSorted());
    expect(await read()).toEqual([]);
  });

  it('tells the same events again when their handling fails', async () => {
    await commit('difficult');
    await readUntil(1, new OutboxReader(database, newId()));
    await expect(reader.next(10, () => Promise.reject(new Error('not now')))).rejects.toThrow('not now');
    expect(await read()).toEqual(['difficult']);
  });

  it('is shared by replicas that read as one consumer', async () => {
    for (let i = 0; i < 20; i += 1) await commit(String(i));
    await readUntil(20, new OutboxReader(database, newId()));
    const subjects = (await Promise.all([read(), read(), read()])).flat();
    expect(subjects).toHaveLength(20);
    expect(new Set(subjects).size).toBe(20);
  });

  it('takes no event for another tenant', async () => {
    const forged = database.tenant({ tenantId: newId() }, (tx) => append(tx, 'x'));
    await expect(forged).rejects.toMatchObject({ code: '42501' });
  });

  it('forgets old events that all consumers have read', async () => {
    await test.sql('delete from outbox_cursors');
    await commit('read');
    await readUntil(1);
    await commit('unread');
    await test.sql(`update outbox_events set created_at = now() - interval '3 days'`);
    expect(await pruneOutbox(database, 2)).toBe(1);
    expect(await readUntil(1)).toEqual(['unread']);
  });
});
