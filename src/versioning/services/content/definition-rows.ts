import { isIP } from 'node:net';
import { newId } from '../../../common/context/ids.js';
import type { NamedResource } from '../diff/snapshot-diff.js';
import { type Json, type JsonObject, isObject } from '../diff/json-diff.js';

/** A row of a definition table without its tenant, by column name; columns left out are null. */
export type DefinitionRow = Readonly<Record<string, Json>>;

/** The definition index of one version, table by table in an order that foreign keys allow. */
export interface DefinitionRows {
  readonly listener_definitions: DefinitionRow[];
  readonly filter_chains: DefinitionRow[];
  readonly route_definitions: DefinitionRow[];
  readonly route_matches: DefinitionRow[];
  readonly cluster_definitions: DefinitionRow[];
  readonly cluster_endpoints: DefinitionRow[];
  readonly cluster_health_checks: DefinitionRow[];
  readonly endpoint_definitions: DefinitionRow[];
}

/**
 * Reads the searchable fields out of canonical resources (snake_case, proto3 JSON). Nothing is checked here: what a document leaves
 * out or says in a way that has no column is null, and the whole resource stands beside it.
 */
export function definitionRows(versionId: string, resources: readonly NamedResource[]): DefinitionRows {
  const rows: DefinitionRows = {
    listener_definitions: [],
    filter_chains: [],
    route_definitions: [],
    route_matches: [],
    cluster_definitions: [],
    cluster_endpoints: [],
    cluster_health_checks: [],
    endpoint_definitions: [],
  };
  for (const resource of resources) {
    if (resource.kind === 'listener') addListener(rows, versionId, resource);
    else if (resource.kind === 'route') addRoute(rows, versionId, resource);
    else if (resource.kind === 'cluster') addCluster(rows, versionId, resource);
    else if (resource.kind === 'endpoint') addEndpoints(rows, versionId, resource);
  }
  return rows;
}

function addListener(rows: DefinitionRows, versionId: string, { name, json }: NamedResource): void {
  const id = newId();
  rows.listener_definitions.push({
    id,
    configuration_version_id: versionId,
    name,
    ...addressColumns(json['address']),
    protocol: valueAt(json, 'address', 'socket_address', 'protocol'),
    listener_config: json,
    traffic_direction: json['traffic_direction'] ?? null,
    connection_balance_config: json['connection_balance_config'] ?? null,
    transparent: json['transparent'] ?? null,
    freebind: json['freebind'] ?? null,
  });
  const chains = objects(json['filter_chains']).map((chain) => ({ chain, isDefault: false }));
  if (isObject(json['default_filter_chain'])) chains.push({ chain: json['default_filter_chain'], isDefault: true });
  for (const [order, { chain, isDefault }] of chains.entries()) {
    rows.filter_chains.push({
      id: newId(),
      listener_id: id,
      name: chain['name'] ?? null,
      filter_chain_match: chain['filter_chain_match'] ?? null,
      filters: chain['filters'] ?? [],
      transport_socket: chain['transport_socket'] ?? null,
      use_proxy_proto: chain['use_proxy_proto'] ?? null,
      metadata: chain['metadata'] ?? null,
      is_default: isDefault,
      chain_order: order,
    });
  }
}

const ROUTE_ACTIONS = ['route', 'redirect', 'direct_response', 'filter_action', 'non_forwarding_action'] as const;

function addRoute(rows: DefinitionRows, versionId: string, { name, json }: NamedResource): void {
  const id = newId();
  rows.route_definitions.push({
    id,
    configuration_version_id: versionId,
    name,
    virtual_hosts: json['virtual_hosts'] ?? [],
    internal_only_headers: json['internal_only_headers'] ?? null,
    response_headers_to_add: json['response_headers_to_add'] ?? null,
    response_headers_to_remove: json['response_headers_to_remove'] ?? null,
    request_headers_to_add: json['request_headers_to_add'] ?? null,
    request_headers_to_remove: json['request_headers_to_remove'] ?? null,
    validate_clusters: json['validate_clusters'] ?? null,
  });
  let order = 0;
  for (const host of objects(json['virtual_hosts'])) {
    for (const route of objects(host['routes'])) {
      const action = ROUTE_ACTIONS.find((candidate) => route[candidate] !== undefined);
      rows.route_matches.push({
        id: newId(),
        route_definition_id: id,
        virtual_host_name: host['name'] ?? '',
        match_config: route['match'] ?? {},
        route_action: action === undefined ? {} : { [action]: route[action] ?? {} },
        metadata: route['metadata'] ?? null,
        timeout_ms: durationMs(valueAt(route, 'route', 'timeout')),
        retry_policy: valueAt(route, 'route', 'retry_policy'),
        match_order: order,
      });
      order += 1;
    }
  }
}

