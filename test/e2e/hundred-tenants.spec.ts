import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/common/context/ids.js';
import { newToken } from '../../src/common/crypto/tokens.js';
import { lookupHash } from '../../src/tenancy/credential-index.js';
import { type Efms, startEfms } from '../kit/efms.js';

const TENANTS = 100;
/** Each is asked so often, one after the other; the tenants all at once. */
const TURNS = 9;

/** One tenant, and what must be true of it. */
interface Tenant {
  readonly id: string;
  /** Stands in everything that is the tenant's, and in nothing else. */
  readonly marker: string;
  readonly key: string;
  readonly names: readonly string[];
  readonly ids: Map<string, string>;
  /** Patches of its first proxy that were answered. */
  revision: number;
}

interface Answer {
  readonly status: number;
  readonly body: any;
  readonly etag: string | null;
  /** Head and body, all that was told. */
  readonly told: string;
}

/**
 * The names are the same in every tenant, all go through three connections, and meanwhile statements are cancelled and connections cut as
 * by a timeout or a failure, and clients hang up. Nothing of one tenant may be in any answer to another.
 */
describe('a hundred tenants at once', () => {
  let efms: Efms;
  let tenants: Tenant[];

  beforeAll(async () => {
    efms = await startEfms({ env: { EFMS_DATABASE_POOL_SIZE: '3', EFMS_LOG_LEVEL: 'silent' } });
    tenants = Array.from({ length: TENANTS }, (_, i) => describeTenant(i));
    await openTenants();
    await Promise.all(tenants.map(register));
  });
  afterAll(() => efms.stop());

  function describeTenant(i: number): Tenant {
    const names = Array.from({ length: 3 + (i % 3) }, (_, n) => `shared-${n}`);
    return { id: newId(), marker: `marker-${i}-of`, key: newToken('efms'), names, ids: new Map(), revision: 1 };
  }

  /** Each with an admin and an API key of theirs. */
  async function openTenants(): Promise<void> {
    const ids = tenants.map(({ id }) => id);
    const hashes = tenants.map(({ key }) => lookupHash(key));
    await efms.database.sql(
      `insert into tenants (id, name) select id, 'tenant-' || n - 1 from unnest($1::uuid[]) with ordinality as t (id, n)`,
      [ids],
    );
    await efms.database.sql(
      `insert into users (tenant_id, id, email, username, role)
       select id, id, 'admin@tenant-' || n - 1 || '.example', 'admin', 'admin' from unnest($1::uuid[]) with ordinality as t (id, n)`,
      [ids],
    );
    await efms.database.sql(
      `insert into api_keys (tenant_id, id, user_id, name, key_prefix, key_hash)
       select id, id, id, 'shared', '', hash from unnest($1::uuid[], $2::bytea[]) as t (id, hash)`,
      [ids, hashes],
    );
    await efms.database.sql(
      `insert into credential_index (kind, lookup_hash, tenant_id, subject_id)
       select 'api_key', hash, id, id from unnest($1::uuid[], $2::bytea[]) as t (id, hash)`,
      [ids, hashes],
    );
  }

  async function register(tenant: Tenant): Promise<void> {
    for (const name of tenant.names) {
      const made = await call(tenant, 'PUT', `/proxies/name:${name}`, { body: described(tenant, name) });
      expect(made.status).toBe(201);
      tenant.ids.set(name, made.body.id);
    }
  }

  const described = ({ marker }: Tenant, name: string): object => ({
    nodeId: name,
    labels: { owner: marker, role: 'edge' },
    metadata: { marker },
  });

  interface Request {
    readonly body?: unknown;
    readonly headers?: Readonly<Record<string, string>>;
    readonly signal?: AbortSignal;
  }

  /** Calls as the tenant, and looks through all that comes back. */
  async function call(tenant: Tenant, method: string, path: string, request: Request = {}): Promise<Answer> {
    const { body, headers, signal } = request;
    const response = await fetch(`${efms.http}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${tenant.key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
    const text = await response.text();
    const told = `${JSON.stringify([...response.headers])}${text}`;
    for (const [marker] of told.matchAll(/marker-\d+-of/g)) expect(marker).toBe(tenant.marker);
    for (const [id] of text.matchAll(/tenant-\d+\b/g)) expect(id).toBe(`tenant-${tenants.indexOf(tenant)}`);
    return {
      status: response.status,
      body: text === '' ? undefined : JSON.parse(text),
      etag: response.headers.get('etag'),
      told,
    };
  }

  /** The same until neither a cancelled statement nor a cut connection is the answer. */
  async function settled(tenant: Tenant, method: string, path: string, request: Request = {}): Promise<Answer> {
    for (let attempt = 0; attempt < 50; attempt += 1) {
      const answer = await call(tenant, method, path, request);
      if (answer.status < 500) return answer;
      await delay(10 * attempt);
    }
    throw new Error(`${method} ${path} did not come to an end`);
  }

  /** What an answer says but for the ids that were asked for. */
  const saidOf = ({ status, body, etag }: Answer, ...asked: string[]): unknown => {
    let text = JSON.stringify({ ...body, requestId: '', instance: '' });
    for (const id of asked) text = text.replaceAll(id, '*');
    return { status, etag, text };
  };

  const idOf = (tenant: Tenant, name: string): string => tenant.ids.get(name) ?? '';
  /** Another one, whatever the number. */
  const neighbour = (tenant: Tenant, by: number): Tenant =>
    tenants[(tenants.indexOf(tenant) + 1 + (by % (TENANTS - 1))) % TENANTS]!;

  const deeds: readonly ((tenant: Tenant, turn: number) => Promise<void>)[] = [
    async function readsItsOwn(tenant, turn) {
      const name = tenant.names[turn % tenant.names.length]!;
      const { status, body, etag } = await settled(tenant, 'GET', `/proxies/name:${name}`);
      expect([status, body.id, body.metadata.marker]).toEqual([200, idOf(tenant, name), tenant.marker]);
      expect(etag).toBe(`"${body.revision}"`);
      // Everybody else's proxy of that name is changed meanwhile.
      if (name === 'shared-0') expect(body.revision).toBe(tenant.revision);
    },
    async function countsItsOwn(tenant) {
      const found: string[] = [];
      for (let path: string | undefined = '/proxies?limit=2'; path !== undefined;) {
        const { status, body }: Answer = await settled(tenant, 'GET', path);
        expect(status).toBe(200);
        found.push(...body.items.map(({ name }: { name: string }) => name));
        path = body.nextCursor === null ? undefined : `/proxies?limit=2&cursor=${body.nextCursor}`;
      }
      expect(found).toEqual(tenant.names);
    },
    async function findsNothingByForeignLabels(tenant, turn) {
      const { marker } = neighbour(tenant, turn);
      const { body } = await settled(tenant, 'GET', `/vms?labels=${encodeURIComponent(`owner!=x${turn}`)}`);
      expect(body.items).toEqual([]);
      const foreign = await fetch(`${efms.http}/api/v1/proxies?labels=owner=${marker}`, {
        headers: { authorization: `Bearer ${tenant.key}` },
      });
      if (foreign.status < 500) expect(await foreign.json()).toEqual({ items: [], nextCursor: null });
    },
    async function isToldNothingOfForeignIds(tenant, turn) {
      const [foreign, invented] = [idOf(neighbour(tenant, turn), 'shared-1'), newId()];
      for (const [method, request] of [
        ['GET', {}],
        ['PATCH', { body: { cluster: 'stolen' }, headers: { 'if-match': '"1"' } }],
        ['DELETE', { headers: { 'if-match': '*' } }],
      ] as const) {
        const real = await settled(tenant, method, `/proxies/${foreign}`, request);
        expect(real.status).toBe(404);
        expect(saidOf(real, foreign)).toEqual(
          saidOf(await settled(tenant, method, `/proxies/${invented}`, request), invented),
        );
      }
    },
    async function isRefusedForeignCursors(tenant, turn) {
      const { body } = await settled(neighbour(tenant, turn), 'GET', '/proxies?limit=1');
      expect(body.nextCursor).toEqual(expect.any(String));
      const foreign = await settled(tenant, 'GET', `/proxies?limit=1&cursor=${body.nextCursor}`);
      const garbage = await settled(tenant, 'GET', '/proxies?limit=1&cursor=garbage');
      expect(foreign.status).toBe(400);
      expect(saidOf(foreign)).toEqual(saidOf(garbage));
    },
    async function changesItsOwn(tenant) {
      const path = '/proxies/name:shared-0';
      // What was cancelled was not written, and what was cut off in its COMMIT may have been: so it reads what stands.
      const { body, etag } = await settled(tenant, 'GET', path);
      const request = { body: { cluster: `c${body.revision}` }, headers: { 'if-match': etag ?? '' } };
      const next = Number(body.revision) + 1;
      const first = await call(tenant, 'PATCH', path, request);
      const now = (await settled(tenant, 'GET', path)).body;
      if (first.status === 200) expect([first.body.revision, now.revision]).toEqual([next, next]);
      else expect(first.status).toBeGreaterThanOrEqual(500);
      expect(now.revision - body.revision).toBeLessThanOrEqual(1);
      tenant.revision = now.revision;
    },
    async function isRefusedWhatIsTaken(tenant) {
      const taken = await settled(tenant, 'POST', '/proxies', { body: { name: 'shared-1', nodeId: 'elsewhere' } });
      expect(taken.status).toBe(409);
      const container = { body: { vm: 'name:never-was', containerId: 'x' } };
      expect((await settled(tenant, 'PUT', '/containers/name:shared', container)).status).toBe(422);
    },
    async function hangsUp(tenant, turn) {
      for (const [method, request] of [
        ['GET', {}],
        ['PATCH', { body: { cluster: `cut-${turn}` }, headers: { 'if-match': '*' } }],
      ] as const) {
        const signal = AbortSignal.timeout(1 + (turn % 7));
        await call(tenant, method, '/proxies/name:shared-2', { ...request, signal }).catch((error: unknown) => {
          expect(['TimeoutError', 'AbortError']).toContain((error as Error).name);
        });
      }
    },
    async function repeatsItself(tenant) {
      const name = `repeated`;
      const request = { body: { name }, headers: { 'idempotency-key': 'the same for all' } };
      const first = await settled(tenant, 'POST', '/configurations', request);
      // Another request of the same tenant with this key may be under way.
      if (first.status === 409) return;
      const again = await settled(tenant, 'POST', '/configurations', request);
      expect([first.status, again.status, again.body.id]).toEqual([201, 201, first.body.id]);
    },
  ];

  /** Ends statements as a timeout does and connections as a failure does, of whoever has them. */
  async function disturb(until: { isOver: boolean }): Promise<number> {
    let disturbed = 0;
    for (let i = 0; !until.isOver; i += 1) {
      const end = i % 10 === 9 ? 'pg_terminate_backend' : 'pg_cancel_backend';
      const rows = await efms.database.sql(
        `select ${end}(pid) from pg_stat_activity
          where usename = 'efms_app' and datname = current_database() and state <> 'idle' limit 1`,
      );
      disturbed += rows.length;
      await delay(15);
    }
    return disturbed;
  }

  it('see nothing of each other', async () => {
    const until = { isOver: false };
    const disturbing = disturb(until);
    try {
      await Promise.all(
        tenants.map(async (tenant, i) => {
          for (let turn = 0; turn < TURNS; turn += 1) await deeds[(turn * 5 + i) % deeds.length]!(tenant, turn + i);
        }),
      );
    } finally {
      until.isOver = true;
    }
    expect(await disturbing).toBeGreaterThan(0);
    // Nothing was taken, changed or added by anybody else.
    for (const tenant of tenants) {
      const { body } = await settled(tenant, 'GET', '/proxies');
      expect(body.items.map(({ name }: { name: string }) => name)).toEqual(tenant.names);
      for (const item of body.items)
        expect(item).toMatchObject({ metadata: { marker: tenant.marker }, id: idOf(tenant, item.name) });
      expect(JSON.stringify(body)).not.toContain('stolen');
    }
  }, 300_000);
});
