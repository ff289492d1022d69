import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createTestDatabase } from '../kit/database.js';
import { type Efms, startEfms } from '../kit/efms.js';
import { eventually } from '../kit/eventually.js';
import { registerProxy } from '../kit/fleet.js';
import { expectStatus } from '../kit/fleet-of-one.js';
import { encodeMetrics, MetricsReporter } from '../kit/report-client.js';
import { Teardown } from '../kit/teardown.js';

/** How long requests to a cluster took, by bounds of 1, 10 and 100 ms. */
const requestTimes = (cluster: string, ...counts: readonly [number, number, number]): object => {
  const cumulative = counts.map((_, i) => counts.slice(0, i + 1).reduce((sum, count) => sum + count, 0));
  const bucket = cumulative.map((count, i) => ({ upperBound: 10 ** i, cumulativeCount: String(count) }));
  const histogram = { sampleCount: String(cumulative.at(-1)), bucket };
  const metric = [{ label: [{ name: 'envoy.cluster_name', value: cluster }], histogram }];
  return { name: 'cluster.upstream_rq_time', type: 'HISTOGRAM', metric };
};

const ON = { EFMS_METRICS_SERVICE: '1', EFMS_METRICS_MESSAGES_PER_SECOND: '1' };

describe('the metrics service', () => {
  const teardown = new Teardown();
  afterEach(() => teardown.run());

  const metric = async (efms: Efms, name: string): Promise<number> => {
    const text = await (await fetch(`${efms.http}/metrics`)).text();
    const line = text.split('\n').find((one) => one.startsWith(`${name} `) || one.startsWith(`${name}{`));
    return Number(line?.split(' ').at(-1) ?? 0);
  };

  it('is off unless it is switched on, and then no bootstrap speaks of it', async () => {
    const efms = teardown.add(await startEfms());
    const { token } = await registerProxy(efms, 'edge');
    const reporter = teardown.add(new MetricsReporter(efms.xdsPort, token, 'edge'));
    expect(await reporter.ended).toMatchObject({
      code: status.UNIMPLEMENTED,
      details: expect.stringContaining('EFMS_METRICS_SERVICE'),
    });
    const { body } = await expectStatus(200, efms.api('GET', '/proxies/name:edge/bootstrap?format=json'));
    expect(body).not.toHaveProperty('stats_sinks');
  });

  it('keeps how long requests took, and drops what is over its budget, counted', async () => {
    const database = await createTestDatabase();
    try {
      const efms = await startEfms({ database, env: ON });
      const { token, id } = await registerProxy(efms, 'edge');
      const { body } = await expectStatus(200, efms.api('GET', '/proxies/name:edge/bootstrap?format=json'));
      expect(body).toMatchObject({ stats_flush_interval: '60s', stats_sinks: [{}] });

      const stranger = new MetricsReporter(efms.xdsPort, token, 'somebody else');
      expect(await stranger.ended).toMatchObject({ code: status.PERMISSION_DENIED });
      const reporter = new MetricsReporter(efms.xdsPort, token, 'edge');
      const received = (count: number): Promise<unknown> =>
        eventually(`${count} messages`, async () =>
          (await metric(efms, 'efms_metrics_messages_total')) === count ? true : undefined,
        );
      await received(1);
      reporter.send(encodeMetrics([requestTimes('blue', 2, 1, 0), requestTimes('efms_xds', 1, 1, 1)], 'edge'));
      await received(2);
      expect(await metric(efms, 'efms_traffic_shed_total{reason="budget"}')).toBe(0);
      // Five seconds of one message each, of which two were used.
      for (let i = 0; i < 500; i += 1) reporter.send(encodeMetrics([requestTimes('blue', 0, 0, 1)], 'edge'));
      await received(502);
      const shed = await metric(efms, 'efms_traffic_shed_total{reason="budget"}');
      expect(shed).toBeGreaterThan(400);

      await efms.stop();
      expect(await reporter.ended).toMatchObject({ code: status.UNAVAILABLE });
      await Promise.all([reporter.stop(), stranger.stop()]);
      const rows = await database.sql<{ proxy_id: string; cluster: string; bound: number; count: string }>(
        `select proxy_id, cluster, (b ->> 0)::float8 as bound, sum((b ->> 1)::bigint) as count
           from cluster_latencies cross join lateral jsonb_array_elements(buckets) b group by 1, 2, 3 order by 3`,
      );
      expect(rows).toEqual([
        { proxy_id: id, cluster: 'blue', bound: 1, count: '2' },
        { proxy_id: id, cluster: 'blue', bound: 10, count: '1' },
        { proxy_id: id, cluster: 'blue', bound: 100, count: String(500 - shed) },
      ]);
    } finally {
      await database.drop();
    }
  });
});
