import { callOf } from '../kit/http-call.ts';
import { pick, seeded } from '../kit/numbers.ts';
import type { Call } from '../kit/open-loop.ts';
import type { Efms } from '../kit/place.ts';
import type { Tenant } from './fleet.ts';

/** Requests that differ; more of them are repeats. */
const DIFFERENT = 20_000;

/** What is read, and how often in a hundred. Lists hold up to 50 proxies where they do not say otherwise. */
const MIX: readonly {
  readonly share: number;
  readonly group: string;
  readonly target: (tenant: Tenant, random: () => number) => string;
}[] = [
  { share: 50, group: 'by id', target: ({ proxies }, random) => `/proxies/${pick(proxies, random).id}` },
  { share: 10, group: 'by name', target: ({ proxies }, random) => `/proxies/name:${pick(proxies, random).name}` },
  { share: 10, group: 'list', target: () => '/proxies' },
  {
    share: 10,
    group: 'list by prefix',
    target: (_, random) => `/proxies?limit=20&name=proxy-00${pick(PREFIXES, random)}`,
  },
  {
    share: 10,
    group: 'list by labels',
    target: (_, random) => `/proxies?labels=${encodeURIComponent(pick(SELECTORS, random))}`,
  },
  { share: 10, group: 'list by time', target: () => '/proxies?sort=-createdAt&limit=20' },
];

const SELECTORS = ['role=edge,zone in (a,b)', 'env=prod,rack=8', 'role!=egress,env=staging', 'rack in (1,2,3)'];
/** A hundred proxies each, in a tenant of five hundred. */
const PREFIXES = [0, 1, 2, 3, 4];

/** Reads over all tenants, one half with access tokens and one with API keys. */
export function readCalls(tenants: readonly Tenant[]): Call[] {
  const random = seeded(1);
  return Array.from({ length: DIFFERENT }, () => {
    const tenant = pick(tenants, random);
    let rest = random() * 100;
    const kind = MIX.find(({ share }) => (rest -= share) < 0) ?? MIX[0];
    if (!kind) throw new Error('nothing is read');
    return callOf({
      group: kind.group,
      method: 'GET',
      target: kind.target(tenant, random),
      credential: pick(tenant.credentials, random),
      expected: 200,
    });
  });
}

/** Looks once at what is read, so that nobody measures how fast empty pages are. */
export async function assertReads(efms: Efms, tenants: readonly Tenant[]): Promise<void> {
  const random = seeded(2);
  for (const { group, target } of MIX) {
    const tenant = pick(tenants, random);
    for (const as of tenant.credentials) {
      const path = target(tenant, random);
      const { id, items } = await efms.call<{ id?: string; items?: { id: string }[] }>('GET', path, { as });
      const known = new Set(tenant.proxies.map((proxy) => proxy.id));
      const found = items ? items.map((item) => item.id) : [id ?? ''];
      if (found.length === 0 && tenant.proxies.length >= 500) throw new Error(`${group}: ${path} holds nothing`);
      if (!found.every((each) => known.has(each))) throw new Error(`${group}: ${path} shows what is not the tenant's`);
    }
  }
}
