import { edsCluster, endpointSet, httpListener, type Resource, routeConfiguration } from '../../test/kit/resources.ts';
import { callOf } from '../kit/http-call.ts';
import { pick, seeded } from '../kit/numbers.ts';
import type { Call } from '../kit/open-loop.ts';
import type { Efms } from '../kit/place.ts';
import type { Tenant } from './fleet.ts';

/** Writes of proxies: registering new ones, replacing and patching others, and replacing with what is there already. */
export class ProxyWrites {
  private readonly tenants: readonly Tenant[];
  private readonly random = seeded(3);
  private made = 0;

  constructor(tenants: readonly Tenant[]) {
    this.tenants = tenants;
  }

  /** Each is sent once only. */
  calls(count: number): Call[] {
    return Array.from({ length: count }, () => this.call());
  }

  private call(): Call {
    const tenant = pick(this.tenants, this.random);
    const credential = pick(tenant.credentials, this.random);
    const number = (this.made += 1);
    const { id, name } = pick(tenant.proxies, this.random);
    const labels = { role: 'edge', rack: String(number % 50), change: String(number) };
    const anyhow = { 'if-match': '*' };
    switch (number % 3) {
      case 0: {
        const body = { name: `made-${number}`, nodeId: `made-${number}`, labels };
        return callOf({ group: 'POST', method: 'POST', target: '/proxies', credential, body, expected: 201 });
      }
      case 1: {
        const body = { nodeId: `node-${Number(name.slice(6)) + 1}`, labels };
        const target = `/proxies/name:${name}`;
        return callOf({ group: 'PUT', method: 'PUT', target, credential, body, headers: anyhow, expected: 200 });
      }
      default: {
        const body = { labels: { change: String(number) } };
        const target = `/proxies/${id}`;
        return callOf({ group: 'PATCH', method: 'PATCH', target, credential, body, headers: anyhow, expected: 200 });
      }
    }
  }
}

/** One configuration that is committed to, whose head follows from how often that was. */
interface Line {
  readonly tenant: Tenant;
  readonly name: string;
  head: number | null;
}

/** Commits of snapshots to many configurations in turn, so that each has ended before the next to the same one is due. */
export class Commits {
  private readonly group: string;
  private readonly lines: readonly Line[];
  private readonly resources: number;
  private made = 0;

  private constructor(group: string, lines: readonly Line[], resources: number) {
    this.group = group;
    this.lines = lines;
    this.resources = resources;
  }

  /** @param what name of the configurations, how many, and how many resources a snapshot of theirs has */
  static async prepare(
    efms: Efms,
    tenants: readonly Tenant[],
    what: { readonly name: string; readonly lines: number; readonly resources: number },
  ): Promise<Commits> {
    const lines: Line[] = [];
    for (let i = 0; i < what.lines; i += 1) {
      const tenant = tenants[i % tenants.length];
      if (!tenant) throw new Error('there are no tenants');
      const name = `${what.name}-${i}`;
      await efms.call('POST', '/configurations', { body: { name }, as: tenant.credentials[0] });
      lines.push({ tenant, name, head: null });
    }
    return new Commits(what.name, lines, what.resources);
  }

  /** Each is sent once only, in this order. */
  calls(count: number): Call[] {
    return Array.from({ length: count }, () => this.call());
  }

  private call(): Call {
    const number = (this.made += 1);
    const line = this.lines[number % this.lines.length];
    if (!line) throw new Error('there are no configurations');
    const body = { branch: 'main', expectedHead: line.head, message: '', snapshot: snapshotOf(this.resources, number) };
    line.head = (line.head ?? 0) + 1;
    return callOf({
      group: this.group,
      method: 'POST',
      target: `/configurations/name:${line.name}/versions`,
      credential: line.tenant.credentials[number % 2] ?? '',
      body,
      expected: 201,
    });
  }
}

const KINDS = 4;

/** So many resources, of listeners, routes, clusters and endpoints alike; the number makes its content differ from any other's. */
function snapshotOf(resources: number, number: number): Record<string, Resource[]> {
  const names = Array.from({ length: resources / KINDS }, (_, i) => `service-${i}`);
  const timeout = `${1 + (number % 60)}.${String(number).padStart(6, '0')}s`;
  return {
    listeners: names.map((name, i) => httpListener(name, 10_000 + i, name)),
    routes: names.map((name) => routeConfiguration(name, { '/api': name, '/static': name, '/': name })),
    clusters: names.map((name) => edsCluster(name, { connect_timeout: timeout })),
    endpoints: names.map((name) => endpointSet(name, 8001, 8002, 8003)),
  };
}
