import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { Place } from '../kit/place.ts';
import { makeFleet, type Tenant } from '../rest/fleet.ts';
import { issueTokens } from '../xds/proxies.ts';
import type { MemberOptions } from './client/hollow-fleet.ts';
import { nameOf } from './client/names.ts';
import { Line } from './changes/line.ts';
import { Overlay } from './overlay.ts';
import type { Random } from './random.ts';

const TENANTS = 2;
export const SECRETS = 4;
/** One in so many proxies refuses what is poisoned, or takes long for everything. */
const PICKY = 12;
const SLOW = 10;

/** Proxies of one tenant that get the versions of one configuration. */
export interface Group {
  readonly tenant: SimTenant;
  readonly name: string;
  readonly line: Line;
  readonly proxies: readonly string[];
}

export interface SimTenant {
  readonly name: string;
  readonly credential: string;
  readonly overlay: Overlay;
}

export interface Population {
  readonly members: readonly MemberOptions[];
  readonly tenants: readonly SimTenant[];
  readonly groups: readonly Group[];
  /** By id of the proxy. */
  readonly tenantOf: ReadonlyMap<string, SimTenant>;
}

/** Two groups of each tenant, by the roles that `makeFleet` labels proxies with. */
const GROUPS = [
  { name: 'edge', selector: 'role=edge' },
  { name: 'inner', selector: 'role in (ingress,egress)' },
] as const;

interface Maker {
  call<T>(method: string, target: string, options?: { readonly body?: unknown; readonly as?: string }): Promise<T>;
}

/** Registers tenants with proxies, groups, configurations and secrets. */
export async function populate(api: Maker, place: Place, proxies: number, random: Random): Promise<Population> {
  const made = await makeFleet(api, place, { tenants: TENANTS, proxies });
  const members: MemberOptions[] = [];
  const groups: Group[] = [];
  const tenants: SimTenant[] = [];
  const tenantOf = new Map<string, SimTenant>();
  for (const [i, one] of made.entries()) {
    const tenant = { name: `tenant-${i}`, credential: one.credentials[1], overlay: new Overlay() };
    tenants.push(tenant);
    members.push(...(await credentials(place, one)));
    for (const { id } of one.proxies) tenantOf.set(id, tenant);
    for (let secret = 0; secret < SECRETS; secret += 1) {
      const [name, value] = [nameOf.secret(secret), `value-${i * SECRETS + secret}`];
      tenant.overlay.secret(name, value);
      await api.call('PUT', `/secrets/name:${name}`, { body: { genericSecret: { value } }, as: tenant.credential });
    }
    for (const { name, selector } of GROUPS) {
      await api.call('PUT', `/proxy-groups/name:${name}`, { body: { selector }, as: tenant.credential });
      await api.call('POST', '/configurations', { body: { name }, as: tenant.credential });
      const line = new Line({ name: `${tenant.name}-${name}`, number: groups.length, secrets: SECRETS }, random);
      groups.push({ tenant, name, line, proxies: await membersOf(api, tenant, name) });
    }
  }
  return { members, tenants, groups, tenantOf };
}

async function membersOf(api: Maker, { credential }: SimTenant, group: string): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const after: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const target = `/proxy-groups/name:${group}/proxies?limit=500${after}`;
    const page: Page = await api.call<Page>('GET', target, { as: credential });
    ids.push(...page.items.map(({ id }) => id));
    cursor = page.nextCursor;
  }
  return ids;
}

interface Page {
  readonly items: readonly { readonly id: string }[];
  readonly nextCursor: string | null;
}

async function credentials(place: Place, { id, proxies }: Tenant): Promise<MemberOptions[]> {
  const client = new pg.Client({ connectionString: place.appUrl });
  await client.connect();
  try {
    const all = proxies.map((proxy, i) => {
      return { id: proxy.id, nodeId: `node-${i + 1}`, token: `efmsp_${randomBytes(32).toString('base64url')}` };
    });
    await client.query('begin');
    await client.query(`select set_config('app.current_tenant', $1, true)`, [id]);
    await issueTokens(client, id, all);
    await client.query('commit');
    return all.map((proxy, i) => ({
      ...proxy,
      protocol: i % 2 === 0 ? 'delta' : 'sotw',
      behaviour: { isPicky: i % PICKY === 3, delayMs: i % SLOW === 4 ? 300 : 0 },
    }));
  } finally {
    await client.end();
  }
}
