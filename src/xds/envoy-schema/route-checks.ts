import { type ReflectMessage } from '@bufbuild/protobuf/reflect';
import { childOf, childrenOf, fieldOf, isSet, numberOf, textOf, textsOf } from './message-fields.js';
import { type MessagePath, stepTo } from './message-path.js';

/** Told of a problem at a place. */
export type Report = (path: MessagePath | null, rule: string, detail: string, severity?: 'warning') => void;

/** What Envoy refuses, or a request can never reach, in a route configuration, by RDS or inline. */
export function checkRoutes(message: ReflectMessage, path: MessagePath | null, report: Report): void {
  if (message.desc.typeName === 'envoy.config.route.v3.RouteConfiguration') checkDomains(message, path, report);
  if (message.desc.typeName === 'envoy.config.route.v3.VirtualHost') checkReachable(message, path, report);
  if (message.desc.typeName === 'envoy.config.route.v3.WeightedCluster') checkWeights(message, path, report);
}

function checkDomains(configuration: ReflectMessage, path: MessagePath | null, report: Report): void {
  const owners = new Map<string, string>();
  const hosts = stepTo(path, fieldOf(configuration, 'virtual_hosts'));
  childrenOf(configuration, 'virtual_hosts').forEach((host, i) => {
    const domains = stepTo(stepTo(hosts, i), fieldOf(host, 'domains'));
    textsOf(host, 'domains').forEach((domain, j) => {
      const owner = owners.get(domain.toLowerCase());
      if (owner !== undefined) {
        const where = owner === textOf(host, 'name') ? 'twice in this virtual host' : `also in virtual host "${owner}"`;
        report(stepTo(domains, j), 'duplicate.domain', `the domain "${domain}" stands ${where}; keep one`);
      }
      owners.set(domain.toLowerCase(), textOf(host, 'name'));
    });
  });
}

const CONDITIONS = ['headers', 'query_parameters', 'dynamic_metadata', 'filter_state', 'cookies'];
const OPTIONS = ['runtime_fraction', 'grpc', 'tls_context'];

function checkReachable(host: ReflectMessage, path: MessagePath | null, report: Report): void {
  const routes = childrenOf(host, 'routes');
  const catchAll = routes.findIndex((route) => {
    const match = childOf(route, 'match');
    return match !== undefined && takesEverything(match);
  });
  if (catchAll < 0) return;
  const list = stepTo(path, fieldOf(host, 'routes'));
  for (let i = catchAll + 1; i < routes.length; i++) {
    const detail = `no request gets here: route ${catchAll} of this virtual host takes all of them; move this one before it`;
    report(stepTo(list, i), 'route.unreachable', detail, 'warning');
  }
}

function takesEverything(match: ReflectMessage): boolean {
  if (!isSet(match, 'prefix') || !['', '/'].includes(textOf(match, 'prefix'))) return false;
  const has = (name: string): boolean => match.fields.some((field) => field.name === name) && isSet(match, name);
  return !CONDITIONS.some(has) && !OPTIONS.some(has);
}

function checkWeights(weighted: ReflectMessage, path: MessagePath | null, report: Report): void {
  const clusters = childrenOf(weighted, 'clusters');
  const total = clusters.reduce((sum, cluster) => sum + (numberOf(cluster, 'weight') ?? 0), 0);
  if (clusters.length > 0 && total === 0) {
    report(
      stepTo(path, fieldOf(weighted, 'clusters')),
      'route.weights',
      'the weights sum to 0; give at least one cluster a weight',
    );
  }
}
