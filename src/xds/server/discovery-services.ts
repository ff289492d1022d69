import type { PackageDefinition } from '@grpc/proto-loader';
import type { ResourceKind } from '../resource-types.js';
import { bytesMethod } from './bytes-method.js';
import type { StreamVariant } from './server-stats.js';

/** One way to open a stream: a variant, of all types (null) or of one. */
export interface DiscoveryMethod {
  readonly variant: StreamVariant;
  readonly kind: ResourceKind | null;
}

interface DiscoveryService {
  readonly package: string;
  readonly service: string;
  /** What the names of its methods end in. */
  readonly what: string;
}

const of = (packageName: string, service: string, what: string): DiscoveryService => ({
  package: `envoy.service.${packageName}.v3`,
  service: `envoy.service.${packageName}.v3.${service}`,
  what,
});

const ADS = of('discovery', 'AggregatedDiscoveryService', 'AggregatedResources');
const CDS = of('cluster', 'ClusterDiscoveryService', 'Clusters');
const EDS = of('endpoint', 'EndpointDiscoveryService', 'Endpoints');
const LDS = of('listener', 'ListenerDiscoveryService', 'Listeners');
const RDS = of('route', 'RouteDiscoveryService', 'Routes');
const SDS = of('secret', 'SecretDiscoveryService', 'Secrets');
const SERVICES = [ADS, CDS, EDS, LDS, RDS, SDS];

export const ADS_SERVICE = ADS.service;
export const CDS_SERVICE = CDS.service;
export const EDS_SERVICE = EDS.service;
export const LDS_SERVICE = LDS.service;
export const RDS_SERVICE = RDS.service;
export const SDS_SERVICE = SDS.service;

export const DISCOVERY_PACKAGES: string[] = SERVICES.map((service) => service.package);
export const DISCOVERY_SERVICES: readonly string[] = SERVICES.map(({ service }) => service);

/**
 * The services of `envoy.service.*.v3` that proxies stream from, written by hand so that messages pass as bytes: requests are read
 * by `wire/`, responses are encoded once and shared by streams. The unary `Fetch…` methods are left out, which answers them
 * UNIMPLEMENTED.
 */
export const DISCOVERY_DEFINITION: PackageDefinition = Object.fromEntries(
  SERVICES.map(({ service, what }) => [
    service,
    {
      ...bytesMethod(service, `Stream${what}`, 'bidirectional'),
      ...bytesMethod(service, `Delta${what}`, 'bidirectional'),
    } as never,
  ]),
);
