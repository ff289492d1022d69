import { isIP } from 'node:net';
import { stringify } from 'yaml';
import type { DrainStrategy, ProxyDocument } from '../entities/envoy-proxy.entity.js';

export type XdsProtocol = 'delta' | 'sotw';

/** Where the proxy has its client certificate and the key of it: paths on its machine. */
export interface CertificateFilePaths {
  readonly certificateFile: string;
  readonly keyFile: string;
}

export interface BootstrapRequest {
  readonly proxy: Pick<ProxyDocument, 'nodeId' | 'cluster' | 'locality' | 'metadata' | 'adminAddress' | 'adminPort'>;
  /** Where the proxy finds EFMS: a host name or an address. */
  readonly xds: { readonly host: string; readonly port: number };
  /** PEM: the CA of the xDS port; absent where that speaks plaintext. */
  readonly trustedCa?: string | undefined;
  readonly protocol: XdsProtocol;
  /** What the proxy proves itself with. A certificate needs an xDS port with TLS. */
  readonly proof: { readonly token: string } | CertificateFilePaths;
  /** How often the proxy tells how long requests took; it does not where this is absent. */
  readonly metricsEvery?: string | undefined;
}

/** Stands for the token in a bootstrap that is rendered without one. */
export const TOKEN_PLACEHOLDER = 'EFMS_TOKEN';

/** Where a bootstrap finds the client certificate and its key unless it is told. */
export const CERTIFICATE_FILES: CertificateFilePaths = {
  certificateFile: '/etc/envoy/efms/client.crt',
  keyFile: '/etc/envoy/efms/client.key',
};

/** The cluster by which a bootstrap names EFMS itself; no resource of a configuration may take it. */
export const XDS_CLUSTER = 'efms_xds';

/** The node's cluster where the proxy is registered without one. */
export const DEFAULT_NODE_CLUSTER = 'efms';
/** Longer than any first answer takes, so that an Envoy whose control plane is away gets on with what it has. */
const INITIAL_FETCH_TIMEOUT = '15s';
const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/**
 * Renders the bootstrap (`envoy.config.bootstrap.v3.Bootstrap`, in proto3 JSON) of a proxy that takes everything else over ADS. It holds
 * for Envoy 1.24 and newer.
 */
export function renderBootstrap({
  proxy,
  xds,
  trustedCa,
  protocol,
  proof,
  metricsEvery,
}: BootstrapRequest): Readonly<Record<string, unknown>> {
  return {
    node: nodeOf(proxy),
    admin: { address: { socket_address: { address: proxy.adminAddress, port_value: proxy.adminPort } } },
    dynamic_resources: {
      ads_config: {
        api_type: protocol === 'delta' ? 'DELTA_GRPC' : 'GRPC',
        transport_api_version: 'V3',
        // Otherwise 60 KB of node come with every request.
        set_node_on_first_message_only: true,
        // An Envoy that refuses and asks again in a loop is slowed down at its end.
        rate_limit_settings: { max_tokens: 100, fill_rate: 10 },
        grpc_services: [toEfms(proof)],
      },
      cds_config: overAds(),
      lds_config: overAds(),
    },
    static_resources: { clusters: [xdsCluster(xds, trustedCa, proof)] },
    // What requests come to is the evidence that rollouts are judged by.
    cluster_manager: {
      load_stats_config: { api_type: 'GRPC', transport_api_version: 'V3', grpc_services: [toEfms(proof)] },
    },
    ...(metricsEvery === undefined ? {} : { stats_sinks: [metricsService(proof)], stats_flush_interval: metricsEvery }),
  };
}

/** A `GrpcService`. Each use needs the token: metadata of one does not reach the others. A certificate is that of the cluster. */
function toEfms(proof: BootstrapRequest['proof']): Record<string, unknown> {
  return {
    envoy_grpc: { cluster_name: XDS_CLUSTER },
    ...('token' in proof && { initial_metadata: [{ key: 'authorization', value: `Bearer ${proof.token}` }] }),
  };
}