function addCluster(rows: DefinitionRows, versionId: string, { name, json }: NamedResource): void {
  const id = newId();
  rows.cluster_definitions.push({
    id,
    configuration_version_id: versionId,
    name,
    cluster_type: json['type'] ?? valueAt(json, 'cluster_type', 'name'),
    connect_timeout_ms: durationMs(json['connect_timeout']),
    lb_policy: json['lb_policy'] ?? null,
    cluster_config: json,
    circuit_breakers: json['circuit_breakers'] ?? null,
    outlier_detection: json['outlier_detection'] ?? null,
    load_assignment: json['load_assignment'] ?? null,
    eds_config: valueAt(json, 'eds_cluster_config', 'eds_config'),
    dns_resolvers: json['dns_resolvers'] ?? null,
    transport_socket: json['transport_socket'] ?? null,
    metadata: json['metadata'] ?? null,
  });
  for (const locality of objects(valueAt(json, 'load_assignment', 'endpoints'))) {
    for (const endpoint of objects(locality['lb_endpoints'])) {
      rows.cluster_endpoints.push({
        id: newId(),
        cluster_id: id,
        ...addressColumns(valueAt(endpoint, 'endpoint', 'address')),
        priority: locality['priority'] ?? null,
        weight: endpoint['load_balancing_weight'] ?? null,
        locality_region: valueAt(locality, 'locality', 'region'),
        locality_zone: valueAt(locality, 'locality', 'zone'),
        locality_subzone: valueAt(locality, 'locality', 'sub_zone'),
        health_status: endpoint['health_status'] ?? null,
        metadata: endpoint['metadata'] ?? null,
      });
    }
  }
  for (const check of objects(json['health_checks'])) rows.cluster_health_checks.push(healthCheckRow(id, check));
}

function healthCheckRow(clusterId: string, check: JsonObject): DefinitionRow {
  return {
    id: newId(),
    cluster_id: clusterId,
    timeout_ms: durationMs(check['timeout']),
    interval_ms: durationMs(check['interval']),
    interval_jitter_ms: durationMs(check['interval_jitter']),
    unhealthy_threshold: check['unhealthy_threshold'] ?? null,
    healthy_threshold: check['healthy_threshold'] ?? null,
    path: valueAt(check, 'http_health_check', 'path'),
    http_method: valueAt(check, 'http_health_check', 'method'),
    expected_statuses: valueAt(check, 'http_health_check', 'expected_statuses'),
    tcp_send: valueAt(check, 'tcp_health_check', 'send'),
    tcp_receive: valueAt(check, 'tcp_health_check', 'receive'),
    grpc_service_name: valueAt(check, 'grpc_health_check', 'service_name'),
  };
}

function addEndpoints(rows: DefinitionRows, versionId: string, { name, json }: NamedResource): void {
  rows.endpoint_definitions.push({
    id: newId(),
    configuration_version_id: versionId,
    cluster_name: name,
    endpoints: json['endpoints'] ?? [],
    policy: json['policy'] ?? null,
  });
}

/** Pipes, internal listeners and host names are addresses too; only a literal IP has an `ip_address`. */
function addressColumns(address: Json | undefined): DefinitionRow {
  const socket = valueAt(address, 'socket_address');
  if (isObject(socket)) {
    const host = socket['address'] ?? null;
    const isLiteral = typeof host === 'string' && isIP(host) !== 0;
    return {
      address_kind: 'socket',
      address: host,
      ip_address: isLiteral ? host : null,
      port: socket['port_value'] ?? null,
    };
  }
  const pipe = valueAt(address, 'pipe', 'path');
  if (pipe !== null) return { address_kind: 'pipe', address: pipe, ip_address: null, port: null };
  const internal = valueAt(address, 'envoy_internal_address', 'server_listener_name');
  return { address_kind: internal === null ? 'none' : 'internal', address: internal, ip_address: null, port: null };
}

/** The value under a path of keys, or null where the path ends early. */
function valueAt(value: Json | undefined, ...path: readonly string[]): Json {
  let current: Json | undefined = value;
  for (const key of path) current = isObject(current) ? current[key] : undefined;
  return current ?? null;
}

const objects = (value: Json | undefined): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : []);

/** A proto3 JSON duration ("1.5s") in whole milliseconds. */
function durationMs(value: Json | undefined): number | null {
  const seconds = typeof value === 'string' ? /^(-?\d+(?:\.\d+)?)s$/.exec(value)?.[1] : undefined;
  return seconds === undefined ? null : Math.round(Number(seconds) * 1000);
}
