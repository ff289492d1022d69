import { describe, expect, it } from '@jest/globals';
import { create, toBinary } from '@bufbuild/protobuf';
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Finding } from '../../common/errors/finding.js';
import { EnvoyApi } from './envoy-api.js';
import type { SnapshotReading } from './resource.js';

const api = EnvoyApi.load();

const url = (name: string) => `type.googleapis.com/${name}`;
const typed = (name: string, config: object = {}) => ({ '@type': url(name), ...config });
const filter = (name: string, config: object = {}) => ({
  name: `envoy.filters.http.${name.split('.')[0] ?? ''}`,
  typed_config: typed(`envoy.extensions.filters.http.${name}`, config),
});
const HCM = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const TLS = 'envoy.extensions.transport_sockets.tls.v3';
const ads = { ads: {}, resource_api_version: 'V3' };
const socket = (address: string, port: number) => ({ socket_address: { address, port_value: port } });
const lbEndpoint = (address: string, port: number) => ({ endpoint: { address: socket(address, port) } });
const grpcAccessLog = {
  name: 'envoy.access_loggers.tcp_grpc',
  typed_config: typed('envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig', {
    common_config: {
      log_name: 'edge',
      transport_api_version: 'V3',
      grpc_service: { envoy_grpc: { cluster_name: 'authz' } },
    },
  }),
};

const httpFilters = () => [
  filter('cors.v3.Cors'),
  filter('jwt_authn.v3.JwtAuthentication', {
    providers: {
      auth0: {
        issuer: 'https://issuer.example',
        audiences: ['edge'],
        remote_jwks: {
          http_uri: { uri: 'https://issuer.example/jwks', cluster: 'issuer', timeout: '1s' },
          cache_duration: '300s',
        },
      },
    },
    rules: [{ match: { prefix: '/api' }, requires: { provider_name: 'auth0' } }],
  }),
  filter('ext_authz.v3.ExtAuthz', {
    transport_api_version: 'V3',
    grpc_service: { envoy_grpc: { cluster_name: 'authz' }, timeout: '0.250s' },
  }),
  filter('ratelimit.v3.RateLimit', {
    domain: 'edge',
    rate_limit_service: { transport_api_version: 'V3', grpc_service: { envoy_grpc: { cluster_name: 'authz' } } },
  }),
  filter('local_ratelimit.v3.LocalRateLimit', {
    stat_prefix: 'local',
    token_bucket: { max_tokens: 100, tokens_per_fill: 100, fill_interval: '1s' },
  }),
  filter('lua.v3.Lua', { default_source_code: { inline_string: 'function envoy_on_request(handle) end' } }),
  filter('compressor.v3.Compressor', {
    compressor_library: {
      name: 'gzip',
      typed_config: typed('envoy.extensions.compression.gzip.compressor.v3.Gzip', { memory_level: 5 }),
    },
  }),
  filter('router.v3.Router'),
];

const tlsSocket = () => ({
  name: 'envoy.transport_sockets.tls',
  typed_config: typed(`${TLS}.DownstreamTlsContext`, {
    common_tls_context: {
      tls_params: { tls_minimum_protocol_version: 'TLSv1_2' },
      alpn_protocols: ['h2', 'http/1.1'],
      tls_certificate_sds_secret_configs: [
        { name: 'edge-cert', sds_config: { path_config_source: { path: '/etc/envoy/sds.yaml' } } },
      ],
    },
  }),
});

/** A snapshot that uses much of what people use, and that Envoy 1.40 takes. */
function realistic() {
  return {
    listeners: [
      {
        name: 'edge',
        address: socket('0.0.0.0', 10443),
        listener_filters: [
          {
            name: 'envoy.filters.listener.tls_inspector',
            typed_config: typed('envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector'),
          },
        ],
        filter_chains: [
          {
            filter_chain_match: { server_names: ['edge.example'] },
            filters: [
              {
                name: 'envoy.filters.network.http_connection_manager',
                typed_config: typed(HCM, {
                  stat_prefix: 'edge',
                  rds: { route_config_name: 'edge', config_source: ads },
                  http_filters: httpFilters(),
                  access_log: [grpcAccessLog],
                }),
              },
            ],
            transport_socket: tlsSocket(),
          },
        ],
      },
    ],
    routes: [
      {
        name: 'edge',
        virtual_hosts: [
          {
            name: 'api',
            domains: ['api.example'],
            routes: [
              {
                match: { safe_regex: { regex: '/v[0-9]+/.*' }, headers: [{ name: 'x-canary', present_match: true }] },
                route: {
                  weighted_clusters: {
                    clusters: [
                      { name: 'web', weight: 90 },
                      { name: 'web-next', weight: 10 },
                    ],
                  },
                  retry_policy: { retry_on: '5xx,reset', num_retries: 2, per_try_timeout: '0.5s' },
                  request_mirror_policies: [
                    {
                      cluster: 'web-next',
                      runtime_fraction: { default_value: { numerator: 5, denominator: 'HUNDRED' } },
                    },
                  ],
                },
                typed_per_filter_config: {
                  'envoy.filters.http.ext_authz': typed('envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute', {
                    disabled: true,
                  }),
                },
              },
              { match: { path: '/old' }, redirect: { path_redirect: '/new', response_code: 'FOUND' } },
              { match: { prefix: '/' }, route: { cluster: 'web', timeout: '15s' } },
            ],
          },
          { name: 'rest', domains: ['*'], routes: [{ match: { prefix: '/' }, direct_response: { status: 404 } }] },
        ],
      },
    ],
    clusters: [
      {
        name: 'web',
        type: 'EDS',
        connect_timeout: '1s',
        lb_policy: 'LEAST_REQUEST',
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
        outlier_detection: { consecutive_5xx: 5, base_ejection_time: '30s' },
        circuit_breakers: { thresholds: [{ priority: 'DEFAULT', max_connections: 1000 }] },
      },
      {
        name: 'web-next',
        type: 'EDS',
        connect_timeout: '1s',
        eds_cluster_config: { eds_config: ads, service_name: 'web-next-service' },
      },
      {
        name: 'issuer',
        type: 'STRICT_DNS',
        connect_timeout: '2s',
        dns_lookup_family: 'V4_ONLY',
        load_assignment: {
          cluster_name: 'issuer',
          endpoints: [{ lb_endpoints: [lbEndpoint('issuer.example', 443)] }],
        },
        transport_socket: {
          name: 'envoy.transport_sockets.tls',
          typed_config: typed(`${TLS}.UpstreamTlsContext`, { sni: 'issuer.example' }),
        },
      },
      {
        name: 'authz',
        type: 'STATIC',
        connect_timeout: '0.25s',
        load_assignment: { cluster_name: 'authz', endpoints: [{ lb_endpoints: [lbEndpoint('10.0.0.5', 9000)] }] },
        typed_extension_protocol_options: {
          'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': typed(
            'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
            { explicit_http_config: { http2_protocol_options: { max_concurrent_streams: 100 } } },
          ),
        },
      },
    ],
    endpoints: [
      {
        cluster_name: 'web',
        endpoints: [
          {
            locality: { region: 'eu', zone: 'a' },
            load_balancing_weight: 1,
            lb_endpoints: [lbEndpoint('10.0.0.1', 80), { ...lbEndpoint('10.0.0.2', 80), health_status: 'DRAINING' }],
          },
        ],
      },
      { cluster_name: 'web-next-service', endpoints: [{ lb_endpoints: [lbEndpoint('10.0.0.3', 80)] }] },
    ],
  };
}