/** The same as YAML. Every string is quoted, because Envoy's YAML 1.1 reads a bare `yes` or `1_0` as something else. */
export function bootstrapYaml(bootstrap: Readonly<Record<string, unknown>>): string {
  return stringify(bootstrap, { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN', lineWidth: 0 });
}

/**
 * How to start Envoy with the bootstrap in `bootstrap.yaml`. Each start adds a boot id of its own to the node's metadata, so that EFMS
 * tells a new process from a reconnect. For a POSIX shell on Linux.
 */
export function startCommand(drainStrategy: DrainStrategy): string {
  return (
    `envoy -c bootstrap.yaml --config-yaml ` +
    `'{"node":{"metadata":{"efms.boot_id":"'"$(cat /proc/sys/kernel/random/uuid)"'"}}}' ` +
    `--drain-strategy ${drainStrategy}`
  );
}

/** Names of clusters as labels, because there may be dots in them. */
function metricsService(proof: BootstrapRequest['proof']): Record<string, unknown> {
  return {
    name: 'envoy.stat_sinks.metrics_service',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.config.metrics.v3.MetricsServiceConfig',
      transport_api_version: 'V3',
      grpc_service: toEfms(proof),
      report_counters_as_deltas: true,
      emit_tags_as_labels: true,
    },
  };
}

function nodeOf({ nodeId, cluster, locality, metadata }: BootstrapRequest['proxy']): Record<string, unknown> {
  return {
    id: nodeId,
    // Envoy wants one wherever xDS is used.
    cluster: cluster ?? DEFAULT_NODE_CLUSTER,
    ...(locality === null
      ? {}
      : { locality: { region: locality.region ?? '', zone: locality.zone ?? '', sub_zone: locality.subZone ?? '' } }),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
  };
}

function overAds(): Record<string, unknown> {
  return { ads: {}, resource_api_version: 'V3', initial_fetch_timeout: INITIAL_FETCH_TIMEOUT };
}

function xdsCluster(
  { host, port }: BootstrapRequest['xds'],
  trustedCa: string | undefined,
  proof: BootstrapRequest['proof'],
): Record<string, unknown> {
  const isAddress = isIP(host) !== 0;
  return {
    name: XDS_CLUSTER,
    // ALL tries every address of the name: `localhost` may be ::1 first where EFMS listens on 127.0.0.1.
    ...(isAddress ? { type: 'STATIC' } : { type: 'STRICT_DNS', dns_lookup_family: 'ALL' }),
    connect_timeout: '5s',
    ...(trustedCa === undefined ? {} : { transport_socket: tlsTo(host, trustedCa, proof) }),
    typed_extension_protocol_options: {
      [HTTP_OPTIONS]: {
        '@type': `type.googleapis.com/${HTTP_OPTIONS}`,
        explicit_http_config: {
          // Pings find a control plane that has vanished; without them a stream may hang for hours.
          http2_protocol_options: { connection_keepalive: { interval: '30s', timeout: '5s' } },
        },
      },
    },
    load_assignment: {
      cluster_name: XDS_CLUSTER,
      endpoints: [
        { lb_endpoints: [{ endpoint: { address: { socket_address: { address: host, port_value: port } } } }] },
      ],
    },
  };
}

/** TLS 1.3 with the pinned CA and nobody else, and only with a certificate for this very host: other servers may have one of that CA too. */
function tlsTo(host: string, trustedCa: string, proof: BootstrapRequest['proof']): Record<string, unknown> {
  const isAddress = isIP(host) !== 0;
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
      // RFC 6066 knows names only.
      ...(isAddress ? {} : { sni: host }),
      common_tls_context: {
        // A client Envoy stops at TLS 1.2 unless told.
        tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
        alpn_protocols: ['h2'],
        ...('keyFile' in proof && {
          tls_certificates: [
            { certificate_chain: { filename: proof.certificateFile }, private_key: { filename: proof.keyFile } },
          ],
        }),
        validation_context: {
          trusted_ca: { inline_string: trustedCa },
          match_typed_subject_alt_names: [{ san_type: isAddress ? 'IP_ADDRESS' : 'DNS', matcher: { exact: host } }],
        },
      },
    },
  };
}
