import type { ResourceKind } from '../resource-types.js';
import type { ResourceReference } from '../snapshots/compiled-snapshot.js';
import { type Fields, fieldValue } from './message-tree.js';
import type { Visited } from './message-walk.js';
import type { Step } from './place.js';

/** What one message refers to, and from which of its fields. */
export interface FoundReference extends ResourceReference {
  readonly steps: readonly Step[];
  /** The resource is not warm before this has arrived. */
  readonly isAwaited: boolean;
}

/** Fields that hold the name of a cluster, or a list of names, by message. Empty ones refer to nothing. */
const CLUSTER_FIELDS: ReadonlyMap<string, readonly string[]> = new Map([
  ['envoy.config.core.v3.ApiConfigSource', ['cluster_names']],
  ['envoy.config.core.v3.GrpcService.EnvoyGrpc', ['cluster_name']],
  ['envoy.config.core.v3.HttpUri', ['cluster']],
  ['envoy.config.metrics.v3.StatsdSink', ['tcp_cluster_name']],
  ['envoy.config.route.v3.RouteAction', ['cluster']],
  ['envoy.config.route.v3.RouteAction.RequestMirrorPolicy', ['cluster']],
  ['envoy.config.route.v3.WeightedCluster.ClusterWeight', ['name']],
  ['envoy.config.trace.v3.DatadogConfig', ['collector_cluster']],
  ['envoy.config.trace.v3.LightstepConfig', ['collector_cluster']],
  ['envoy.config.trace.v3.ZipkinConfig', ['collector_cluster']],
  ['envoy.data.dns.v3.DnsTable.DnsEndpoint', ['cluster_name']],
  ['envoy.data.dns.v3.DnsTable.DnsServiceTarget', ['cluster_name']],
  ['envoy.extensions.access_loggers.fluentd.v3.FluentdAccessLogConfig', ['cluster']],
  ['envoy.extensions.clusters.aggregate.v3.ClusterConfig', ['clusters']],
  ['envoy.extensions.clusters.mcp_multicluster.v3.ClusterConfig.McpCluster', ['cluster']],
  ['envoy.extensions.filters.http.gcp_authn.v3.GcpAuthnFilterConfig', ['cluster']],
  ['envoy.extensions.filters.http.mcp_router.v3.McpRouter.McpCluster', ['cluster']],
  ['envoy.extensions.filters.network.dubbo_proxy.v3.RouteAction', ['cluster']],
  ['envoy.extensions.filters.network.generic_proxy.action.v3.RouteAction', ['cluster']],
  ['envoy.extensions.filters.network.redis_proxy.v3.RedisProxy.PrefixRoutes.Route', ['cluster']],
  ['envoy.extensions.filters.network.redis_proxy.v3.RedisProxy.PrefixRoutes.Route.ReadCommandPolicy', ['cluster']],
  ['envoy.extensions.filters.network.redis_proxy.v3.RedisProxy.PrefixRoutes.Route.RequestMirrorPolicy', ['cluster']],
  ['envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', ['cluster']],
  ['envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.WeightedCluster.ClusterWeight', ['name']],
  ['envoy.extensions.filters.network.thrift_proxy.v3.RouteAction', ['cluster']],
  ['envoy.extensions.filters.network.thrift_proxy.v3.RouteAction.RequestMirrorPolicy', ['cluster']],
  ['envoy.extensions.filters.network.thrift_proxy.v3.WeightedCluster.ClusterWeight', ['name']],
  ['envoy.extensions.filters.udp.udp_proxy.v3.Route', ['cluster']],
  ['envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig', ['cluster']],
  ['envoy.extensions.router.cluster_specifiers.lua.v3.LuaConfig', ['default_cluster']],
  ['envoy.extensions.router.cluster_specifiers.matcher.v3.ClusterAction', ['cluster']],
  ['envoy.extensions.router.cluster_specifiers.priority_group.v3.ClusterWeight', ['cluster_name']],
  ['envoy.extensions.tracers.fluentd.v3.FluentdConfig', ['cluster']],
]);

/** Messages that name a resource and, beside it, where it comes from. */
interface SubscriptionFields {
  readonly kind: ResourceKind;
  readonly name: string;
  readonly source: string;
}

