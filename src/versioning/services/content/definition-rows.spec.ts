import { describe, expect, it } from '@jest/globals';
import { definitionRows } from './definition-rows.js';
import type { JsonObject } from '../diff/json-diff.js';

const listener = (name: string, address: JsonObject): JsonObject => ({
  name,
  address,
  filter_chains: [{ filters: [] }],
});

describe('definitionRows', () => {
  it('reads addresses of every kind', () => {
    const documents: JsonObject[] = [
      listener('ip', { socket_address: { address: '127.0.0.1', port_value: 80, protocol: 'TCP' } }),
      listener('host', { socket_address: { address: 'example.org', port_value: 0 } }),
      listener('pipe', { pipe: { path: '/run/envoy.sock' } }),
      listener('internal', { envoy_internal_address: { server_listener_name: 'inner' } }),
      { name: 'api', api_listener: {} },
    ];
    const rows = definitionRows(
      'v1',
      documents.map((json) => ({ kind: 'listener', name: json['name'] as string, json })),
    );
    const addresses = rows.listener_definitions.map((row) => [
      row['address_kind'],
      row['address'],
      row['ip_address'],
      row['port'],
    ]);
    expect(addresses).toEqual([
      ['socket', '127.0.0.1', '127.0.0.1', 80],
      ['socket', 'example.org', null, 0],
      ['pipe', '/run/envoy.sock', null, null],
      ['internal', 'inner', null, null],
      ['none', null, null, null],
    ]);
    expect(rows.filter_chains).toHaveLength(4);
  });

  it('keeps the default filter chain apart and last', () => {
    const json = { name: 'a', default_filter_chain: { name: 'rest' }, filter_chains: [{ name: 'tls' }] };
    const { filter_chains } = definitionRows('v1', [{ kind: 'listener', name: 'a', json }]);
    expect(filter_chains.map((row) => [row['name'], row['is_default'], row['chain_order']])).toEqual([
      ['tls', false, 0],
      ['rest', true, 1],
    ]);
  });

  it('numbers the routes of all virtual hosts in the order in which they stand', () => {
    const json = {
      name: 'r',
      virtual_hosts: [
        { name: 'a', routes: [{ match: { prefix: '/x' }, redirect: { path_redirect: '/y' } }] },
        { name: 'b', routes: [{ match: { prefix: '/' }, route: { cluster: 'web', timeout: '1.5s' } }] },
      ],
    };
    const { route_matches } = definitionRows('v1', [{ kind: 'route', name: 'r', json }]);
    expect(
      route_matches.map((row) => [
        row['virtual_host_name'],
        row['route_action'],
        row['timeout_ms'],
        row['match_order'],
      ]),
    ).toEqual([
      ['a', { redirect: { path_redirect: '/y' } }, null, 0],
      ['b', { route: { cluster: 'web', timeout: '1.5s' } }, 1500, 1],
    ]);
  });

  it('reads endpoints and health checks of clusters', () => {
    const json = {
      name: 'web',
      type: 'STATIC',
      connect_timeout: '0.25s',
      load_assignment: {
        cluster_name: 'web',
        endpoints: [
          {
            locality: { region: 'eu', zone: 'a' },
            lb_endpoints: [
              {
                endpoint: { address: { socket_address: { address: '::1', port_value: 1 } } },
                load_balancing_weight: 3,
              },
            ],
          },
        ],
      },
      health_checks: [{ timeout: '1s', interval: '5s', http_health_check: { path: '/health' } }],
    };
    const rows = definitionRows('v1', [{ kind: 'cluster', name: 'web', json }]);
    expect(rows.cluster_definitions[0]).toMatchObject({ cluster_type: 'STATIC', connect_timeout_ms: 250 });
    expect(rows.cluster_endpoints[0]).toMatchObject({ ip_address: '::1', weight: 3, locality_zone: 'a' });
    expect(rows.cluster_health_checks[0]).toMatchObject({ interval_ms: 5000, path: '/health', http_method: null });
    expect(rows.cluster_endpoints[0]?.['cluster_id']).toBe(rows.cluster_definitions[0]?.['id']);
  });

  it('takes endpoint sets by cluster and leaves out kinds without a table', () => {
    const rows = definitionRows('v1', [
      { kind: 'endpoint', name: 'web', json: { cluster_name: 'web', endpoints: [{}] } },
      { kind: 'runtime', name: 'flags', json: { name: 'flags' } },
    ]);
    expect(rows.endpoint_definitions).toMatchObject([{ cluster_name: 'web', endpoints: [{}], policy: null }]);
  });
});
