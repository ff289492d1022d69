import { isDeepStrictEqual } from 'node:util';
import type { Finding } from '../../common/errors/finding.js';
import { DEFAULT_NODE_CLUSTER, XDS_CLUSTER } from '../../infrastructure/index.js';
import type { BootstrapReading, JsonObject } from '../envoy-api/index.js';

/** A bootstrap with EFMS laid over it, or why that cannot be. */
export interface Overlay {
  readonly bootstrap: JsonObject;
  /** Errors only; where there is one, the bootstrap is of no use. */
  readonly findings: readonly Finding[];
}

/** What the overlay needs of a bootstrap that was read without errors. */
export interface GivenBootstrap extends Pick<BootstrapReading, 'pointerTo'> {
  readonly bootstrap: JsonObject;
}

type Place = readonly (string | number)[];
type Report = (place: Place, rule: string, detail: string) => void;

/** Keys of the node's metadata that EFMS itself sets begin so. */
const RESERVED_METADATA = 'efms.';

/**
 * Lays what EFMS renders for a proxy over a bootstrap of its operator: the node, ADS with the cluster that leads to EFMS, and an admin
 * interface and a place for load reports where none is given. All else stays as it was. The node's identity comes from EFMS, and words of the given bootstrap
 * that contradict it are refused rather than dropped. A bootstrap that was laid over before may come again.
 * @param rendered the proxy's full bootstrap
 */
export function overlayBootstrap(given: GivenBootstrap, rendered: JsonObject): Overlay {
  const findings: Finding[] = [];
  const report: Report = (place, rule, detail) => {
    findings.push({ pointer: given.pointerTo(place), rule, detail, severity: 'error' });
  };
  const {
    node,
    admin,
    dynamic_resources: dynamic,
    static_resources: statics,
    cluster_manager: clusterManager,
    ...rest
  } = given.bootstrap;
  const xdsCluster = listOf(objectOf(rendered['static_resources'])['clusters'])[0];
  const bootstrap = {
    ...rest,
    node: overlaidNode(objectOf(node), objectOf(rendered['node']), report),
    static_resources: overlaidStatics(objectOf(statics), objectOf(xdsCluster), report),
    dynamic_resources: rendered['dynamic_resources'],
    admin: admin ?? rendered['admin'],
    cluster_manager: overlaidClusterManager(objectOf(clusterManager), objectOf(rendered['cluster_manager'])),
  };
  if (dynamic !== undefined) refuseOtherSources(objectOf(dynamic), report);
  return { bootstrap, findings };
}

function overlaidNode(given: JsonObject, wanted: JsonObject, report: Report): JsonObject {
  const { id, cluster, locality, metadata } = wanted;
  if (given['id'] !== undefined && given['id'] !== id) {
    const detail = `this proxy is registered with the node id "${String(id)}", and EFMS ends streams that state another; remove it, or register a proxy with this one`;
    report(['node', 'id'], 'bootstrap.node', detail);
  }
  const agree = (key: string, value: unknown): unknown => {
    if (given[key] === undefined || isDeepStrictEqual(given[key], withoutEmpty(value))) return value;
    report(['node', key], 'bootstrap.node', `the proxy is registered with another ${key}; change it here or there`);
    return value;
  };
  return {
    ...given,
    id,
    cluster: cluster === DEFAULT_NODE_CLUSTER ? (given['cluster'] ?? cluster) : agree('cluster', cluster),
    ...(locality === undefined ? {} : { locality: agree('locality', locality) }),
    ...overlaidMetadata(objectOf(given['metadata']), objectOf(metadata), report),
  };
}

function overlaidMetadata(given: JsonObject, wanted: JsonObject, report: Report): JsonObject {
  for (const [key, value] of Object.entries(given)) {
    const place = ['node', 'metadata', key];
    if (key.startsWith(RESERVED_METADATA)) {
      report(place, 'bootstrap.node', `keys that begin with "${RESERVED_METADATA}" are kept for EFMS; rename it`);
    } else if (Object.hasOwn(wanted, key) && !isDeepStrictEqual(wanted[key], value)) {
      report(place, 'bootstrap.node', 'the proxy is registered with another value; change it here or there');
    }
  }
  const metadata = { ...given, ...wanted };
  return Object.keys(metadata).length === 0 ? {} : { metadata };
}

/** The given static resources and the cluster of EFMS, which takes the place of itself where an overlay comes again. */
function overlaidStatics(given: JsonObject, xdsCluster: JsonObject, report: Report): JsonObject {
  const clusters = listOf(given['clusters']);
  const index = clusters.findIndex((cluster) => objectOf(cluster)['name'] === XDS_CLUSTER);
  if (index >= 0 && !isDeepStrictEqual(endpointsOf(clusters[index]), endpointsOf(xdsCluster))) {
    const detail = `${XDS_CLUSTER} is the cluster that leads to EFMS, and this one leads elsewhere; rename or remove it`;
    report(['static_resources', 'clusters', index, 'name'], 'name.reserved', detail);
  }
  return { ...given, clusters: [...clusters.filter((_, i) => i !== index), xdsCluster] };
}

/** The addresses that a cluster with fixed endpoints leads to. */
function endpointsOf(cluster: unknown): unknown[] {
  const localities = listOf(objectOf(objectOf(cluster)['load_assignment'])['endpoints']);
  return localities
    .flatMap((locality) => listOf(objectOf(locality)['lb_endpoints']))
    .map((endpoint) => objectOf(objectOf(endpoint)['endpoint'])['address']);
}

/** EFMS delivers all listeners and clusters: others would be dropped, or go on in secret. */
function refuseOtherSources(dynamic: JsonObject, report: Report): void {
  for (const [key, value] of Object.entries(dynamic)) {
    const config = objectOf(value);
    const isOfEfms = key === 'ads_config' ? leadsToEfms(config) : isOverAds(key, config);
    if (isOfEfms) continue;
    const detail =
      'this comes from somewhere else, and from now on from EFMS; remove it, and bring what it delivers into a configuration';
    report(['dynamic_resources', key], 'bootstrap.dynamic-resources', detail);
  }
}

/** Load is reported to EFMS unless it is reported elsewhere: a proxy has one place for it. */
function overlaidClusterManager(given: JsonObject, rendered: JsonObject): JsonObject {
  const own = objectOf(given['load_stats_config']);
  return Object.keys(own).length === 0 || leadsToEfms(own) ? { ...given, ...rendered } : given;
}

function leadsToEfms(config: JsonObject): boolean {
  const services = listOf(config['grpc_services']);
  const leads = (service: unknown): boolean =>
    objectOf(objectOf(service)['envoy_grpc'])['cluster_name'] === XDS_CLUSTER;
  return services.length > 0 && services.every(leads);
}

const isOverAds = (key: string, config: JsonObject): boolean =>
  (key === 'cds_config' || key === 'lds_config') && config['ads'] !== undefined;

/** Without what canonical JSON leaves out. */
const withoutEmpty = (value: unknown): unknown =>
  typeof value === 'string'
    ? value
    : Object.fromEntries(Object.entries(objectOf(value)).filter(([, one]) => one !== ''));

const objectOf = (value: unknown): JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
