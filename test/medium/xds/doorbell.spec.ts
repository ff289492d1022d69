import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { Database } from '../../../src/common/database/database.js';
import { Doorbell } from '../../../src/xds/assignments/doorbell.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';

describe('the doorbell', () => {
  let test: TestDatabase;
  let database: Database;
  const started: Doorbell[] = [];

  beforeAll(async () => {
    Logger.overrideLogger(false);
    test = await createTestDatabase();
    database = await test.open();
  });
  afterEach(() => Promise.all(started.splice(0).map((doorbell) => doorbell.stop())));
  afterAll(async () => {
    await test.drop();
    Logger.overrideLogger(['log', 'warn', 'error']);
  });

  /** A replica's doorbell, once it listens, and a counter of rings after that. */
  async function replica(): Promise<{ doorbell: Doorbell; rings: () => number }> {
    const doorbell = new Doorbell(database, { listenUrl: test.systemUrl, retryMs: 10, minIntervalMs: 20 });
    started.push(doorbell);
    let count = 0;
    doorbell.onRing(() => (count += 1));
    doorbell.start();
    await until(() => count > 0);
    const before = count;
    return { doorbell, rings: () => count - before };
  }

  async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = Date.now() + 10_000;
    while (!(await condition())) {
      if (Date.now() > deadline) throw new Error('it did not come to that in time');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  it('wakes the replica that rings at once, and the others soon', async () => {
    const [one, two] = [await replica(), await replica()];
    one.doorbell.ring();
    expect(one.rings()).toBe(1);
    await until(() => two.rings() > 0);
    expect(two.doorbell.stats).toMatchObject({ isListening: true, rung: 0, lost: 0 });
    expect(two.doorbell.stats.heard).toBeGreaterThan(0);
    await until(() => one.doorbell.stats.rung === 1);
  });

  it('sends one notification for many rings', async () => {
    const [one, two] = [await replica(), await replica()];
    for (let i = 0; i < 100; i += 1) one.doorbell.ring();
    expect(one.rings()).toBe(100);
    await until(() => two.rings() > 0);
    // A ring of its own marks the end: what was sent before it has arrived before it.
    two.doorbell.ring();
    await until(() => one.rings() > 101);
    expect(two.rings()).toBeLessThanOrEqual(4);
  });

  it('listens again when its connection is killed, and looks at once', async () => {
    const [one, two] = [await replica(), await replica()];
    const killed = await test.sql(
      `with bells as materialized (
         select pid from pg_stat_activity where application_name = 'efms doorbell' and datname = current_database())
       select pg_terminate_backend(pid) from bells`,
    );
    expect(killed.length).toBeGreaterThanOrEqual(2);
    await until(() => one.rings() > 0 && two.rings() > 0);
    const before = two.rings();
    one.doorbell.ring();
    await until(() => two.rings() > before);
  });

  it('says nothing where nobody else can listen, but wakes its own replica', () => {
    const doorbell = new Doorbell(database);
    let count = 0;
    const stop = doorbell.onRing(() => (count += 1));
    doorbell.ring();
    stop();
    doorbell.ring();
    expect(count).toBe(1);
  });
});
