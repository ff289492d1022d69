const HCM = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const http = (name: string, message: string, config: object = {}) => ({
  name,
  typed_config: { '@type': `type.googleapis.com/envoy.extensions.filters.http.${message}`, ...config },
});
const ads = { ads: {}, resource_api_version: 'V3' };
const socket = (address: string, port: number) => ({ socket_address: { address, port_value: port } });

/** A snapshot that uses much of what people use, and that Envoy 1.40 takes. Fresh each time, to be broken by tests. */
export function validSnapshot() {
  return {
    listeners: [
      {
        name: 'edge',
        address: socket('127.0.0.1', 10000),
        filter_chains: [
          {
            filters: [
              {
                name: 'envoy.filters.network.http_connection_manager',
                typed_config: {
                  '@type': HCM,
                  stat_prefix: 'edge',
                  rds: { route_config_name: 'edge', config_source: ads },
                  http_filters: [
                    http('cors', 'cors.v3.Cors'),
                    http('jwt', 'jwt_authn.v3.JwtAuthentication', {
                      providers: {
                        auth0: {
                          issuer: 'https://issuer.example',
                          remote_jwks: {
                            http_uri: { uri: 'https://issuer.example/jwks', cluster: 'web', timeout: '1s' },
                          },
                        },
                      },
                    }),
                    http('authz', 'ext_authz.v3.ExtAuthz', {
                      grpc_service: { envoy_grpc: { cluster_name: 'authz' }, timeout: '0.25s' },
                      transport_api_version: 'V3',
                    }),
                    http('router', 'router.v3.Router'),
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
        virtual_hosts: [
          {
            name: 'all',
            domains: ['*'],
            routes: [
              {
                match: { safe_regex: { regex: '/v[0-9]+/.*' } },
                route: {
                  weighted_clusters: {
                    clusters: [
                      { name: 'web', weight: 90 },
                      { name: 'authz', weight: 10 },
                    ],
                  },
                  retry_policy: { retry_on: '5xx', num_retries: 2 },
                  request_mirror_policies: [{ cluster: 'web' }],
                },
              },
              { match: { prefix: '/' }, route: { cluster: 'web', timeout: '15s' } },
            ],
          },
        ],
      },
    ],
    clusters: [
      {
        name: 'web',
        type: 'EDS',
        connect_timeout: '1s',
        eds_cluster_config: { eds_config: ads },
        health_checks: [
          {
            timeout: '1s',
            interval: '10s',
            unhealthy_threshold: 3,
            healthy_threshold: 2,
            http_health_check: { path: '/health' },
          },
        ],
        outlier_detection: { consecutive_5xx: 5 },
      },
      {
        name: 'authz',
        type: 'STRICT_DNS',
        connect_timeout: '1s',
        load_assignment: {
          cluster_name: 'authz',
          endpoints: [{ lb_endpoints: [{ endpoint: { address: socket('authz.example', 9000) } }] }],
        },
        typed_extension_protocol_options: {
          'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
            '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
            explicit_http_config: { http2_protocol_options: {} },
          },
        },
      },
    ],
    endpoints: [
      { cluster_name: 'web', endpoints: [{ lb_endpoints: [{ endpoint: { address: socket('127.0.0.1', 8001) } }] }] },
    ],
  };
}
