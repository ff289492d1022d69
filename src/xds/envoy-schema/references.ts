import type { ReflectMessage } from '@bufbuild/protobuf/reflect';
import type { ResourceKind } from '../resource-types.js';
import type { ResourceReference } from '../snapshots/compiled-snapshot.js';
import { childOf, fieldOf, numberOf, textOf, textsOf } from './message-fields.js';
import { type MessagePath, stepTo } from './message-path.js';

/** A name that one resource gives of another, where it stands. */
export interface FoundReference extends ResourceReference {
  readonly path: MessagePath;
  /** True where the resource is not warm before the other has arrived. */
  readonly isChild: boolean;
}

/** Fields that name an upstream cluster, by message. */
const CLUSTER_FIELDS: Readonly<Record<string, string>> = {
  'envoy.config.core.v3.ApiConfigSource': 'cluster_names',
  'envoy.config.core.v3.GrpcService.EnvoyGrpc': 'cluster_name',
  'envoy.config.core.v3.HttpUri': 'cluster',
  'envoy.config.route.v3.RouteAction': 'cluster',
  'envoy.config.route.v3.RouteAction.RequestMirrorPolicy': 'cluster',
  'envoy.config.route.v3.WeightedCluster.ClusterWeight': 'name',
  'envoy.config.trace.v3.DatadogConfig': 'collector_cluster',
  'envoy.config.trace.v3.ZipkinConfig': 'collector_cluster',
  'envoy.extensions.clusters.aggregate.v3.ClusterConfig': 'clusters',
  'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy': 'cluster',
  'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.WeightedCluster.ClusterWeight': 'name',
  'envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig': 'cluster',
};

/** Fields by which a resource asks for another over xDS: the field that names it, and the one that says where it comes from. */
const DISCOVERED: Readonly<Record<string, readonly [kind: ResourceKind, name: string, source: string]>> = {
  'envoy.extensions.filters.network.http_connection_manager.v3.Rds': ['route', 'route_config_name', 'config_source'],
  'envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig': ['secret', 'name', 'sds_config'],
};

/** Messages whose `config_discovery` asks for a TypedExtensionConfig by the message's own `name`. */
const EXTENSION_USERS = new Set([
  'envoy.config.listener.v3.Filter',
  'envoy.config.listener.v3.ListenerFilter',
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter',
]);

const EDS = 3;

/** The references that stand in this message itself, not those further inside. */
export function referencesIn(message: ReflectMessage, path: MessagePath | null): readonly FoundReference[] {
  const { typeName } = message.desc;
  const clusterField = CLUSTER_FIELDS[typeName];
  if (clusterField !== undefined) return clusterReferences(message, clusterField, path);
  const discovered = DISCOVERED[typeName];
  if (discovered) return discoveredReference(message, path, ...discovered);
  if (EXTENSION_USERS.has(typeName)) return discoveredExtension(message, path);
  if (typeName === 'envoy.config.cluster.v3.Cluster') return endpointReference(message, path);
  return [];
}

function clusterReferences(message: ReflectMessage, name: string, path: MessagePath | null): FoundReference[] {
  const field = fieldOf(message, name);
  const at = stepTo(path, field);
  const reference = (cluster: string, where: MessagePath): FoundReference[] =>
    cluster === '' ? [] : [{ kind: 'cluster', name: cluster, path: where, isChild: false }];
  if (field.fieldKind !== 'list') return reference(textOf(message, name), at);
  return textsOf(message, name).flatMap((cluster, i) => reference(cluster, stepTo(at, i)));
}

function discoveredReference(
  message: ReflectMessage,
  path: MessagePath | null,
  kind: ResourceKind,
  nameField: string,
  sourceField: string,
): FoundReference[] {
  const name = textOf(message, nameField);
  if (name === '' || !comesOverAds(childOf(message, sourceField))) return [];
  return [{ kind, name, path: stepTo(path, fieldOf(message, nameField)), isChild: true }];
}

function discoveredExtension(message: ReflectMessage, path: MessagePath | null): FoundReference[] {
  const discovery = childOf(message, 'config_discovery');
  const name = textOf(message, 'name');
  if (!discovery || name === '' || !comesOverAds(childOf(discovery, 'config_source'))) return [];
  return [{ kind: 'extensionConfig', name, path: stepTo(path, fieldOf(message, 'name')), isChild: true }];
}

function endpointReference(cluster: ReflectMessage, path: MessagePath | null): FoundReference[] {
  if (numberOf(cluster, 'type') !== EDS) return [];
  const config = childOf(cluster, 'eds_cluster_config');
  if (!config || !comesOverAds(childOf(config, 'eds_config'))) return [];
  const serviceName = textOf(config, 'service_name');
  const at = stepTo(path, fieldOf(cluster, 'eds_cluster_config'));
  return [
    serviceName === ''
      ? { kind: 'endpoint', name: textOf(cluster, 'name'), path: at, isChild: true }
      : { kind: 'endpoint', name: serviceName, path: stepTo(at, fieldOf(config, 'service_name')), isChild: true },
  ];
}

/** Only what comes over the aggregated stream can be, and has to be, in the snapshot. */
function comesOverAds(source: ReflectMessage | undefined): boolean {
  return source !== undefined && (childOf(source, 'ads') !== undefined || childOf(source, 'self') !== undefined);
}
