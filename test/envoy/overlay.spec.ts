import { afterEach, expect, it } from '@jest/globals';
import { stringify } from 'yaml';
import { startEfms } from '../kit/efms.js';
import { describeWithEnvoy, startEnvoy, validateBootstrap } from '../kit/envoy.js';
import { expectStatus, FleetOfOne } from '../kit/fleet-of-one.js';
import { untilAnsweredBy } from '../kit/load.js';
import { freePort } from '../kit/ports.js';
import { edsCluster, endpointSet, httpListener, routeConfiguration } from '../kit/resources.js';
import { Teardown } from '../kit/teardown.js';
import { startUpstream } from '../kit/upstream.js';

const FILTER = 'type.googleapis.com/envoy.extensions.filters';
const loopback = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } });

/** A static bootstrap as somebody runs it: no EFMS in it, but admin, counters, a runtime, a log, a secret, a listener and its cluster. */
const handwritten = (ports: { admin: number; listener: number; upstream: number; statsd: number }) => ({
  admin: { access_log: [], address: loopback(ports.admin) },
  cluster_manager: { outlier_detection: {} },
  stats_config: { stats_tags: [{ tag_name: 'fleet', fixed_value: 'old' }] },
  stats_sinks: [
    {
      name: 'envoy.stat_sinks.statsd',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.config.metrics.v3.StatsdSink',
        address: { socket_address: { protocol: 'UDP', address: '127.0.0.1', port_value: ports.statsd } },
      },
    },
  ],
  layered_runtime: {
    layers: [
      { name: 'static', static_layer: { 'overload.global_downstream_max_connections': 5000 } },
      { name: 'admin', admin_layer: {} },
    ],
  },
  static_resources: {
    secrets: [{ name: 'own', generic_secret: { secret: { inline_string: 'hidden' } } }],
    clusters: [
      {
        name: 'old',
        type: 'STATIC',
        connect_timeout: '1s',
        load_assignment: endpointSet('old', ports.upstream),
      },
    ],
    listeners: [
      {
        name: 'old',
        address: loopback(ports.listener),
        filter_chains: [
          {
            filters: [
              {
                name: 'envoy.filters.network.http_connection_manager',
                typed_config: {
                  '@type': `${FILTER}.network.http_connection_manager.v3.HttpConnectionManager`,
                  stat_prefix: 'old',
                  route_config: routeConfiguration('old', { '/': 'old' }),
                  access_log: [
                    {
                      name: 'envoy.access_loggers.stderr',
                      typed_config: {
                        '@type': 'type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StderrAccessLog',
                      },
                    },
                  ],
                  http_filters: [
                    { name: 'envoy.filters.http.router', typed_config: { '@type': `${FILTER}.http.router.v3.Router` } },
                  ],
                },
              },
            ],
          },
        ],
      },
    ],
  },
});

describeWithEnvoy('an Envoy whose own bootstrap EFMS was laid over', () => {
  const teardown = new Teardown();
  afterEach(() => teardown.run());

  it.each(['yaml', 'json'])(
    'keeps serving what it did, and serves what EFMS delivers (%s)',
    async (format) => {
      const efms = teardown.add(await startEfms({ ports: { xds: await freePort() } }));
      const old = teardown.add(await startUpstream('old'));
      const blue = teardown.add(await startUpstream('blue'));
      const green = teardown.add(await startUpstream('green'));
      const fleet = await FleetOfOne.register(efms, 'edge');
      const [admin, listener, port, statsd] = [await freePort(), await freePort(), await freePort(), await freePort()];
      const snapshot = (upstream: typeof blue) => ({
        listeners: [httpListener('ingress', port, 'routes')],
        routes: [routeConfiguration('routes', { '/': 'service' })],
        clusters: [edsCluster('service')],
        endpoints: [endpointSet('service', upstream.port)],
      });
      await fleet.commit(snapshot(blue));
      const first = await fleet.startDeployment();
      const given = stringify(handwritten({ admin, listener, upstream: old.port, statsd }));
      expect(await validateBootstrap(given)).toMatchObject({ code: 0 });

      const path = `/proxies/name:edge/bootstrap?mode=overlay&format=${format}`;
      const { body } = await expectStatus(200, efms.api('POST', path, given));
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      const bootstrap = text.replaceAll('EFMS_TOKEN', fleet.token);

      const { code, output } = await validateBootstrap(bootstrap);
      expect(code === 0 ? 'valid' : output).toBe('valid');
      const envoy = teardown.add(await startEnvoy({ bootstrap }));
      await envoy.ready();
      expect(envoy.adminPort).toBe(admin);
      expect(await fleet.ended(first)).toMatchObject({ status: 'succeeded' });
      await untilAnsweredBy('blue', port);
      await untilAnsweredBy('old', listener);

      expect(await fleet.deploy(snapshot(green))).toMatchObject({ status: 'succeeded' });
      await untilAnsweredBy('green', port);
      await untilAnsweredBy('old', listener);
      expect(await envoy.admin('/runtime')).toContain('5000');
      const rejected = await envoy.stats('update_rejected');
      expect([...rejected.values()].filter((count) => count > 0)).toEqual([]);
    },
    120_000,
  );

  it('never takes what EFMS delivers under a static name, which is why that is refused', async () => {
    const efms = teardown.add(await startEfms({ ports: { xds: await freePort() } }));
    const old = teardown.add(await startUpstream('old'));
    const blue = teardown.add(await startUpstream('blue'));
    const fleet = await FleetOfOne.register(efms, 'edge');
    const [admin, listener, port, statsd] = [await freePort(), await freePort(), await freePort(), await freePort()];
    const given = handwritten({ admin, listener, upstream: old.port, statsd });
    const { body } = await expectStatus(200, efms.api('POST', '/proxies/name:edge/bootstrap?mode=overlay', given));
    const envoy = teardown.add(await startEnvoy({ bootstrap: body.replaceAll('EFMS_TOKEN', fleet.token) }));
    await envoy.ready();

    const deployment = await fleet.deploy({
      listeners: [httpListener('ingress', port, 'routes')],
      routes: [routeConfiguration('routes', { '/': 'old' })],
      clusters: [
        { name: 'old', type: 'STATIC', connect_timeout: '1s', load_assignment: endpointSet('old', blue.port) },
      ],
    });

    expect(deployment).toMatchObject({ status: 'succeeded' });
    await untilAnsweredBy('old', port);
    const refused = await expectStatus(422, efms.api('POST', '/proxies/name:edge/bootstrap?mode=overlay', given));
    expect(refused.body.errors).toMatchObject([
      { rule: 'duplicate.name', pointer: '/static_resources/clusters/0/name' },
    ]);
  }, 120_000);
});
