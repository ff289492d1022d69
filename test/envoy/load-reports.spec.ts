import { afterEach, expect, it } from '@jest/globals';
import { startEfms } from '../kit/efms.js';
import { describeWithEnvoy } from '../kit/envoy.js';
import { eventually } from '../kit/eventually.js';
import { expectStatus, FleetOfOne } from '../kit/fleet-of-one.js';
import { freePort } from '../kit/ports.js';
import { edsCluster, endpointSet, httpListener, routeConfiguration } from '../kit/resources.js';
import { Teardown } from '../kit/teardown.js';
import { startUpstream } from '../kit/upstream.js';

const GOOD = 40;
const BAD = 10;

describeWithEnvoy('a stock Envoy under a little traffic', () => {
  const teardown = new Teardown();
  afterEach(() => teardown.run());

  it('reports what came of its requests and how long they took, as of the version that it has', async () => {
    const env = { EFMS_LRS_INTERVAL_MS: '1000', EFMS_METRICS_SERVICE: '1' };
    const efms = teardown.add(await startEfms({ ports: { xds: await freePort() }, env }));
    const upstream = teardown.add(await startUpstream('well'));
    const fleet = await FleetOfOne.register(efms, 'edge');
    const port = await freePort();
    const envoy = teardown.add(await fleet.startEnvoy('delta'));
    const deployment = await fleet.deploy({
      listeners: [httpListener('ingress', port, 'routes')],
      routes: [routeConfiguration('routes', { '/broken': 'broken', '/': 'web' })],
      clusters: [edsCluster('web'), edsCluster('broken')],
      endpoints: [endpointSet('web', upstream.port), endpointSet('broken', await freePort())],
    });
    expect(deployment).toMatchObject({ status: 'succeeded' });
    await envoy.ready();
    // A report that covers the change of versions would count for neither.
    await new Promise((resolve) => setTimeout(resolve, 3_000));

    const send = async (path: string, count: number): Promise<number[]> => {
      const statuses = [];
      for (let i = 0; i < count; i += 1) statuses.push((await fetch(`http://127.0.0.1:${port}${path}`)).status);
      return statuses;
    };
    expect(await send('/', GOOD)).toEqual(Array(GOOD).fill(200));
    expect(await send('/broken', BAD)).toEqual(Array(BAD).fill(503));

    const stats = async (path: string): Promise<any[]> =>
      (await expectStatus(200, efms.api('GET', `${path}/stats?by=cluster&step=1h`))).body.items;
    /** Sums of a cluster: the hour may have turned. */
    const told = async (path: string, cluster: string): Promise<{ requests: number; errors: number; took: number }> => {
      const items = (await stats(path)).filter(({ series }) => series === cluster);
      const sum = (of: (item: any) => number): number => items.map(of).reduce((total, one) => total + one, 0);
      return {
        requests: sum(({ requests }) => requests),
        errors: sum(({ errors }) => errors),
        took: sum(({ latency }) => latency?.count ?? 0),
      };
    };
    for (const path of ['/configurations/name:edge/versions/1', '/proxies/name:edge']) {
      await eventually(
        `all requests among the reports of ${path}`,
        async () => {
          const [web, broken] = [await told(path, 'web'), await told(path, 'broken')];
          return (web.requests === GOOD && broken.requests === BAD) || undefined;
        },
        90,
      );
      expect(await told(path, 'web')).toMatchObject({ requests: GOOD, errors: 0 });
      expect(await told(path, 'broken')).toMatchObject({ requests: BAD, errors: BAD });
    }
    // Nothing is told of what goes to EFMS itself.
    expect((await stats('/proxies/name:edge')).map(({ series }) => series)).not.toContain('efms_xds');

    // Envoy sends its histograms once a minute.
    const timed = await eventually(
      'how long requests took',
      async () => ((await told('/proxies/name:edge', 'web')).took === GOOD ? stats('/proxies/name:edge') : undefined),
      150,
    );
    const { latency } = timed.find(({ series, latency: known }) => series === 'web' && known !== null);
    expect(latency.p50).toBeGreaterThan(0);
    expect(latency.p99).toBeGreaterThanOrEqual(latency.p50);
  }, 300_000);
});