type Snapshot = ReturnType<typeof realistic>;

/** The value that a JSON pointer leads to. */
function at(document: unknown, pointer: string): Record<string, unknown> {
  const tokens = pointer.split('/').slice(1);
  return tokens.reduce((value, token) => (value as Record<string, unknown>)[token], document) as Record<
    string,
    unknown
  >;
}

/** A realistic snapshot in which what the pointer leads to has been changed. */
function changed(pointer: string, change: Record<string, unknown>): Snapshot {
  const snapshot = JSON.parse(JSON.stringify(realistic())) as Snapshot;
  const holder = at(snapshot, pointer);
  for (const [key, value] of Object.entries(change)) {
    if (value === undefined) Reflect.deleteProperty(holder, key);
    else holder[key] = value;
  }
  return snapshot;
}

const inShort = (findings: readonly Finding[]) => findings.map(({ pointer, rule }) => `${rule} ${pointer}`);
const L = '/listeners/0';
const MANAGER = `${L}/filter_chains/0/filters/0/typed_config`;
const R = '/routes/0/virtual_hosts/0';
const ROUTE = `${R}/routes/0/route`;
const C = '/clusters/0';
const jwt = `${MANAGER}/http_filters/1/typed_config`;

describe('a realistic snapshot', () => {
  const reading = api.readSnapshot(realistic());
  const find = (kind: string, name: string) => reading.resources.find((r) => r.kind === kind && r.name === name)!;

  it('has no findings and all its resources', () => {
    expect(reading.findings).toEqual([]);
    expect(reading.resources.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'listener edge',
      'route edge',
      'cluster web',
      'cluster web-next',
      'cluster issuer',
      'cluster authz',
      'endpoint web',
      'endpoint web-next-service',
    ]);
  });

  it('knows what each resource refers to and waits for', () => {
    expect(find('listener', 'edge').references).toEqual([
      { kind: 'cluster', name: 'authz' },
      { kind: 'cluster', name: 'issuer' },
      { kind: 'route', name: 'edge' },
    ]);
    expect(find('listener', 'edge').children).toEqual([{ kind: 'route', name: 'edge' }]);
    expect(find('route', 'edge').references).toEqual([
      { kind: 'cluster', name: 'web' },
      { kind: 'cluster', name: 'web-next' },
    ]);
    expect(find('cluster', 'web-next').children).toEqual([{ kind: 'endpoint', name: 'web-next-service' }]);
    expect(find('cluster', 'authz').references).toEqual([]);
  });

  it('comes out as it went in, in snake_case with @type first', () => {
    for (const { kind, value, json } of reading.resources) expect(api.toJson(kind, value)).toEqual(json);
    expect(find('listener', 'edge').json).toEqual(realistic().listeners[0]);
    const manager = at(find('listener', 'edge').json, MANAGER.slice(L.length));
    expect(Object.keys(manager)[0]).toBe('@type');
  });

  it('gives the same bytes for camelCase, entries with @type and the looser forms that Envoy takes', () => {
    const camel = JSON.parse(
      JSON.stringify(realistic()).replaceAll(/"([a-z0-9]+(?:_[a-z0-9]+)+)":/g, (_, key: string) => {
        return `"${key.replaceAll(/_([a-z0-9])/g, (__, letter: string) => letter.toUpperCase())}":`;
      }),
    ) as Snapshot;
    expect(camel.listeners[0]).toHaveProperty('filterChains');
    expect(api.readSnapshot(camel)).toEqual(reading);

    const loose = JSON.parse(JSON.stringify(realistic())) as { clusters: Record<string, unknown>[] };
    Object.assign(loose.clusters[0]!, {
      '@type': url('envoy.config.cluster.v3.Cluster'),
      type: 'eds',
      lb_policy: '1',
      ignore_health_on_host_removal: 'FALSE',
      health_checks: (loose.clusters[0]!['health_checks'] as unknown[])[0],
      alt_stat_name: null,
      circuit_breakers: { thresholds: { priority: 'default', max_connections: '1000' } },
    });
    expect(api.readSnapshot(loose)).toEqual(reading);
    expect(reading.hash).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('what is refused', () => {
  const cases: [what: string, pointer: string, change: Record<string, unknown>, findings: string[]][] = [
    // Schema
    ['an unknown field', MANAGER, { stat_prefx: 'x' }, [`schema.unknown-field ${MANAGER}/stat_prefx`]],
    [
      'a misspelt required field',
      MANAGER,
      { stat_prefix: undefined, stat_prefx: 'x' },
      [`schema.unknown-field ${MANAGER}/stat_prefx`],
    ],
    ['a field of API v2', C, { hosts: [] }, [`schema.unknown-field ${C}/hosts`]],
    ['both spellings', C, { connectTimeout: '2s' }, [`schema.duplicate-field ${C}/connectTimeout`]],
    ['two members of a oneof', ROUTE, { cluster: 'web' }, [`schema.oneof ${ROUTE}/cluster`]],
    ['two actions', `${R}/routes/2`, { redirect: {} }, [`schema.oneof ${R}/routes/2/redirect`]],
    ['a number for text', C, { alt_stat_name: 5 }, [`schema.type ${C}/alt_stat_name`]],
    [
      'text for a number',
      `${C}/circuit_breakers/thresholds/0`,
      { max_connections: 'many' },
      [`schema.type ${C}/circuit_breakers/thresholds/0/max_connections`],
    ],
    [
      'a negative unsigned number',
      `${C}/outlier_detection`,
      { consecutive_5xx: -1 },
      [`schema.type ${C}/outlier_detection/consecutive_5xx`],
    ],
    [
      'half a number',
      `${C}/outlier_detection`,
      { consecutive_5xx: 1.5 },
      [`schema.type ${C}/outlier_detection/consecutive_5xx`],
    ],
    [
      'a number too large',
      `${C}/outlier_detection`,
      { consecutive_5xx: 2 ** 32 },
      [`schema.type ${C}/outlier_detection/consecutive_5xx`],
    ],
    [
      'text for a boolean',
      C,
      { ignore_health_on_host_removal: 'yes' },
      [`schema.type ${C}/ignore_health_on_host_removal`],
    ],
    ['text for a list of messages', C, { health_checks: 'often' }, [`schema.type ${C}/health_checks`]],
    ['a list for an object', C, { outlier_detection: [] }, [`schema.type ${C}/outlier_detection`]],
    ['null in a list', R, { domains: ['a.example', null] }, [`schema.type ${R}/domains/1`]],
    ['a duration in minutes', C, { connect_timeout: '5m' }, [`schema.duration ${C}/connect_timeout`]],
    ['a duration as a number', C, { connect_timeout: 5 }, [`schema.duration ${C}/connect_timeout`]],
    ['a duration with a tail', C, { connect_timeout: '5s or so' }, [`schema.duration ${C}/connect_timeout`]],
    [
      'a duration finer than nanoseconds',
      C,
      { connect_timeout: '0.0000000001s' },
      [`schema.duration ${C}/connect_timeout`],
    ],
    ['an unknown enum name', C, { lb_policy: 'ROUND_ROBBIN' }, [`schema.enum ${C}/lb_policy`]],
    ['an undefined enum number', C, { lb_policy: 77 }, [`schema.enum ${C}/lb_policy`]],
    ['an undefined enum number inside an Any', MANAGER, { codec_type: 9 }, [`schema.enum ${MANAGER}/codec_type`]],
    ['a map that is a list', jwt, { providers: [] }, [`schema.type ${jwt}/providers`]],
    [
      'bytes that are not base64',
      `${MANAGER}/http_filters/5/typed_config/default_source_code`,
      { inline_string: undefined, inline_bytes: '%%' },
      [`schema.type ${MANAGER}/http_filters/5/typed_config/default_source_code/inline_bytes`],
    ],
    ['NUL in text', C, { alt_stat_name: 'a\0b' }, [`schema.text ${C}/alt_stat_name`]],
    ['half a surrogate pair', C, { alt_stat_name: '\ud800' }, [`schema.text ${C}/alt_stat_name`]],
    // Any
    ['a missing @type', MANAGER, { '@type': undefined }, [`schema.any-type ${MANAGER}`]],
    ['an unknown @type', MANAGER, { '@type': url('envoy.x.Y') }, [`schema.any-type ${MANAGER}/@type`]],
    ['an @type without prefix', MANAGER, { '@type': HCM }, [`schema.any-type ${MANAGER}/@type`]],
    ['an @type that is no text', MANAGER, { '@type': 5 }, [`schema.type ${MANAGER}/@type`]],
    ['an Any that is text', `${L}/filter_chains/0/filters/0`, { typed_config: 'x' }, [`schema.type ${MANAGER}`]],
    ['an unknown field in an Any in an Any', jwt, { providrs: {} }, [`schema.unknown-field ${jwt}/providrs`]],
    [
      'an unknown @type deep inside',
      `${MANAGER}/http_filters/6/typed_config/compressor_library/typed_config`,
      { '@type': url('envoy.Zip') },
      [`schema.any-type ${MANAGER}/http_filters/6/typed_config/compressor_library/typed_config/@type`],
    ],
    [
      'the wrong @type of an entry',
      C,
      { '@type': url('envoy.config.listener.v3.Listener') },
      [`schema.any-type ${C}/@type`],
    ],
    // Rules
    [
      'an empty name',
      C,
      { name: '', eds_cluster_config: { eds_config: ads, service_name: 'web' } },
      [
        `pgv.string.min_len ${C}/name`,
        `reference.cluster ${ROUTE}/weighted_clusters/clusters/0/name`,
        `reference.cluster ${R}/routes/2/route/cluster`,
      ],
    ],
    ['a missing required text', MANAGER, { stat_prefix: undefined }, [`pgv.string.min_len ${MANAGER}/stat_prefix`]],
    ['a timeout of zero', C, { connect_timeout: '0s' }, [`pgv.duration.gt ${C}/connect_timeout`]],
    ['a negative timeout', C, { connect_timeout: '-1s' }, [`pgv.duration.gt ${C}/connect_timeout`]],
    [
      'a missing duration',
      `${C}/health_checks/0`,
      { timeout: undefined },
      [`pgv.duration.required ${C}/health_checks/0/timeout`],
    ],
    [
      'a missing wrapper',
      `${C}/health_checks/0`,
      { healthy_threshold: undefined },
      [`pgv.message.required ${C}/health_checks/0/healthy_threshold`],
    ],
    [
      'a port out of range',
      `${L}/address/socket_address`,
      { port_value: 70000 },
      [`pgv.uint32.lte ${L}/address/socket_address/port_value`],
    ],
    ['an empty list', R, { domains: [] }, [`pgv.repeated.min_items ${R}/domains`]],
    [
      'an empty list of weights',
      `${ROUTE}/weighted_clusters`,
      { clusters: [] },
      [`pgv.repeated.min_items ${ROUTE}/weighted_clusters/clusters`],
    ],
    ['a missing oneof', `${R}/routes/2`, { route: undefined }, [`pgv.oneof.required ${R}/routes/2`]],
    ['a missing message', `${R}/routes/2`, { match: undefined }, [`pgv.message.required ${R}/routes/2/match`]],
    [
      'a oneof missing in a map inside an Any',
      `${jwt}/providers/auth0`,
      { remote_jwks: undefined },
      [`pgv.oneof.required ${jwt}/providers/auth0`],
    ],
    [
      'a header name with a line end',
      `${R}/routes/0/match/headers/0`,
      { name: 'x\nb' },
      [`pgv.string.well_known_regex ${R}/routes/0/match/headers/0/name`],
    ],
    [
      'a number above its limit',
      `${MANAGER}/http_filters/6/typed_config/compressor_library/typed_config`,
      { memory_level: 12 },
      [`pgv.uint32.lte ${MANAGER}/http_filters/6/typed_config/compressor_library/typed_config/memory_level`],
    ],
    [
      'a number below its limit',
      `${MANAGER}/http_filters/6/typed_config/compressor_library/typed_config`,
      { memory_level: 0 },
      [`pgv.uint32.gte ${MANAGER}/http_filters/6/typed_config/compressor_library/typed_config/memory_level`],
    ],
    [
      'a pattern that is not met',
      `${R}/routes/0/match`,
      { headers: undefined, path_separated_prefix: '/a/', safe_regex: undefined },
      [`pgv.string.pattern ${R}/routes/0/match/path_separated_prefix`],
    ],
    [
      'a status that is none',
      '/routes/0/virtual_hosts/1/routes/0/direct_response',
      { status: 99 },
      ['pgv.uint32.gte /routes/0/virtual_hosts/1/routes/0/direct_response/status'],
    ],
    [
      'a field of another message',
      `${C}/circuit_breakers/thresholds/0`,
      { priority: 'default', max_pools: { value: 1 } },
      [`schema.unknown-field ${C}/circuit_breakers/thresholds/0/max_pools`],
    ],
    [
      'the default of an enum that is gone',
      '/clusters/0/eds_cluster_config',
      { eds_config: { api_config_source: { transport_api_version: 'V3' } } },
      ['deprecated.disallowed /clusters/0/eds_cluster_config/eds_config/api_config_source/api_type'],
    ],
    // References
    [
      'a route to no cluster',
      `${R}/routes/2/route`,
      { cluster: 'wep' },
      [`reference.cluster ${R}/routes/2/route/cluster`],
    ],
    [
      'a weight of no cluster',
      `${ROUTE}/weighted_clusters/clusters/1`,
      { name: 'gone' },
      [`reference.cluster ${ROUTE}/weighted_clusters/clusters/1/name`],
    ],
    [
      'a mirror that is not there',
      `${ROUTE}/request_mirror_policies/0`,
      { cluster: 'gone' },
      [`reference.cluster ${ROUTE}/request_mirror_policies/0/cluster`],
    ],
    [
      'an authorization service that is not there',
      `${MANAGER}/http_filters/2/typed_config/grpc_service/envoy_grpc`,
      { cluster_name: 'gone' },
      [`reference.cluster ${MANAGER}/http_filters/2/typed_config/grpc_service/envoy_grpc/cluster_name`],
    ],
    [
      'an access log to nowhere',
      `${MANAGER}/access_log/0/typed_config/common_config/grpc_service/envoy_grpc`,
      { cluster_name: 'gone' },
      [`reference.cluster ${MANAGER}/access_log/0/typed_config/common_config/grpc_service/envoy_grpc/cluster_name`],
    ],
    [
      'keys from no cluster',
      `${jwt}/providers/auth0/remote_jwks/http_uri`,
      { cluster: 'gone' },
      [`reference.cluster ${jwt}/providers/auth0/remote_jwks/http_uri/cluster`],
    ],
    [
      'a listener without its routes',
      `${MANAGER}/rds`,
      { route_config_name: 'gone' },
      [`reference.route ${MANAGER}/rds/route_config_name`],
    ],
    [
      'an endpoint set that is not there',
      '/clusters/1/eds_cluster_config',
      { service_name: 'gone' },
      ['reference.endpoint /clusters/1/eds_cluster_config/service_name'],
    ],
    [
      'the endpoint set of its name that is not there',
      '/endpoints/0',
      { cluster_name: 'other' },
      ['reference.endpoint /clusters/0/eds_cluster_config'],
    ],
    [
      'a secret by ADS',
      `${L}/filter_chains/0/transport_socket/typed_config/common_tls_context/tls_certificate_sds_secret_configs/0`,
      { sds_config: ads },
      [
        `reference.secret ${L}/filter_chains/0/transport_socket/typed_config/common_tls_context/tls_certificate_sds_secret_configs/0/name`,
      ],
    ],
    [
      'a filter configured apart',
      `${MANAGER}/http_filters/0`,
      {
        typed_config: undefined,
        config_discovery: { config_source: ads, type_urls: [url('envoy.extensions.filters.http.cors.v3.Cors')] },
      },
      [`reference.extension-config ${MANAGER}/http_filters/0/config_discovery`],
    ],
    // Checks
    [
      'a cluster twice',
      '/clusters/1',
      { name: 'web' },
      [
        'duplicate.name /clusters/1/name',
        `reference.cluster ${ROUTE}/weighted_clusters/clusters/1/name`,
        `reference.cluster ${ROUTE}/request_mirror_policies/0/cluster`,
      ],
    ],
    ['a listener without a name', L, { name: undefined }, [`name.required ${L}/name`]],
    ['a name of 64 KB', L, { name: 'x'.repeat(65536) }, [`name.length ${L}/name`]],
    [
      'the cluster of EFMS',
      '/clusters/2',
      { name: 'efms_xds' },
      ['name.reserved /clusters/2/name', `reference.cluster ${jwt}/providers/auth0/remote_jwks/http_uri/cluster`],
    ],
    ['a listener without address', L, { address: undefined }, [`listener.address ${L}`]],
    ['a listener without filter chains', L, { filter_chains: undefined }, [`listener.filter-chains ${L}`]],
    ['a cluster without a source of its endpoints', C, { eds_cluster_config: undefined }, [`cluster.eds-config ${C}`]],
    ['endpoints from nowhere', C, { eds_cluster_config: {} }, [`cluster.eds-config ${C}/eds_cluster_config`]],
    [
      'a filter that does not say what it is',
      `${MANAGER}/http_filters/0`,
      { typed_config: undefined },
      [`filter.config ${MANAGER}/http_filters/0`],
    ],
    [
      'a domain twice',
      '/routes/0/virtual_hosts/1',
      { domains: ['x.example', 'API.example'] },
      ['duplicate.domain /routes/0/virtual_hosts/1/domains/1'],
    ],
    [
      'weights of zero',
      `${ROUTE}/weighted_clusters`,
      { clusters: [{ name: 'web', weight: 0 }, { name: 'web-next' }] },
      [`weights.zero ${ROUTE}/weighted_clusters/clusters`],
    ],
    [
      'weights beyond their type',
      `${ROUTE}/weighted_clusters`,
      {
        clusters: [
          { name: 'web', weight: 4294967295 },
          { name: 'web-next', weight: 1 },
        ],
      },
      [`weights.sum ${ROUTE}/weighted_clusters/clusters`],
    ],
    [
      'virtual hosts on demand',
      '/routes/0',
      { vhds: { config_source: ads } },
      ['unsupported.virtual-hosts /routes/0/vhds/config_source'],
    ],
    // The document
    ['an unknown collection', '', { listener: [] }, ['schema.unknown-field /listener']],
    ['a collection that is no list', '', { endpoints: {} }, ['schema.type /endpoints']],
    ['an entry that is no object', '', { runtimes: ['x'] }, ['schema.type /runtimes/0']],
    [
      'a secret with content',
      '',
      { secrets: [{ name: 's', tls_certificate: { private_key: 5 } }] },
      ['secret.inline /secrets/0/tls_certificate'],
    ],
    ['scoped routes', '', { scopedRoutes: [{}] }, ['unsupported.scoped-routes /scopedRoutes']],
  ];

  it.each(cases)('%s', (_, pointer, change, expected) => {
    const reading = api.readSnapshot(changed(pointer, change));
    expect(inShort(reading.findings)).toEqual(expected);
    expect(reading.resources).toEqual([]);
    for (const finding of reading.findings) expect(finding.severity).toBe('error');
  });

  it('names what was probably meant', () => {
    const details = (pointer: string, change: Record<string, unknown>) =>
      api.readSnapshot(changed(pointer, change)).findings.map(({ detail }) => detail);
    expect(details(MANAGER, { stat_prefx: 'x' })).toEqual([
      'unknown field "stat_prefx" in HttpConnectionManager; did you mean "stat_prefix"?',
    ]);
    expect(details(C, { lb_policy: 'ROUND_ROBBIN' })).toEqual([
      '"ROUND_ROBBIN" is not a value of LbPolicy; did you mean "ROUND_ROBIN"?',
    ]);
    const v2 = url('envoy.config.filter.network.http_connection_manager.v2.HttpConnectionManager');
    expect(details(MANAGER, { '@type': v2 })[0]).toContain(`did you mean "${url(HCM)}"?`);
    expect(details(`${R}/routes/2/route`, { cluster: 'wep' })).toEqual([
      'the cluster "wep" is not in this snapshot; did you mean "web"?',
    ]);
    expect(details(MANAGER, { stat_prefix: '' })).toEqual(['stat_prefix in HttpConnectionManager must not be empty']);
  });

  it('finds everything at once, in the spelling of the document', () => {
    const snapshot = changed(C, { connect_timeout: undefined, connectTimeout: '0s', bogus: 1 });
    Object.assign(at(snapshot, MANAGER), { stat_prefix: undefined, statPrefix: '', codec_type: 'HTTP9' });
    expect(inShort(api.readSnapshot(JSON.parse(JSON.stringify(snapshot))).findings)).toEqual([
      `schema.enum ${MANAGER}/codec_type`,
      `schema.unknown-field ${C}/bogus`,
      `pgv.duration.gt ${C}/connectTimeout`,
    ]);
  });

  it('points without an index at one value given for a list', () => {
    const healthCheck = {
      timeout: '0s',
      interval: '1s',
      unhealthy_threshold: 1,
      healthy_threshold: 1,
      tcp_health_check: {},
    };
    expect(inShort(api.readSnapshot(changed(C, { health_checks: healthCheck })).findings)).toEqual([
      `pgv.duration.gt ${C}/health_checks/timeout`,
    ]);
  });
});

describe('secrets', () => {
  const KEY = '-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----';
  const tlsContext = `${L}/filter_chains/0/transport_socket/typed_config`;
  const certificate = (privateKey: object) => ({
    tls_certificate_sds_secret_configs: undefined,
    tls_certificates: [{ certificate_chain: { filename: '/c.pem' }, private_key: privateKey }],
  });
  const upstream = '/clusters/2/transport_socket/typed_config';
  const cases: [what: string, pointer: string, change: Record<string, unknown>, places: string[]][] = [
    [
      'a private key as text',
      `${tlsContext}/common_tls_context`,
      certificate({ inline_string: 'not even PEM' }),
      [`${tlsContext}/common_tls_context/tls_certificates/0/private_key/inline_string`],
    ],
    [
      'a private key as bytes, in PEM',
      `${tlsContext}/common_tls_context`,
      certificate({ inline_bytes: Buffer.from(KEY).toString('base64') }),
      [`${tlsContext}/common_tls_context/tls_certificates/0/private_key/inline_bytes`],
    ],
    [
      'a password of a key',
      upstream,
      {
        common_tls_context: {
          tls_certificates: [
            {
              certificate_chain: { filename: '/c.pem' },
              private_key: { filename: '/k.pem' },
              password: { inline_string: 'x' },
            },
          ],
        },
      },
      [`${upstream}/common_tls_context/tls_certificates/0/password/inline_string`],
    ],
    [
      'session ticket keys',
      tlsContext,
      { session_ticket_keys: { keys: [{ filename: '/a' }, { inline_bytes: 'AAAA' }] } },
      [`${tlsContext}/session_ticket_keys/keys/1/inline_bytes`],
    ],
    [
      'a private key where a certificate belongs',
      `${tlsContext}/common_tls_context`,
      { validation_context: { trusted_ca: { inline_string: KEY } } },
      [`${tlsContext}/common_tls_context/validation_context/trusted_ca/inline_string`],
    ],
    [
      'a private key in a script',
      `${MANAGER}/http_filters/5/typed_config/default_source_code`,
      { inline_string: `key = [[${KEY}]]` },
      [`${MANAGER}/http_filters/5/typed_config/default_source_code/inline_string`],
    ],
    [
      'a private key in metadata',
      L,
      { metadata: { filter_metadata: { 'a/b': { deep: [{ key: KEY }] } } } },
      [`${L}/metadata/filter_metadata/a~1b/deep/0/key`],
    ],
    [
      'a key in an extension configuration',
      '',
      {
        extensionConfigs: [
          {
            name: 'auth',
            typed_config: typed('envoy.extensions.filters.http.basic_auth.v3.BasicAuth', {
              users: { inline_string: 'user:{SHA}x' },
            }),
          },
        ],
      },
      ['/extensionConfigs/0/typed_config/users/inline_string'],
    ],
    [
      'a key in a TypedStruct',
      '',
      {
        extensionConfigs: [
          {
            name: 'auth',
            typed_config: typed('xds.type.v3.TypedStruct', {
              type_url: url('envoy.extensions.filters.http.basic_auth.v3.BasicAuth'),
              value: { users: { inline_string: 'user:{SHA}x' } },
            }),
          },
        ],
      },
      ['/extensionConfigs/0/typed_config/value/users/inline_string'],
    ],
  ];

  it.each(cases)('refuses %s', (_, pointer, change, places) => {
    const { findings } = api.readSnapshot(changed(pointer, change));
    expect(inShort(findings)).toEqual(places.map((place) => `secret.inline ${place}`));
    expect(findings[0]?.detail).toContain('secret of EFMS');
    expect(JSON.stringify(findings)).not.toContain('MIIB');
  });

  it('takes keys and passwords from files', () => {
    const change = certificate({ filename: '/k.pem' });
    expect(api.readSnapshot(changed(`${tlsContext}/common_tls_context`, change)).findings).toEqual([]);
  });
});

describe('listener addresses', () => {
  const withSecond = (address: object, more: object = {}) => {
    const snapshot = realistic();
    const second = { ...snapshot.listeners[0]!, name: 'second', address, ...more };
    return api.readSnapshot({ ...snapshot, listeners: [snapshot.listeners[0], second] });
  };
  const place = '/listeners/1/address';

  it('clash where host, port and protocol are the same', () => {
    expect(inShort(withSecond(socket('0.0.0.0', 10443)).findings)).toEqual([`duplicate.address ${place}`]);
    expect(withSecond(socket('0.0.0.0', 10444)).findings).toEqual([]);
    expect(withSecond({ socket_address: { address: '0.0.0.0', port_value: 10443, protocol: 'UDP' } }).findings).toEqual(
      [],
    );
    // Envoy compares addresses of listeners that do not bind, too.
    expect(inShort(withSecond(socket('0.0.0.0', 10443), { bind_to_port: false }).findings)).toHaveLength(1);
  });

  it('overlap where one is a wildcard, which is only a warning', () => {
    const reading = withSecond(socket('127.0.0.1', 10443));
    expect(inShort(reading.findings)).toEqual([`overlapping.address ${place}`]);
    expect(reading.findings[0]?.severity).toBe('warning');
    expect(reading.resources).toHaveLength(9);
  });

  it('are found among additional addresses, and in any spelling of IPv6', () => {
    const additional = { additional_addresses: [{ address: socket('0.0.0.0', 10443) }] };
    expect(inShort(withSecond(socket('::1', 7000), additional).findings)).toEqual([
      'duplicate.address /listeners/1/additional_addresses/0/address',
    ]);
    const spelt = { additional_addresses: [{ address: socket('0:0:0:0:0:0:0:1', 7000) }] };
    expect(inShort(withSecond(socket('::1', 7000), spelt).findings)).toEqual([
      'duplicate.address /listeners/1/additional_addresses/0/address',
    ]);
  });
});

describe('warnings', () => {
  it('are given for deprecated fields and do not refuse', () => {
    const reading = api.readSnapshot(
      changed('/clusters/3', { http2_protocol_options: {}, typed_extension_protocol_options: undefined }),
    );
    expect(inShort(reading.findings)).toEqual(['deprecated.field /clusters/3/http2_protocol_options']);
    expect(reading.resources).toHaveLength(8);
  });

  it('are given for a route behind one that takes everything', () => {
    const catchAll = { match: { prefix: '/' }, route: { cluster: 'web' } };
    const narrow = { match: { prefix: '/', headers: [{ name: 'x', present_match: true }] }, route: { cluster: 'web' } };
    const other = { match: { path: '/x' }, route: { cluster: 'web' } };
    const findings = (...routes: object[]) => inShort(api.readSnapshot(changed(R, { routes })).findings);
    expect(findings(catchAll, other, other)).toEqual([`route.unreachable ${R}/routes/1`]);
    expect(findings(narrow, other, catchAll)).toEqual([]);
  });
});

describe('hostile documents', () => {
  it('are refused by their number of resources before any is read', () => {
    const clusters = Array.from({ length: 10_001 }, () => ({}));
    expect(inShort(api.readSnapshot({ clusters }).findings)).toEqual(['snapshot.too-many-resources ']);
  });

  const nest = (depth: number, wrap: (inner: unknown) => unknown) => {
    let value: unknown = {};
    for (let i = 0; i < depth; i++) value = wrap(value);
    return value;
  };

  it('are refused when nested without end', () => {
    expect(inShort(api.readSnapshot(nest(10_000, (inner) => ({ a: inner }))).findings)[0]).toMatch(/^document.depth /);
    const cyclic: Record<string, unknown> = {};
    cyclic['clusters'] = [cyclic];
    expect(inShort(api.readSnapshot(cyclic).findings)[0]).toMatch(/^document.depth /);
  });

  it('are refused when nested deeper than protobuf parsers read', () => {
    const metadata = (depth: number) => ({ filter_metadata: { x: nest(depth, (inner) => ({ a: inner })) } });
    expect(api.readSnapshot(changed(C, { metadata: metadata(20) })).findings).toEqual([]);
    const [finding] = api.readSnapshot(changed(C, { metadata: metadata(60) })).findings;
    expect(finding?.rule).toBe('schema.depth');
  });

  it.each([null, undefined, 5, 'x', [], true])('are refused when they are no object: %p', (document) => {
    expect(inShort(api.readSnapshot(document).findings)).toEqual(['schema.type ']);
  });

  it('do not reach prototypes', () => {
    const document: unknown = JSON.parse('{"clusters": [{"name": "a", "__proto__": {"polluted": true}}]}');
    expect(inShort(api.readSnapshot(document).findings)).toEqual(['document.key /clusters/0/__proto__']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('get at most 200 findings, of bounded size, and how many more there are', () => {
    const wrong = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`wrong${i}`, 1]));
    const { findings } = api.readSnapshot(changed(C, wrong));
    expect(findings).toHaveLength(201);
    expect(findings[200]).toMatchObject({ rule: 'findings.more', detail: expect.stringMatching(/^800 more/) });

    const longKeys = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`${'x'.repeat(65536)}${i}`, 1]));
    expect(JSON.stringify(api.readSnapshot(changed(C, longKeys)).findings).length).toBeLessThan(10_000);
  });

  it('never throw, however a valid snapshot is mutated', () => {
    const json = JSON.stringify(realistic());
    const places: string[] = [];
    const collect = (value: unknown, pointer: string): void => {
      if (pointer !== '') places.push(pointer);
      if (typeof value !== 'object' || value === null) return;
      for (const [key, child] of Object.entries(value)) collect(child, `${pointer}/${key}`);
    };
    collect(JSON.parse(json), '');
    const junk = fc.oneof(
      fc.constantFrom<unknown>(
        null,
        true,
        '',
        'x',
        0,
        -1,
        1e300,
        NaN,
        [],
        {},
        [[]],
        [null],
        undefined,
        '9'.repeat(400),
      ),
      fc.jsonValue({ maxDepth: 3 }),
    );
    const mutation = fc.tuple(fc.constantFrom(...places), junk);
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
        const document: unknown = JSON.parse(json);
        for (const [pointer, value] of mutations) {
          const tokens = pointer.slice(1).split('/');
          const last = tokens.pop()!;
          const holder = tokens.reduce<unknown>((v, t) => (v as Record<string, unknown> | undefined)?.[t], document);
          if (typeof holder === 'object' && holder !== null) (holder as Record<string, unknown>)[last] = value;
        }
        const reading: SnapshotReading = api.readSnapshot(document);
        for (const { pointer, detail } of reading.findings) {
          expect(pointer === '' || pointer.startsWith('/')).toBe(true);
          expect(detail).not.toBe('');
        }
        for (const { kind, value, json: canonical } of reading.resources)
          expect(api.toJson(kind, value)).toEqual(canonical);
      }),
      { numRuns: 400 },
    );
  });
});

