import { quote } from '../decoding/decode-run.js';
import type { Fields } from '../message-tree.js';
import type { Visited } from '../message-walk.js';
import type { Report } from './report.js';

const ROUTE_CONFIGURATION = 'envoy.config.route.v3.RouteConfiguration';
const VIRTUAL_HOST = 'envoy.config.route.v3.VirtualHost';
const WEIGHTED_CLUSTER = 'envoy.config.route.v3.WeightedCluster';

/** Envoy refuses a domain twice in a route configuration, and never comes to a route behind one that takes everything. */
export function checkVirtualHosts(visited: Visited, report: Report): void {
  if (visited.type.typeName === ROUTE_CONFIGURATION) checkDomains(visited, report);
  if (visited.type.typeName === VIRTUAL_HOST) checkReachability(visited, report);
}

function checkDomains({ type, message }: Visited, report: Report): void {
  const hosts = type.field['virtualHosts'];
  const domains = hosts?.message?.field['domains'];
  if (!hosts || !domains) return;
  const owners = new Map<string, string>();
  (message['virtualHosts'] as readonly Fields[]).forEach((host, i) => {
    (host['domains'] as readonly string[]).forEach((domain, j) => {
      // Host names do not know case.
      const key = domain.toLowerCase();
      const owner = owners.get(key);
      if (owner === undefined) owners.set(key, host['name'] as string);
      else {
        const detail = `the domain ${quote(domain)} is already in virtual host ${quote(owner)}; a domain may be given once`;
        report('error', [hosts, i, domains, j], 'duplicate.domain', detail);
      }
    });
  });
}

function checkReachability({ type, message }: Visited, report: Report): void {
  const field = type.field['routes'];
  const routes = message['routes'] as readonly Fields[];
  const catchAll = routes.findIndex((route) => isCatchAll(route['match'] as Fields | undefined));
  if (!field || catchAll === -1 || catchAll === routes.length - 1) return;
  const detail = `route ${catchAll} of this virtual host takes every request, so this and later routes are never used; move it to the end`;
  report('warning', [field, catchAll + 1], 'route.unreachable', detail);
}

/** The fields of a RouteMatch that do not narrow what it takes. */
const NOT_NARROWING: ReadonlySet<string> = new Set(['$typeName', '$unknown', 'pathSpecifier', 'caseSensitive']);

function isCatchAll(match: Fields | undefined): boolean {
  if (!match) return false;
  const path = match['pathSpecifier'] as { readonly case?: string; readonly value?: unknown };
  if (path.case !== 'prefix' || (path.value !== '/' && path.value !== '')) return false;
  return Object.entries(match).every(
    ([key, value]) => NOT_NARROWING.has(key) || value === undefined || (Array.isArray(value) && value.length === 0),
  );
}

/** Envoy refuses weighted clusters whose weights are all 0. */
export function checkWeights({ type, message }: Visited, report: Report): void {
  if (type.typeName !== WEIGHTED_CLUSTER) return;
  const clusters = message['clusters'] as readonly Fields[];
  const field = type.field['clusters'];
  const total = clusters.reduce((sum, cluster) => sum + ((cluster['weight'] as number | undefined) ?? 0), 0);
  if (!field || clusters.length === 0) return;
  if (total === 0) {
    report('error', [field], 'weights.zero', 'the weights of the clusters sum to 0; give one of them a weight');
  } else if (total > 0xffff_ffff) {
    report(
      'error',
      [field],
      'weights.sum',
      'the weights of the clusters sum to more than 4294967295; make them smaller',
    );
  }
}
