import type { Visited } from '../message-walk.js';
import { isOwnStream } from '../references.js';
import type { Report } from './report.js';

interface Undelivered {
  readonly source: string;
  readonly rule: string;
  readonly detail: string;
}

/** What a proxy could ask EFMS for and would never get: it would wait and serve nothing meanwhile. */
const UNDELIVERED: ReadonlyMap<string, Undelivered> = new Map([
  [
    'envoy.config.route.v3.Vhds',
    {
      source: 'configSource',
      rule: 'unsupported.virtual-hosts',
      detail: 'virtual hosts cannot be delivered on demand yet; put them into the route configuration',
    },
  ],
  [
    'envoy.extensions.filters.network.http_connection_manager.v3.ScopedRds',
    {
      source: 'scopedRdsConfigSource',
      rule: 'unsupported.scoped-routes',
      detail: 'scoped routes cannot be delivered yet; put them into scoped_route_configurations_list',
    },
  ],
  [
    'envoy.config.endpoint.v3.LedsClusterLocalityConfig',
    {
      source: 'ledsConfig',
      rule: 'unsupported.locality-endpoints',
      detail: 'endpoints cannot be delivered per locality yet; put them into the endpoint set',
    },
  ],
]);

/** Refuses what would have to come from EFMS and is not served. */
export function checkDelivery({ type, message }: Visited, report: Report): void {
  const undelivered = UNDELIVERED.get(type.typeName);
  const source = type.field[undelivered?.source ?? ''];
  if (!undelivered || !source || !isOwnStream(message[source.localName])) return;
  report('error', [source], undelivered.rule, undelivered.detail);
}