describe('bytes', () => {
  /** The same data with the keys of every object in another order. */
  const shuffled = (value: unknown, order: number): unknown => {
    if (Array.isArray(value)) return value.map((item) => shuffled(item, order));
    if (typeof value !== 'object' || value === null) return value;
    const rank = (key: string): number =>
      Array.from(key).reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0) * order) % 9973, order);
    const entries = Object.entries(value).sort(([a], [b]) => rank(a) - rank(b));
    return Object.fromEntries(entries.map(([key, child]) => [key, shuffled(child, order)]));
  };

  it('do not depend on the order of keys, in maps and Structs neither', () => {
    const snapshot = changed(C, {
      metadata: { filter_metadata: { b: { z: 1, a: [{ d: 1, c: null }] }, a: { 10: 1, 9: 2, x: true } } },
    });
    Object.assign(at(snapshot, `${jwt}/providers`), { other: { local_jwks: { inline_string: '{}' }, issuer: 'x' } });
    const reading = api.readSnapshot(snapshot);
    expect(reading.findings).toEqual([]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9000 }), (order) => {
        const other = api.readSnapshot(shuffled(snapshot, order));
        expect(other.hash).toBe(reading.hash);
      }),
      { numRuns: 30 },
    );
  });

  it('read back into what they were made from', () => {
    const name = fc
      .string({ minLength: 1, maxLength: 20 })
      .filter((text) => text.isWellFormed() && !text.includes('\0'));
    const cluster = fc.record({
      name: name.filter((text) => text !== 'efms_xds'),
      connect_timeout: fc.integer({ min: 1, max: 1000 }).map((seconds) => `${seconds}s`),
      type: fc.constantFrom('STRICT_DNS', 'LOGICAL_DNS', 'ORIGINAL_DST'),
      per_connection_buffer_limit_bytes: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
      outlier_detection: fc.record({ consecutive_5xx: fc.integer({ min: 0, max: 2 ** 32 - 1 }) }),
      metadata: fc.record({
        filter_metadata: fc.record({
          'envoy.lb': fc.dictionary(
            fc.string({ unit: 'grapheme-ascii' }),
            fc.oneof(name, fc.boolean(), fc.constant(1.5)),
          ),
        }),
      }),
    });
    fc.assert(
      fc.property(cluster, (json) => {
        const reading = api.readSnapshot({ clusters: [json] });
        if (reading.findings.length > 0) return;
        const again = api.readSnapshot({ clusters: [reading.resources[0]!.json] });
        expect(again).toEqual(reading);
        expect(reading.resources[0]!.json).toEqual(json);
      }),
      { numRuns: 200 },
    );
  });
});

