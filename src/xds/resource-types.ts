/**
 * The kinds of resource that EFMS serves: the key a snapshot document uses for them, the protobuf message, and what the xDS
 * protocol says about the type.
 */
export interface ResourceType {
  readonly kind: ResourceKind;
  /** Key of the array in a snapshot document. */
  readonly collection: ResourceCollection;
  /** Full name of the protobuf message. */
  readonly message: string;
  readonly typeUrl: string;
  /** Field of the message that names the resource, in proto spelling. */
  readonly nameField: string;
  /**
   * True where a state-of-the-world response is the whole set, so that absence removes, and where a first request without
   * names asks for everything (xDS protocol, "How the client specifies what resources to return").
   */
  readonly isRoot: boolean;
}

export type ResourceKind = 'cluster' | 'endpoint' | 'listener' | 'route' | 'secret' | 'runtime' | 'extensionConfig';
export type ResourceCollection =
  'clusters' | 'endpoints' | 'listeners' | 'routes' | 'secrets' | 'runtimes' | 'extensionConfigs';

const type = (
  kind: ResourceKind,
  collection: ResourceCollection,
  message: string,
  nameField = 'name',
): ResourceType => ({
  kind,
  collection,
  message,
  typeUrl: `type.googleapis.com/${message}`,
  nameField,
  isRoot: kind === 'cluster' || kind === 'listener',
});

/** In the order in which a proxy needs them: clusters and what they wait for before the listeners and routes that use them. */
export const RESOURCE_TYPES: readonly ResourceType[] = [
  type('cluster', 'clusters', 'envoy.config.cluster.v3.Cluster'),
  type('endpoint', 'endpoints', 'envoy.config.endpoint.v3.ClusterLoadAssignment', 'cluster_name'),
  type('listener', 'listeners', 'envoy.config.listener.v3.Listener'),
  type('route', 'routes', 'envoy.config.route.v3.RouteConfiguration'),
  type('secret', 'secrets', 'envoy.extensions.transport_sockets.tls.v3.Secret'),
  type('runtime', 'runtimes', 'envoy.service.runtime.v3.Runtime'),
  type('extensionConfig', 'extensionConfigs', 'envoy.config.core.v3.TypedExtensionConfig'),
];

const byKind = new Map(RESOURCE_TYPES.map((t) => [t.kind, t]));
const byTypeUrl = new Map(RESOURCE_TYPES.map((t) => [t.typeUrl, t]));

export function resourceType(kind: ResourceKind): ResourceType {
  const found = byKind.get(kind);
  if (!found) throw new Error(`unknown resource kind ${kind}`);
  return found;
}

/** The type behind a type URL, or undefined where EFMS does not serve it. */
export function resourceTypeOf(typeUrl: string): ResourceType | undefined {
  return byTypeUrl.get(typeUrl);
}
