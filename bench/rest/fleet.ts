import pg from 'pg';
import { v7 } from 'uuid';
import type { Efms, Place } from '../kit/place.ts';

export interface Size {
  readonly tenants: number;
  /** In all tenants together. */
  readonly proxies: number;
}

/** One tenant of the benchmark, and what it is asked with. */
export interface Tenant {
  readonly id: string;
  /** An access token and an API key. */
  readonly credentials: readonly [string, string];
  readonly proxies: readonly { readonly id: string; readonly name: string }[];
}

/** What tenants are opened through. */
type Api = Pick<Efms, 'call'>;

const PASSWORD = 'battery-staple-of-benches';
const PROXIES_PER_MACHINE = 4;

/** Opens tenants over the API and fills them with machines and proxies as `efms_app`, with labels, triggers and audit as always. */
export async function makeFleet(efms: Api, place: Place, { tenants, proxies }: Size): Promise<Tenant[]> {
  const client = new pg.Client({ connectionString: place.appUrl });
  await client.connect();
  try {
    const made: Tenant[] = [];
    for (let i = 0; i < tenants; i += 1) {
      const { id, credentials } = await openTenant(efms, `bench-${i}`);
      made.push({ id, credentials, proxies: await fill(client, id, Math.ceil(proxies / tenants)) });
    }
    return made;
  } finally {
    await client.end();
  }
}

async function openTenant(efms: Api, name: string): Promise<Pick<Tenant, 'id' | 'credentials'>> {
  const email = `admin@${name}.example`;
  const { id, invitation } = await efms.call<{ id: string; invitation: { token: string } }>('POST', '/tenants', {
    body: { name, admin: { email } },
  });
  await efms.call('POST', '/auth/accept-invitation', { body: { token: invitation.token, password: PASSWORD } });
  const login = { body: { email, password: PASSWORD } };
  const { accessToken } = await efms.call<{ accessToken: string }>('POST', '/auth/login', login);
  const { key } = await efms.call<{ key: string }>('POST', '/api-keys', { body: { name: 'bench' }, as: accessToken });
  return { id, credentials: [accessToken, key] };
}

async function fill(client: pg.Client, tenantId: string, count: number): Promise<Tenant['proxies']> {
  const machines = Array.from({ length: Math.ceil(count / PROXIES_PER_MACHINE) }, () => v7());
  const proxies = Array.from({ length: count }, (_, i) => ({ id: v7(), name: `proxy-${String(i).padStart(5, '0')}` }));
  await client.query('begin');
  await client.query(`select set_config('app.current_tenant', $1, true)`, [tenantId]);
  await client.query(
    `insert into virtual_machines (tenant_id, id, hostname, region)
     select $1, id, 'vm-' || n, 'region-' || n % 5 from unnest($2::uuid[]) with ordinality as m (id, n)`,
    [tenantId, machines],
  );
  // Created one after the other, as people do, so that they can be sorted by time.
  await client.query(
    `insert into envoy_proxies (tenant_id, id, name, node_id, labels, vm_id, created_at)
     select $1, id, name, 'node-' || n,
            jsonb_build_object('role', (array['edge', 'ingress', 'egress'])[1 + n % 3], 'zone', chr(97 + (n % 5)::int),
                               'env', (array['prod', 'staging'])[1 + n % 2], 'rack', (n % 50)::text),
            ($4::uuid[])[1 + (n - 1) / ${PROXIES_PER_MACHINE}], now() - make_interval(secs => 100000 - n)
       from unnest($2::uuid[], $3::text[]) with ordinality as p (id, name, n)`,
    [tenantId, proxies.map(({ id }) => id), proxies.map(({ name }) => name), machines],
  );
  await client.query('commit');
  return proxies;
}