describe('load', () => {
  it('takes descriptor files of an operator over its own', () => {
    const file = create(FileDescriptorProtoSchema, {
      name: 'acme/filter.proto',
      package: 'acme',
      syntax: 'proto3',
      messageType: [
        {
          name: 'Filter',
          field: [{ name: 'mode', number: 1, label: Label.OPTIONAL, type: Type.STRING, jsonName: 'mode' }],
        },
      ],
    });
    const path = join(mkdtempSync(join(tmpdir(), 'efms-')), 'acme.binpb.gz');
    writeFileSync(path, gzipSync(toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: [file] }))));
    const own = EnvoyApi.load([path]);
    rmSync(dirname(path), { recursive: true });
    const snapshot = (config: object) => ({
      extensionConfigs: [{ name: 'a', typed_config: typed('acme.Filter', config) }],
    });
    expect(own.readSnapshot(snapshot({ mode: 'x' })).findings).toEqual([]);
    expect(inShort(own.readSnapshot(snapshot({ mood: 'x' })).findings)).toEqual([
      'schema.unknown-field /extensionConfigs/0/typed_config/mood',
    ]);
    expect(inShort(api.readSnapshot(snapshot({})).findings)).toEqual([
      'schema.any-type /extensionConfigs/0/typed_config/@type',
    ]);
  });

  it('names a descriptor file that cannot be read', () => {
    expect(() => EnvoyApi.load(['/nowhere/extra.binpb'])).toThrow(
      /cannot read the descriptor file \/nowhere\/extra.binpb/,
    );
  });
});
