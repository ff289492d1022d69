/** Envoy resources in proto3 JSON, as small as Envoy takes them. */
export type Resource = Readonly<Record<string, unknown>>;

const type = (name: string): string => `type.googleapis.com/${name}`;
const ads = { ads: {}, resource_api_version: 'V3' };

const loopback = (port: number): Resource => ({ socket_address: { address: '127.0.0.1', port_value: port } });

/** A listener on loopback that takes its routes from the named route configuration. Its name is its stat prefix. */
export function httpListener(name: string, port: number, routes: string): Resource {
  const manager = {
    '@type': type('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'),
    stat_prefix: name,
    rds: { route_config_name: routes, config_source: ads },
    http_filters: [
      { name: 'router', typed_config: { '@type': type('envoy.extensions.filters.http.router.v3.Router') } },
    ],
  };
  return {
    name,
    address: loopback(port),
    filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }],
  };
}

/** A route configuration that sends each path prefix, in the order given, to a cluster. */
export function routeConfiguration(name: string, clusters: Readonly<Record<string, string>>): Resource {
  const routes = Object.entries(clusters).map(([prefix, cluster]) => ({ match: { prefix }, route: { cluster } }));
  return { name, virtual_hosts: [{ name, domains: ['*'], routes }] };
}

/** A cluster that takes its endpoints from the endpoint set of the same name. */
export function edsCluster(name: string, more: Resource = {}): Resource {
  return { name, type: 'EDS', connect_timeout: '5s', eds_cluster_config: { eds_config: ads }, ...more };
}

/** An endpoint set of services on loopback. */
export function endpointSet(cluster: string, ...ports: number[]): Resource {
  const lbEndpoints = ports.map((port) => ({ endpoint: { address: loopback(port) } }));
  return { cluster_name: cluster, endpoints: [{ lb_endpoints: lbEndpoints }] };
}

/** Talks TLS to upstreams and trusts what the file holds. */
export function upstreamTls(caFile: string): Resource {
  const context = {
    '@type': type('envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext'),
    common_tls_context: { validation_context: { trusted_ca: { filename: caFile } } },
  };
  return { transport_socket: { name: 'envoy.transport_sockets.tls', typed_config: context } };
}

/** A listener on loopback that terminates TLS with a secret of EFMS. */
export function tlsListener(name: string, port: number, routes: string, secret: string): Resource {
  const listener = httpListener(name, port, routes);
  const [chain] = listener['filter_chains'] as readonly Resource[];
  const context = {
    '@type': type('envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext'),
    common_tls_context: { tls_certificate_sds_secret_configs: [{ name: secret, sds_config: ads }] },
  };
  const transport_socket = { name: 'envoy.transport_sockets.tls', typed_config: context };
  return { ...listener, filter_chains: [{ ...chain, transport_socket }] };
}