const SUBSCRIPTIONS: ReadonlyMap<string, SubscriptionFields> = new Map([
  [
    'envoy.extensions.filters.network.http_connection_manager.v3.Rds',
    { kind: 'route', name: 'route_config_name', source: 'config_source' },
  ],
  [
    'envoy.extensions.filters.network.thrift_proxy.v3.Trds',
    { kind: 'route', name: 'route_config_name', source: 'config_source' },
  ],
  ['envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig', { kind: 'secret', name: 'name', source: 'sds_config' }],
]);

const CLUSTER = 'envoy.config.cluster.v3.Cluster';
const EXTENSION_SOURCE = 'envoy.config.core.v3.ExtensionConfigSource';
const EDS = 3;

/**
 * What a message refers to by name: clusters, wherever they are defined, and what it asks of the stream that delivers the
 * configuration itself ("ads" or "self"). What other servers or files deliver is not the snapshot's.
 */
export function referencesOf(visited: Visited): readonly FoundReference[] {
  const { typeName } = visited.type;
  const clusterFields = CLUSTER_FIELDS.get(typeName);
  if (clusterFields) return clusterFields.flatMap((name) => clusterReferences(visited, name));
  const subscription = SUBSCRIPTIONS.get(typeName);
  if (subscription) return subscriptionReferences(visited, subscription);
  if (typeName === CLUSTER) return endpointReferences(visited);
  if (typeName === EXTENSION_SOURCE) return extensionReferences(visited);
  return [];
}

function clusterReferences({ type, message, steps }: Visited, name: string): FoundReference[] {
  const field = type.fields.find((candidate) => candidate.name === name);
  const value = field && fieldValue(message, field);
  if (!field || value === undefined || value === '') return [];
  const found = (cluster: string, ...more: Step[]): FoundReference => ({
    kind: 'cluster',
    name: cluster,
    steps: [...steps, field, ...more],
    isAwaited: false,
  });
  return Array.isArray(value) ? value.map((cluster, i) => found(String(cluster), i)) : [found(value as string)];
}

function subscriptionReferences(visited: Visited, { kind, name, source }: SubscriptionFields): FoundReference[] {
  const { type, message, steps } = visited;
  const nameField = type.fields.find((field) => field.name === name);
  const sourceField = type.fields.find((field) => field.name === source);
  if (!nameField || !sourceField || !isOwnStream(message[sourceField.localName])) return [];
  const resource = message[nameField.localName] as string;
  return resource === '' ? [] : [{ kind, name: resource, steps: [...steps, nameField], isAwaited: true }];
}

/** The endpoint set of a cluster bears the service name if there is one, else the name of the cluster. */
function endpointReferences({ type, message, steps }: Visited): FoundReference[] {
  const discovery = message['clusterDiscoveryType'] as { readonly case?: string; readonly value?: unknown };
  const config = message['edsClusterConfig'] as Fields | undefined;
  if (discovery.case !== 'type' || discovery.value !== EDS || !config || !isOwnStream(config['edsConfig'])) return [];
  const serviceName = config['serviceName'] as string;
  const configField = type.field['edsClusterConfig'];
  const nameField = configField?.message?.field['serviceName'];
  const place = [configField, serviceName === '' ? undefined : nameField].filter((step) => step !== undefined);
  const name = serviceName === '' ? (message['name'] as string) : serviceName;
  return [{ kind: 'endpoint', name, steps: [...steps, ...place], isAwaited: true }];
}

/** A filter whose configuration is delivered apart is asked for by the name that the filter has. */
function extensionReferences({ message, steps, parent }: Visited): FoundReference[] {
  const name = parent?.message['name'];
  if (typeof name !== 'string' || name === '' || !isOwnStream(message['configSource'])) return [];
  const isAwaited = message['defaultConfig'] === undefined || message['applyDefaultConfigWithoutWarming'] !== true;
  return [{ kind: 'extensionConfig', name, steps: [...steps], isAwaited }];
}

/** Whether a `ConfigSource` is the aggregated stream, or the stream that the resource itself came by. */
export function isOwnStream(source: unknown): boolean {
  if (typeof source !== 'object' || source === null) return false;
  const { case: specifier } = (source as Fields)['configSourceSpecifier'] as { readonly case?: string };
  return specifier === 'ads' || specifier === 'self';
}
