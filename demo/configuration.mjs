const type = (name) => `type.googleapis.com/envoy.extensions.filters.${name}`;
const overAds = { ads: {}, resource_api_version: 'V3' };
const loopback = (port) => ({ socket_address: { address: '127.0.0.1', port_value: port } });

/**
 * A whole configuration in Envoy's own JSON: a listener, a route that shares the requests between two services by weight, and the
 * services with their endpoints.
 * @param port where Envoy listens
 * @param upstreams `{name, port}` of each service
 * @param weights share of each service by name
 */
export function snapshot({ port, upstreams, weights }) {
  return {
    listeners: [
      {
        name: 'ingress',
        address: loopback(port),
        filter_chains: [
          {
            filters: [
              {
                name: 'http',
                typed_config: {
                  '@type': type('network.http_connection_manager.v3.HttpConnectionManager'),
                  stat_prefix: 'ingress',
                  rds: { route_config_name: 'routes', config_source: overAds },
                  http_filters: [{ name: 'router', typed_config: { '@type': type('http.router.v3.Router') } }],
                },
              },
            ],
          },
        ],
      },
    ],
    routes: [
      {
        name: 'routes',
        virtual_hosts: [
          {
            name: 'all',
            domains: ['*'],
            routes: [{ match: { prefix: '/' }, route: { weighted_clusters: { clusters: weighted(weights) } } }],
          },
        ],
      },
    ],
    clusters: upstreams.map(({ name }) => ({
      name,
      type: 'EDS',
      connect_timeout: '5s',
      eds_cluster_config: { eds_config: overAds },
    })),
    endpoints: upstreams.map(({ name, port: at }) => ({
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: loopback(at) } }] }],
    })),
  };
}

const weighted = (weights) => Object.entries(weights).map(([name, weight]) => ({ name, weight }));
