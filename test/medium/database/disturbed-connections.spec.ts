import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { newId } from '../../../src/common/context/ids.js';
import type { Database, TenantScope } from '../../../src/common/database/database.js';
import { DatabaseUnavailable, isCancelled } from '../../../src/common/database/errors.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';

const NAMES = 'select name from envoy_proxies order by name';

describe('connections that are cancelled and cut at any moment', () => {
  let db: TestDatabase;
  const tenants: readonly TenantScope[] = Array.from({ length: 10 }, () => ({ tenantId: newId() }));

  beforeAll(async () => {
    db = await createTestDatabase();
    for (const { tenantId } of tenants) {
      await db.sql('insert into tenants (id, name) values ($1, $2)', [tenantId, tenantId]);
      await db.sql('insert into envoy_proxies (tenant_id, id, name, node_id) values ($1, $1, $2, $2)', [
        tenantId,
        `of ${tenantId}`,
      ]);
    }
  });
  afterAll(() => db.drop());

  const namesOf = async (rows: Promise<{ name: string }[]>): Promise<string[]> => (await rows).map(({ name }) => name);
  const namesIn = (database: Database, scope: TenantScope): Promise<string[]> =>
    namesOf(database.tenant(scope, (tx) => tx.query(NAMES)));

  it('are given back when BEGIN fails', async () => {
    const database = await db.open({ poolSize: 1, connectTimeoutMs: 2000 });
    const [scope] = tenants as [TenantScope];
    const refused = { code: '42501' };
    await db.sql('revoke execute on function set_config(text, text, boolean) from public');
    try {
      await expect(namesIn(database, scope)).rejects.toMatchObject(refused);
      await expect(database.reader(scope).query(NAMES)).rejects.toMatchObject(refused);
      await expect(database.unit(scope, () => Promise.resolve())).rejects.toMatchObject(refused);
    } finally {
      await db.sql('grant execute on function set_config(text, text, boolean) to public');
    }
    await expect(namesIn(database, scope)).resolves.toEqual([`of ${scope.tenantId}`]);
  });

  it('take nothing more of a transaction that has ended', async () => {
    const database = await db.open({ poolSize: 1 });
    const [first, second] = tenants as [TenantScope, TenantScope];
    const late: Promise<unknown>[] = [];
    const failed = database.tenant(first, async (tx) => {
      // Others go on while the first fails, one behind the other.
      const goesOn = async (): Promise<void> => {
        for (let i = 0; i < 20; i += 1)
          await tx.query(`update envoy_proxies set node_id = 'late'`).catch(() => undefined);
      };
      late.push(goesOn(), goesOn(), goesOn());
      await tx.query('select 1 / 0');
    });
    const others = Promise.all(Array.from({ length: 20 }, () => namesIn(database, second)));
    await expect(failed).rejects.toMatchObject({ code: '22012' });
    await expect(others).resolves.toEqual(Array(20).fill([`of ${second.tenantId}`]));
    await Promise.all(late);
    expect(await db.sql(`select name from envoy_proxies where node_id = 'late'`)).toEqual([]);
  });

  it('are given up where nothing comes any more, and no error either', async () => {
    const relay = await DeafRelay.start(db);
    try {
      const urls = { appUrl: relay.through(db.appUrl), systemUrl: relay.through(db.systemUrl) };
      const database = await db.open({ ...urls, poolSize: 1, statementTimeoutMs: 200, answerGraceMs: 100 });
      const [scope] = tenants as [TenantScope];
      const works: readonly (() => Promise<string[]>)[] = [
        () => namesIn(database, scope),
        () => namesOf(database.reader(scope).query(NAMES)),
      ];
      for (const work of works) {
        await expect(work()).resolves.toEqual([`of ${scope.tenantId}`]);
        relay.fallSilent();
        await expect(work()).rejects.toBeInstanceOf(DatabaseUnavailable);
        await expect(work()).resolves.toEqual([`of ${scope.tenantId}`]);
        // And not those that are answered, however long ago.
        const { connections } = relay;
        await delay(500);
        await expect(work()).resolves.toEqual([`of ${scope.tenantId}`]);
        expect(relay.connections).toBe(connections);
      }
    } finally {
      await relay.stop();
    }
  });

  it.each([1, 3])(
    'serve each tenant its own or fail, over %d of them, and are all free in the end',
    async (poolSize) => {
      const database = await db.open({ poolSize, connectTimeoutMs: 60_000 });
      const disturbances = new Disturbances(db);
      const seen = { right: 0, wrong: [] as unknown[] };
      const works: readonly ((scope: TenantScope) => Promise<string[]>)[] = [
        (scope) => namesOf(database.reader(scope).query(NAMES)),
        (scope) => namesOf(database.reader(scope).query(NAMES, [], 'kept')),
        (scope) => namesIn(database, scope),
        (scope) =>
          database.tenant(scope, async (tx) => {
            await tx.query('update envoy_proxies set node_id = $1', [newId()]);
            return namesOf(tx.query(NAMES));
          }),
        (scope) => database.unit(scope, () => namesIn(database, scope)),
      ];
      const worker = async (_: unknown, i: number): Promise<void> => {
        for (let turn = 0; disturbances.count < 400 || turn < 20; turn += 1) {
          const scope = tenants[(i + turn) % tenants.length]!;
          try {
            const names = await works[(i + turn) % works.length]!(scope);
            if (names.length === 1 && names[0] === `of ${scope.tenantId}`) seen.right += 1;
            else seen.wrong.push(names);
          } catch (error) {
            if (!isOfTheDisturbance(error)) seen.wrong.push(error);
          }
        }
      };
      disturbances.start();
      try {
        await settled(Promise.all(Array.from({ length: 40 }, worker)), 90);
      } finally {
        await disturbances.stop();
      }
      expect(seen.wrong).toEqual([]);
      expect(seen.right).toBeGreaterThan(0);

      // Every connection is free, and none knows a tenant.
      const all = await Promise.all(
        Array.from({ length: poolSize }, () => database.tenant({ tenantId: '' }, (tx) => tx.query(NAMES))),
      );
      expect(all).toEqual(Array(poolSize).fill([]));
      const open = await db.sql(
        `select state, query from pg_stat_activity where datname = current_database() and usename = 'efms_app' and state <> 'idle'`,
      );
      expect(open).toEqual([]);
      await database.close();
    },
  );
});

