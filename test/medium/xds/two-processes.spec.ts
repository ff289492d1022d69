import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../../src/common/context/ids.js';
import type { Database } from '../../../src/common/database/database.js';
import { type Lease, LeaseLost, Leases } from '../../../src/common/database/leases.js';
import { TwoProcesses } from '../../../src/xds/ledger/two-processes.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';
import { Fleet } from './fleet.js';

describe('two processes that are connected as one proxy', () => {
  let test: TestDatabase;
  let database: Database;
  let fleet: Fleet;
  let leases: Leases;
  let lease: Lease;
  let job: TwoProcesses;

  beforeAll(async () => {
    test = await createTestDatabase();
    database = await test.open();
    fleet = await new Fleet(database).create();
    leases = new Leases(database);
    await leases.acquire('replica/one', 'one', 1e9);
    lease = (await leases.acquire('two-processes', 'me', 1e9))!;
    job = new TwoProcesses(database);
  });
  afterAll(() => test.drop());

  const connect = async (proxyId: string, bootId: string | null, minutes: number, replica = 'one'): Promise<string> => {
    const id = newId();
    await test.sql(
      `insert into xds_streams (tenant_id, id, proxy_id, replica, variant, peer, node_id, boot_id, connected_at)
       values ($1, $2, $3, $4, 'delta', '127.0.0.1:1', 'n', $5, clock_timestamp() - $6 * interval '1 minute')`,
      [fleet.tenantId, id, proxyId, replica, bootId, minutes],
    );
    return id;
  };
  const end = (id: string) => test.sql('update xds_streams set ended_at = now() where id = $1', [id]);
  /** Types and payloads, after another look. */
  const events = async (proxyId: string) => {
    await job.look(lease);
    const rows = await fleet.query<{ type: string; payload: unknown }>(
      'select type, payload from outbox_events where subject_id = $1 order by id',
      [proxyId],
    );
    return rows.filter(({ type }) => type.endsWith('_process') || type.endsWith('_processes'));
  };

  it('raise one alert after a quarter of an hour, and one word when it is over', async () => {
    const proxy = await fleet.addProxy();
    await connect(proxy, 'old', 60);
    const newer = await connect(proxy, 'new', 14);
    expect(await events(proxy)).toEqual([]);
    await test.sql("update xds_streams set connected_at = connected_at - interval '2 minutes' where id = $1", [newer]);
    const alert = {
      type: 'proxy.two_processes',
      payload: { since: expect.any(String), bootIds: ['old', 'new'] },
    };
    expect(await events(proxy)).toEqual([alert]);
    await connect(proxy, 'third', 20);
    expect(await events(proxy)).toEqual([alert]);

    await test.sql("update xds_streams set ended_at = now() where proxy_id = $1 and boot_id <> 'new'", [proxy]);
    const over = { type: 'proxy.one_process', payload: {} };
    expect(await events(proxy)).toEqual([alert, over]);
    expect(await events(proxy)).toEqual([alert, over]);
    await connect(proxy, 'old', 16);
    expect((await events(proxy)).map(({ type }) => type)).toEqual([alert.type, over.type, alert.type]);
  });

  it('are found although a third comes and goes', async () => {
    const proxy = await fleet.addProxy();
    await connect(proxy, 'a', 60);
    await connect(proxy, 'b', 30);
    await connect(proxy, 'c', 1);
    expect(await events(proxy)).toHaveLength(1);
  });

  it('are neither several streams of one process, nor streams that are gone or say no boot id', async () => {
    const proxy = await fleet.addProxy();
    await connect(proxy, 'only', 60);
    await connect(proxy, 'only', 30);
    await connect(proxy, null, 30);
    await connect(proxy, 'dead', 30, 'a replica that died');
    await end(await connect(proxy, 'ended', 30));
    expect(await events(proxy)).toEqual([]);
  });

  it('are looked for by the holder of the lease alone', async () => {
    await leases.release(lease);
    await expect(job.look(lease)).rejects.toBeInstanceOf(LeaseLost);
  });
});
