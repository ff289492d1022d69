import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { bootstrapYaml, type BootstrapRequest, renderBootstrap } from './render-bootstrap.js';

const request: BootstrapRequest = {
  proxy: { nodeId: 'edge-1', cluster: null, locality: null, metadata: {}, adminAddress: '127.0.0.1', adminPort: 9901 },
  xds: { host: '127.0.0.1', port: 18000 },
  protocol: 'delta',
  proof: { token: 'EFMS_TOKEN' },
};

const GOLDEN = `node:
  id: "edge-1"
  cluster: "edge"
  locality:
    region: "eu"
    zone: "a"
    sub_zone: ""
  metadata:
    team: "web"
    canary: "yes"
admin:
  address:
    socket_address:
      address: "127.0.0.1"
      port_value: 9901
dynamic_resources:
  ads_config:
    api_type: "DELTA_GRPC"
    transport_api_version: "V3"
    set_node_on_first_message_only: true
    rate_limit_settings:
      max_tokens: 100
      fill_rate: 10
    grpc_services:
      - envoy_grpc:
          cluster_name: "efms_xds"
        initial_metadata:
          - key: "authorization"
            value: "Bearer EFMS_TOKEN"
  cds_config:
    ads: {}
    resource_api_version: "V3"
    initial_fetch_timeout: "15s"
  lds_config:
    ads: {}
    resource_api_version: "V3"
    initial_fetch_timeout: "15s"
static_resources:
  clusters:
    - name: "efms_xds"
      type: "STRICT_DNS"
      dns_lookup_family: "ALL"
      connect_timeout: "5s"
      typed_extension_protocol_options:
        envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
          "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
          explicit_http_config:
            http2_protocol_options:
              connection_keepalive:
                interval: "30s"
                timeout: "5s"
      load_assignment:
        cluster_name: "efms_xds"
        endpoints:
          - lb_endpoints:
              - endpoint:
                  address:
                    socket_address:
                      address: "efms.example"
                      port_value: 18000
cluster_manager:
  load_stats_config:
    api_type: "GRPC"
    transport_api_version: "V3"
    grpc_services:
      - envoy_grpc:
          cluster_name: "efms_xds"
        initial_metadata:
          - key: "authorization"
            value: "Bearer EFMS_TOKEN"
`;

describe('renderBootstrap', () => {
  it('renders all that an Envoy needs, as YAML', () => {
    const bootstrap = renderBootstrap({
      ...request,
      proxy: {
        ...request.proxy,
        cluster: 'edge',
        locality: { region: 'eu', zone: 'a' },
        metadata: { team: 'web', canary: 'yes' },
      },
      xds: { host: 'efms.example', port: 18000 },
    });
    expect(bootstrapYaml(bootstrap)).toBe(GOLDEN);
    expect(parse(GOLDEN)).toEqual(bootstrap);
  });

  it('has the proxy tell how long requests took where that is wanted', () => {
    expect(renderBootstrap(request)).not.toHaveProperty('stats_sinks');
    expect(renderBootstrap({ ...request, metricsEvery: '60s' })).toMatchObject({
      stats_sinks: [
        {
          typed_config: {
            grpc_service: { initial_metadata: [{ key: 'authorization', value: 'Bearer EFMS_TOKEN' }] },
            emit_tags_as_labels: true,
          },
        },
      ],
      stats_flush_interval: '60s',
    });
  });

  it.each([
    ['127.0.0.1', 'STATIC'],
    ['::1', 'STATIC'],
    ['localhost', 'STRICT_DNS'],
    ['efms.example', 'STRICT_DNS'],
  ])('finds %s by %s', (host, type) => {
    const bootstrap = renderBootstrap({ ...request, xds: { host, port: 1 } });
    expect(bootstrap).toMatchObject({ static_resources: { clusters: [{ type }] } });
  });

  it.each([
    ['efms.example', { sni: 'efms.example' }, 'DNS'],
    ['2001:db8::1', {}, 'IP_ADDRESS'],
  ])('pins the CA and the name %s where the port speaks TLS', (host, names, kind) => {
    const bootstrap = renderBootstrap({ ...request, xds: { host, port: 1 }, trustedCa: 'PEM\n' });
    const [cluster] = (bootstrap as { static_resources: { clusters: object[] } }).static_resources.clusters;
    expect(cluster).toMatchObject({
      transport_socket: {
        name: 'envoy.transport_sockets.tls',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
          ...names,
          common_tls_context: {
            tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
            alpn_protocols: ['h2'],
            validation_context: {
              trusted_ca: { inline_string: 'PEM\n' },
              match_typed_subject_alt_names: [{ san_type: kind, matcher: { exact: host } }],
            },
          },
        },
      },
    });
  });

  it('has the proxy prove itself by a certificate in files, and by no token', () => {
    const proof = { certificateFile: '/tls/edge.crt', keyFile: '/tls/edge.key' };
    const bootstrap = renderBootstrap({ ...request, proof, trustedCa: 'PEM\n', metricsEvery: '60s' });
    expect(bootstrap).toMatchObject({
      static_resources: {
        clusters: [
          {
            transport_socket: {
              typed_config: {
                common_tls_context: {
                  tls_certificates: [
                    { certificate_chain: { filename: '/tls/edge.crt' }, private_key: { filename: '/tls/edge.key' } },
                  ],
                },
              },
            },
          },
        ],
      },
    });
    expect(bootstrapYaml(bootstrap)).not.toMatch(/initial_metadata|authorization/);
  });

  it('lets the admin interface listen where it is told', () => {
    const bootstrap = renderBootstrap({
      ...request,
      proxy: { ...request.proxy, adminAddress: '::1', adminPort: 9000 },
    });
    expect(bootstrap).toMatchObject({ admin: { address: { socket_address: { address: '::1', port_value: 9000 } } } });
  });

  it('asks for the state of the world where delta is not wanted', () => {
    const bootstrap = renderBootstrap({ ...request, protocol: 'sotw' });
    expect(bootstrap).toMatchObject({ dynamic_resources: { ads_config: { api_type: 'GRPC' } } });
  });

  it('keeps every text a text', () => {
    const metadata = { a: 'yes', b: '1_000', c: '0o7', d: 'null', e: '# x', f: 'line\nline', '? k': 'it\'s "so"' };
    const yaml = bootstrapYaml(renderBootstrap({ ...request, proxy: { ...request.proxy, metadata } }));
    expect((parse(yaml, { version: '1.1' }) as { node: { metadata: unknown } }).node.metadata).toEqual(metadata);
  });
});
