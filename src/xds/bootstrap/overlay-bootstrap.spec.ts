import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../envoy-api/index.js';
import { EnvoyApi } from '../envoy-api/index.js';
import { overlayBootstrap } from './overlay-bootstrap.js';
import { overlayYaml } from './overlay-yaml.js';

const api = EnvoyApi.load();

const socket = (address: string, port: number) => ({ socket_address: { address, port_value: port } });
const cluster = (name: string, address: object = socket('10.0.0.9', 80)) => ({
  name,
  type: 'STATIC',
  connect_timeout: '5s',
  load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
});
const EFMS = cluster('efms_xds', socket('127.0.0.1', 18000));
const overAds = { ads: {}, resource_api_version: 'V3' };
const DYNAMIC = {
  ads_config: {
    api_type: 'DELTA_GRPC',
    transport_api_version: 'V3',
    grpc_services: [{ envoy_grpc: { cluster_name: 'efms_xds' } }],
  },
  cds_config: overAds,
  lds_config: overAds,
};
const LOAD_REPORTS = {
  load_stats_config: {
    api_type: 'GRPC',
    transport_api_version: 'V3',
    grpc_services: [{ envoy_grpc: { cluster_name: 'efms_xds' } }],
  },
};
const RENDERED = {
  node: { id: 'edge-1', cluster: 'efms' },
  admin: { address: socket('127.0.0.1', 9901) },
  dynamic_resources: DYNAMIC,
  static_resources: { clusters: [EFMS] },
  cluster_manager: LOAD_REPORTS,
};
const REGISTERED = {
  ...RENDERED,
  node: {
    id: 'edge-1',
    cluster: 'edge',
    locality: { region: 'eu', zone: 'a', sub_zone: '' },
    metadata: { team: 'web' },
  },
};

function laidOver(given: object, rendered: JsonObject = RENDERED) {
  const { bootstrap, pointerTo, findings } = api.readBootstrap(given, undefined);
  if (!bootstrap) throw new Error(JSON.stringify(findings));
  return overlayBootstrap({ bootstrap, pointerTo }, rendered);
}
const refusals = (given: object, rendered?: JsonObject) =>
  laidOver(given, rendered).findings.map(({ rule, pointer }) => `${rule} ${pointer}`);

describe('a bootstrap with EFMS laid over it', () => {
  it('gets what is missing', () => {
    expect(laidOver({})).toEqual({ bootstrap: RENDERED, findings: [] });
    expect(laidOver({}, REGISTERED).bootstrap['node']).toEqual(REGISTERED.node);
  });

  it('keeps all that it had', () => {
    const given = {
      node: { cluster: 'old', metadata: { rack: '7' }, locality: { region: 'eu' } },
      static_resources: {
        listeners: [{ name: 'own', address: socket('0.0.0.0', 8080), filter_chains: [{}] }],
        clusters: [cluster('own')],
        secrets: [{ name: 'own', generic_secret: { secret: { inline_string: 'hidden' } } }],
      },
      admin: { address: socket('127.0.0.1', 15000) },
      stats_flush_interval: '10s',
      layered_runtime: { layers: [{ name: 'admin', admin_layer: {} }] },
      cluster_manager: { local_cluster_name: 'own' },
    };
    expect(laidOver(given)).toEqual({
      bootstrap: {
        ...given,
        node: { id: 'edge-1', cluster: 'old', metadata: { rack: '7' }, locality: { region: 'eu' } },
        static_resources: { ...given.static_resources, clusters: [cluster('own'), EFMS] },
        dynamic_resources: DYNAMIC,
        cluster_manager: { local_cluster_name: 'own', ...LOAD_REPORTS },
      },
      findings: [],
    });
  });

  it('goes on reporting load elsewhere where it does, and to EFMS where an overlay comes again', () => {
    const services = [{ envoy_grpc: { cluster_name: 'own' } }];
    const elsewhere = { load_stats_config: { ...LOAD_REPORTS.load_stats_config, grpc_services: services } };
    expect(laidOver({ cluster_manager: elsewhere }).bootstrap['cluster_manager']).toEqual(elsewhere);
    expect(laidOver(RENDERED).bootstrap).toEqual(RENDERED);
  });

  it('may say of the node what EFMS knows, and more', () => {
    const node = {
      id: 'edge-1',
      cluster: 'edge',
      locality: { region: 'eu', zone: 'a' },
      metadata: { team: 'web', a: 1 },
    };
    const { bootstrap, findings } = laidOver({ node }, REGISTERED);
    expect(findings).toEqual([]);
    expect(bootstrap['node']).toEqual({ ...REGISTERED.node, metadata: { team: 'web', a: 1 } });
  });

  it('can be laid over again', () => {
    const once = laidOver({ static_resources: { clusters: [cluster('own')] } }).bootstrap;
    expect(laidOver(once)).toEqual({ bootstrap: once, findings: [] });
  });

  it.each<[string, object, string[]]>([
    ['another node id', { node: { id: 'edge-2' } }, ['bootstrap.node /node/id']],
    ['another cluster of the node', { node: { cluster: 'x' } }, ['bootstrap.node /node/cluster']],
    ['another locality', { node: { locality: { region: 'us' } } }, ['bootstrap.node /node/locality']],
    ['other metadata', { node: { metadata: { team: 'x' } } }, ['bootstrap.node /node/metadata/team']],
    [
      'metadata of EFMS',
      { node: { metadata: { 'efms.boot_id': 'x' } } },
      ['bootstrap.node /node/metadata/efms.boot_id'],
    ],
    [
      'a cluster of its own under the name of EFMS',
      { static_resources: { clusters: [cluster('own'), cluster('efms_xds')] } },
      ['name.reserved /static_resources/clusters/1/name'],
    ],
    [
      'listeners from a file, in camelCase',
      { dynamicResources: { ldsConfig: { path_config_source: { path: '/etc/envoy/lds.yaml' } } } },
      ['bootstrap.dynamic-resources /dynamicResources/ldsConfig'],
    ],
    [
      'ADS from another server',
      {
        dynamic_resources: {
          ads_config: { api_type: 'GRPC', grpc_services: [{ envoy_grpc: { cluster_name: 'other' } }] },
          cds_config: { ads: {} },
        },
      },
      ['bootstrap.dynamic-resources /dynamic_resources/ads_config'],
    ],
    [
      'clusters from another server',
      {
        dynamic_resources: {
          cds_config: {
            api_config_source: {
              api_type: 'GRPC',
              transport_api_version: 'V3',
              grpc_services: [{ envoy_grpc: { cluster_name: 'other' } }],
            },
          },
        },
      },
      ['bootstrap.dynamic-resources /dynamic_resources/cds_config'],
    ],
    [
      'ADS from Google’s client',
      {
        dynamic_resources: {
          ads_config: {
            api_type: 'GRPC',
            grpc_services: [{ google_grpc: { target_uri: 'x', stat_prefix: 'x' } }],
          },
        },
      },
      ['bootstrap.dynamic-resources /dynamic_resources/ads_config'],
    ],
  ])('is refused with %s', (_, given, expected) => {
    expect(refusals(given, REGISTERED)).toEqual(expected);
  });

  it('has its warnings as comments, whatever they quote', () => {
    const detail = 'the name "a\nb\u2028c" is\r\nodd';
    const yaml = overlayYaml({ node: { id: 'x' } }, [{ pointer: '/a', rule: 'b', detail, severity: 'warning' }]);
    expect(yaml).toBe('# /a b: the name "a b c" is  odd\nnode:\n  id: "x"\n');
  });
});