/** Cancels statements and cuts connections of `efms_app`, of whoever has them, one after the other without a pause. */
class Disturbances {
  count = 0;
  private ended: Promise<void> = Promise.resolve();
  private isOver = false;

  constructor(private readonly db: TestDatabase) {}

  start(): void {
    this.ended = this.run();
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await this.ended;
  }

  private async run(): Promise<void> {
    const client = new pg.Client({ connectionString: this.db.adminUrl });
    await client.connect();
    try {
      for (let i = 0; !this.isOver; i += 1) {
        const end = i % 10 === 9 ? 'pg_terminate_backend' : 'pg_cancel_backend';
        const { rowCount } = await client.query(
          `select ${end}(pid) from pg_stat_activity
            where usename = 'efms_app' and datname = current_database() and state <> 'idle' order by random() limit 1`,
        );
        this.count += rowCount ?? 0;
        await delay(i % 5);
      }
    } finally {
      await client.end();
    }
  }
}

/** A cancelled statement, or a connection that was cut; anything else is somebody else's. */
function isOfTheDisturbance(error: unknown): boolean {
  return error instanceof DatabaseUnavailable || isCancelled(error);
}

async function settled<T>(work: Promise<T>, seconds: number): Promise<T> {
  const timer = new AbortController();
  const deadline = delay(seconds * 1000, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`not settled within ${seconds} s`);
  });
  deadline.catch(() => undefined);
  try {
    return await Promise.race([work, deadline]);
  } finally {
    timer.abort();
  }
}

/** A way to a database on which connections can fall silent, as behind a firewall that has forgotten them. New ones work. */
class DeafRelay {
  connections = 0;
  private readonly open = new Set<() => void>();

  private constructor(private readonly server: net.Server) {}

  static async start({ adminUrl }: TestDatabase): Promise<DeafRelay> {
    const { hostname, port } = new URL(adminUrl);
    const server = net.createServer();
    const relay = new DeafRelay(server);
    server.on('connection', (near) => {
      const far = net.connect(Number(port), hostname);
      relay.connections += 1;
      near.pipe(far).pipe(near);
      for (const socket of [near, far]) {
        socket.on('error', () => undefined);
        socket.on('close', () => [near, far].forEach((one) => one.destroy()));
      }
      relay.open.add(() => {
        near.unpipe(far);
        far.unpipe(near);
        near.resume();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return relay;
  }

  through(url: string): string {
    const changed = new URL(url);
    changed.hostname = '127.0.0.1';
    changed.port = String((this.server.address() as AddressInfo).port);
    return changed.href;
  }

  fallSilent(): void {
    for (const silence of this.open) silence();
    this.open.clear();
  }

  async stop(): Promise<void> {
    this.server.close();
    await Promise.resolve();
  }
}
