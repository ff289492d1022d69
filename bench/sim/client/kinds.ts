/** The kinds of resource that hollow proxies ask for, in the order in which an Envoy does. */
export const KINDS = ['cluster', 'endpoint', 'secret', 'listener', 'route'] as const;
export type Kind = (typeof KINDS)[number];

export type Protocol = 'sotw' | 'delta';

const TYPE_URLS: Readonly<Record<Kind, string>> = {
  cluster: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  endpoint: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
  secret: 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
  listener: 'type.googleapis.com/envoy.config.listener.v3.Listener',
  route: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
};
const kinds = new Map(KINDS.map((kind) => [TYPE_URLS[kind], kind]));

export const typeUrlOf = (kind: Kind): string => TYPE_URLS[kind];

/** Throws for a type that nobody asked for. */
export function kindOf(typeUrl: string): Kind {
  const kind = kinds.get(typeUrl);
  if (!kind) throw new Error(`a response of the type ${typeUrl}`);
  return kind;
}

/** Of these a client wants all that there are, and state of the world says the whole; of others it wants what it names. */
export const isRoot = (kind: Kind): boolean => kind === 'cluster' || kind === 'listener';
