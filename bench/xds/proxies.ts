import { createHash, randomBytes } from 'node:crypto';
import pg from 'pg';
import { v7 } from 'uuid';
import type { Efms, Place } from '../kit/place.ts';
import { makeFleet, type Tenant } from '../rest/fleet.ts';

/** A proxy as EFMS knows it, with what it proves itself with. */
export interface Proxy {
  readonly id: string;
  readonly nodeId: string;
  readonly token: string;
}

/** One resource of a stored snapshot, by the hash of its content. */
export interface Entry {
  readonly kind: string;
  readonly name: string;
  readonly version: string;
}

export interface StoredSnapshot {
  readonly hash: string;
  readonly entries: readonly Entry[];
}

/** Snapshots stored in one statement. */
const STORED_AT_ONCE = 250;

/** The proxies of one tenant, each with a token, and a connection that assigns snapshots to them. */
export class Proxies {
  readonly tenant: Tenant;
  readonly all: readonly Proxy[];
  private readonly client: pg.Client;

  private constructor(tenant: Tenant, all: readonly Proxy[], client: pg.Client) {
    this.tenant = tenant;
    this.all = all;
    this.client = client;
  }

  /** Registers them as `makeFleet` does, and issues their tokens as `efms_app` too: ten thousand calls of the API would take minutes. */
  static async make(efms: Efms, place: Place, count: number): Promise<Proxies> {
    const [tenant] = await makeFleet(efms, place, { tenants: 1, proxies: count });
    if (!tenant) throw new Error('there is no tenant');
    const client = new pg.Client({ connectionString: place.appUrl });
    await client.connect();
    const all = tenant.proxies.map(({ id }, i) => {
      return { id, nodeId: `node-${i + 1}`, token: `efmsp_${randomBytes(32).toString('base64url')}` };
    });
    const proxies = new Proxies(tenant, all, client);
    await proxies.inTenant(() => issueTokens(client, tenant.id, all));
    return proxies;
  }

  /**
   * Assigns stored snapshots to the first so many proxies, as a deployment of another replica does.
   * @returns when the assignment came true, in milliseconds of the monotonic clock
   */
  async assign(hashes: readonly string[], clock: () => number): Promise<number> {
    const given = [this.tenant.id, this.all.slice(0, hashes.length).map(({ id }) => id), hashes];
    await this.begin();
    await this.client.query(
      `insert into proxy_assignments as a (tenant_id, proxy_id, snapshot_hash, assigned_by_kind, assigned_by_name, tried)
       select $1, id, hash, 'system', 'bench', array[hash] from unnest($2::uuid[], $3::text[]) as p (id, hash) order by id
       on conflict (tenant_id, proxy_id) do update
         set snapshot_hash = excluded.snapshot_hash, previous_snapshot_hash = a.snapshot_hash, assigned_at = now(),
             tried = case when excluded.snapshot_hash = any(a.tried) then a.tried
                          else a.tried[cardinality(a.tried) - 13:] || excluded.snapshot_hash end`,
      given,
    );
    await this.client.query(
      `update proxy_heads h set assignment_hash = p.hash
         from unnest($2::uuid[], $3::text[]) as p (id, hash) where h.tenant_id = $1 and h.proxy_id = p.id`,
      given,
    );
    const at = clock();
    await this.client.query('commit; notify efms_heads');
    return at;
  }

  /** Stores snapshots of resources that the tenant has: ten thousand commits would take as long as the benchmark. */
  async store(snapshots: readonly StoredSnapshot[]): Promise<void> {
    for (let i = 0; i < snapshots.length; i += STORED_AT_ONCE) {
      const some = snapshots.slice(i, i + STORED_AT_ONCE);
      await this.inTenant(() =>
        this.client.query(
          `insert into snapshots (tenant_id, hash, resources, resource_count, byte_size)
           select $1, hash, resources, jsonb_array_length(resources), 0 from unnest($2::text[], $3::jsonb[]) as s (hash, resources)
           on conflict do nothing`,
          [this.tenant.id, some.map(({ hash }) => hash), some.map(({ entries }) => JSON.stringify(entries))],
        ),
      );
    }
  }

  /** One value of one row, seen by the tenant. */
  async value<T>(sql: string, parameters: readonly unknown[]): Promise<T> {
    return this.inTenant(async () => {
      const { rows } = await this.client.query<{ value: T }>(sql, [...parameters]);
      if (!rows[0]) throw new Error(`nothing found by ${sql}`);
      return rows[0].value;
    });
  }

  end(): Promise<void> {
    return this.client.end();
  }

  private async begin(): Promise<void> {
    await this.client.query('begin');
    await this.client.query(`select set_config('app.current_tenant', $1, true)`, [this.tenant.id]);
  }

  private async inTenant<T>(work: () => Promise<T>): Promise<T> {
    await this.begin();
    const result = await work();
    await this.client.query('commit');
    return result;
  }
}

/** Gives proxies the tokens that they have here, in a transaction of their tenant. */
export async function issueTokens(client: pg.Client, tenantId: string, proxies: readonly Proxy[]): Promise<void> {
  const hashes = proxies.map(({ token }) => createHash('sha256').update(token).digest());
  const ids = proxies.map(() => v7());
  await client.query(
    `insert into proxy_credentials (tenant_id, id, proxy_id, token_hash)
     select $1, * from unnest($2::uuid[], $3::uuid[], $4::bytea[])`,
    [tenantId, ids, proxies.map(({ id }) => id), hashes],
  );
  await client.query(
    `insert into credential_index (kind, lookup_hash, tenant_id, subject_id)
     select 'proxy_token', hash, $1, id from unnest($2::bytea[], $3::uuid[]) as c (hash, id)`,
    [tenantId, hashes, ids],
  );
}
