const HTTP_CONNECTION_MANAGER =
  'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';

/** A small snapshot that works when pasted: a listener on 127.0.0.1:10000 whose route leads to a server on 127.0.0.1:8001. */
export const EXAMPLE_SNAPSHOT = {
  listeners: [
    {
      name: 'edge',
      address: { socket_address: { address: '127.0.0.1', port_value: 10000 } },
      filter_chains: [
        {
          filters: [
            {
              name: 'envoy.filters.network.http_connection_manager',
              typed_config: {
                '@type': HTTP_CONNECTION_MANAGER,
                stat_prefix: 'edge',
                rds: { route_config_name: 'edge', config_source: { ads: {}, resource_api_version: 'V3' } },
                http_filters: [
                  {
                    name: 'envoy.filters.http.router',
                    typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
                  },
                ],
              },
            },
          ],
        },
      ],
    },
  ],
  routes: [
    {
      name: 'edge',
      virtual_hosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'web' } }] }],
    },
  ],
  clusters: [
    {
      name: 'web',
      type: 'STATIC',
      connect_timeout: '1s',
      load_assignment: {
        cluster_name: 'web',
        endpoints: [
          {
            lb_endpoints: [{ endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: 8001 } } } }],
          },
        ],
      },
    },
  ],
};
