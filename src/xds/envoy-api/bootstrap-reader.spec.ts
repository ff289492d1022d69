import { describe, expect, it } from '@jest/globals';
import { CompiledSnapshot } from '../snapshots/compiled-snapshot.js';
import { EnvoyApi } from './envoy-api.js';

const api = EnvoyApi.load();

const socket = (address: string, port: number, more: object = {}) => ({
  socket_address: { address, port_value: port, ...more },
});
const listener = (name: string | undefined, address: object) => ({
  ...(name === undefined ? {} : { name }),
  address,
  filter_chains: [{}],
});
const cluster = (name: string) => ({ name, type: 'STATIC', connect_timeout: '1s' });
const statics = (content: object, more: object = {}) => ({ static_resources: content, ...more });

/** What a proxy is to serve: the listener "edge" on 10.0.0.1:80 and the cluster "web". */
const read = api.readSnapshot({
  listeners: [listener('edge', socket('10.0.0.1', 80))],
  clusters: [cluster('web')],
});
const ASSIGNED = new CompiledSnapshot(read.hash, read.resources);

const found = (document: unknown, assigned: CompiledSnapshot | undefined = ASSIGNED) =>
  api.readBootstrap(document, assigned).findings.map(({ severity, rule, pointer }) => `${severity} ${rule} ${pointer}`);

const PEM = '-----BEGIN PRIVATE KEY-----\nMIG2\n-----END PRIVATE KEY-----\n';

describe('a bootstrap that is read', () => {
  it('comes in canonical form, whatever its spelling, with secrets that people have in it', () => {
    const { bootstrap, findings } = api.readBootstrap(
      {
        staticResources: {
          listeners: { address: { socketAddress: { address: '0.0.0.0', portValue: '8080' } }, filterChains: [{}] },
          secrets: [{ name: 'own', tls_certificate: { private_key: { inline_string: PEM } } }],
        },
        stats_sinks: [
          {
            name: 'statsd',
            typed_config: {
              '@type': 'type.googleapis.com/envoy.config.metrics.v3.StatsdSink',
              address: socket('127.0.0.1', 8125, { protocol: 'UDP' }),
            },
          },
        ],
        layered_runtime: { layers: [{ name: 'static', static_layer: { 're2.max_program_size.error_level': 200 } }] },
      },
      undefined,
    );
    expect(findings).toEqual([]);
    expect(bootstrap).toMatchObject({
      static_resources: {
        listeners: [{ address: { socket_address: { address: '0.0.0.0', port_value: 8080 } } }],
        secrets: [{ tls_certificate: { private_key: { inline_string: PEM } } }],
      },
      stats_sinks: [{ name: 'statsd' }],
      layered_runtime: { layers: [{ static_layer: { 're2.max_program_size.error_level': 200 } }] },
    });
  });

  it.each<[string, unknown, string[]]>([
    ['no bootstrap at all', 'static_resources', ['error schema.type ']],
    ['nothing', undefined, ['error schema.type ']],
    ['an unknown field', { static_ressources: {} }, ['error schema.unknown-field /static_ressources']],
    [
      'a broken rule',
      statics({ clusters: [{ ...cluster('a'), connect_timeout: '0s' }] }),
      ['error pgv.duration.gt /static_resources/clusters/0/connect_timeout'],
    ],
    [
      'a name that EFMS delivers too',
      statics({ clusters: [cluster('own'), cluster('web')] }),
      ['error duplicate.name /static_resources/clusters/1/name'],
    ],
    [
      'a listener of that name, in camelCase and alone',
      { staticResources: { listeners: listener('edge', socket('127.0.0.1', 1)) } },
      ['error duplicate.name /staticResources/listeners/name'],
    ],
    [
      'a name twice',
      statics({ clusters: [cluster('own'), cluster('own')] }),
      ['error duplicate.name /static_resources/clusters/1/name'],
    ],
    [
      'an address that EFMS delivers too',
      statics({ listeners: [listener('own', socket('10.0.0.1', 80))] }),
      ['error duplicate.address /static_resources/listeners/0/address'],
    ],
    [
      'an address that takes in one that EFMS delivers',
      statics({ listeners: [listener('own', socket('0.0.0.0', 80))] }),
      ['error overlapping.address /static_resources/listeners/0/address'],
    ],
    [
      'an IPv6 address that takes in one of IPv4',
      statics({ listeners: [listener('own', socket('::', 80, { ipv4_compat: true }))] }),
      ['error overlapping.address /static_resources/listeners/0/address'],
    ],
    [
      'a further address that clashes',
      statics({
        listeners: [
          {
            ...listener('own', socket('127.0.0.1', 1)),
            additional_addresses: [{ address: socket('10.0.0.1', 80) }],
          },
        ],
      }),
      ['error duplicate.address /static_resources/listeners/0/additional_addresses/0/address'],
    ],
    [
      'an admin interface where EFMS delivers a listener',
      { admin: { address: socket('0.0.0.0', 80) } },
      ['error overlapping.address /admin/address'],
    ],
    [
      'an admin interface where there is a static listener',
      statics(
        { listeners: [listener('own', socket('127.0.0.1', 9901))] },
        { admin: { address: socket('127.0.0.1', 9901) } },
      ),
      ['error duplicate.address /static_resources/listeners/0/address'],
    ],
    [
      'listeners that overlap each other, which go on as they did',
      statics({ listeners: [listener('a', socket('0.0.0.0', 81)), listener('b', socket('10.0.0.1', 81))] }),
      ['warning overlapping.address /static_resources/listeners/1/address'],
    ],
    [
      'listeners without names',
      statics({ listeners: [listener(undefined, socket('0.0.0.0', 81)), listener(undefined, socket('0.0.0.0', 82))] }),
      [],
    ],
    ['another port', statics({ listeners: [listener('own', socket('10.0.0.1', 81))] }), []],
    ['the name of a listener for a cluster', statics({ clusters: [cluster('edge')] }), []],
  ])('with %s', (_, document, findings) => {
    expect(found(document)).toEqual(findings);
  });

  it('clashes with nothing where nothing is assigned', () => {
    expect(api.readBootstrap(statics({ clusters: [cluster('web')] }), undefined).findings).toEqual([]);
  });

  it('may not be too much to read', () => {
    const clusters = Array.from({ length: 10_001 }, (_, i) => cluster(String(i)));
    expect(found(statics({ clusters }))).toEqual(['error snapshot.too-many-resources ']);
    let deep: unknown = {};
    for (let i = 0; i < 1000; i++) deep = { a: deep };
    expect(found({ node: { metadata: deep } })[0]).toMatch(/^error document\.depth/);
  });
});
