import { isIP } from 'node:net';
import { canonicalIp } from '../../infrastructure/index.js';
import type { JsonObject } from '../envoy-api/index.js';

export const HEALTH_STATUSES = ['UNKNOWN', 'HEALTHY', 'UNHEALTHY', 'DRAINING', 'TIMEOUT', 'DEGRADED'] as const;
/** As Envoy calls them (`envoy.config.core.v3.HealthStatus`). */
export type HealthStatus = (typeof HEALTH_STATUSES)[number];

/** What is said of one endpoint in the place of what its set says; null says nothing. */
export interface EndpointChange {
  readonly address: string;
  readonly port: number;
  readonly healthStatus: HealthStatus | null;
  readonly weight: number | null;
}

/** Of an endpoint or, as Envoy has it, of all endpoints of a locality together. */
export const MAX_WEIGHT = 4_294_967_295;

/**
 * An endpoint set (`ClusterLoadAssignment` in proto3 JSON, snake_case) with endpoints changed. An endpoint that it does not have is left
 * alone, and so are the weights of a locality that Envoy would refuse for their sum.
 * @returns undefined where nothing changes
 */
export function overrideEndpoints(set: JsonObject, changes: readonly EndpointChange[]): JsonObject | undefined {
  const byPlace = new Map(changes.map((change) => [`${change.address} ${change.port}`, change]));
  const localities = objectsOf(set['endpoints']);
  const changed = localities.map((locality) => overrideLocality(locality, byPlace));
  return changed.some((locality, i) => locality !== localities[i]) ? { ...set, endpoints: changed } : undefined;
}

function overrideLocality(locality: JsonObject, byPlace: ReadonlyMap<string, EndpointChange>): JsonObject {
  const endpoints = objectsOf(locality['lb_endpoints']);
  const apply = (taken: (change: EndpointChange) => EndpointChange): readonly JsonObject[] =>
    endpoints.map((endpoint) => {
      const change = byPlace.get(placeOf(endpoint));
      return change ? overrideOne(endpoint, taken(change)) : endpoint;
    });
  const asked = apply((change) => change);
  const total = asked.reduce((sum, endpoint) => sum + weightOf(endpoint), 0);
  const overridden = total > MAX_WEIGHT ? apply((change) => ({ ...change, weight: null })) : asked;
  const isSame = overridden.every((endpoint, i) => endpoint === endpoints[i]);
  return isSame ? locality : { ...locality, lb_endpoints: overridden };
}

function overrideOne(endpoint: JsonObject, { healthStatus, weight }: EndpointChange): JsonObject {
  const isHealthChanged = healthStatus !== null && healthStatus !== (endpoint['health_status'] ?? 'UNKNOWN');
  const isWeightChanged = weight !== null && weight !== endpoint['load_balancing_weight'];
  if (!isHealthChanged && !isWeightChanged) return endpoint;
  return {
    ...endpoint,
    ...(isHealthChanged && { health_status: healthStatus }),
    ...(isWeightChanged && { load_balancing_weight: weight }),
  };
}

/** What stands in `EndpointChange` for it; of anything but an IP address with a port, what never does. */
function placeOf(lbEndpoint: JsonObject): string {
  const socket = objectOf(objectOf(objectOf(lbEndpoint['endpoint'])['address'])['socket_address']);
  const { address, port_value: port } = socket;
  return typeof address === 'string' && isIP(address) > 0 ? `${canonicalIp(address)} ${String(port)}` : '';
}

function weightOf({ load_balancing_weight: weight }: JsonObject): number {
  return typeof weight === 'number' ? weight : 1;
}

const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null;
const objectOf = (value: unknown): JsonObject => (isObject(value) ? value : {});
const objectsOf = (value: unknown): readonly JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : []);
