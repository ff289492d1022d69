import { describe, expect, it } from '@jest/globals';
import { encodeMetrics } from '../../../test/kit/report-client.js';
import { MalformedMessage } from '../server/wire/protobuf.js';
import { readMetricsMessage, readMetricsReporter } from './metrics-message.js';

const encode = (envoyMetrics: readonly object[]): Buffer => encodeMetrics(envoyMetrics, 'edge-1');
const label = (name: string, value: string): object => ({ name, value });
type Bucket = readonly [upperBound: number | string, cumulativeCount: number];
const histogram = (total: number, ...buckets: readonly Bucket[]): object => ({
  sampleCount: String(total),
  sampleSum: 1.5,
  bucket: buckets.map(([upperBound, cumulativeCount]) => ({ upperBound, cumulativeCount: String(cumulativeCount) })),
});
const requestTimes = (...metric: object[]): object => ({ name: 'cluster.upstream_rq_time', type: 'HISTOGRAM', metric });
const ofCluster = (cluster: string, told: object): object => ({
  label: [label('envoy.response_code', '200'), label('envoy.cluster_name', cluster)],
  histogram: told,
});

describe('a message of the metrics service', () => {
  it('tells who sends it, and by cluster how long requests took', () => {
    const message = encode([
      { name: 'cluster.upstream_rq_total', type: 'COUNTER', metric: [{ counter: { value: 3 } }] },
      requestTimes(
        ofCluster('blue.v1', histogram(12, [0.5, 0], [1, 4], [5, 10], [10, 10])),
        ofCluster('green', histogram(1, [0.5, 1])),
        ofCluster('idle', histogram(0, [0.5, 0])),
      ),
      {
        name: 'cluster.external.upstream_rq_time',
        type: 'HISTOGRAM',
        metric: [ofCluster('blue.v1', histogram(1, [1, 1]))],
      },
    ]);
    expect(readMetricsReporter(message)).toBe('edge-1');
    expect(readMetricsMessage(message)).toEqual({
      latencies: [
        {
          cluster: 'blue.v1',
          buckets: [
            [1, 4],
            [5, 6],
            [Infinity, 2],
          ],
        },
        { cluster: 'green', buckets: [[0.5, 1]] },
      ],
      leftOut: 0,
    });
  });

  it('says nothing where it is empty, a summary, or of no cluster', () => {
    expect(readMetricsReporter(Buffer.alloc(0))).toBeNull();
    const summary = { label: [label('envoy.cluster_name', 'blue')], summary: { sampleCount: '3' } };
    const nobodys = { histogram: histogram(1, [1, 1]) };
    expect(readMetricsMessage(encode([requestTimes(summary, nobodys)]))).toEqual({ latencies: [], leftOut: 0 });
  });

  it.each<[string, object]>([
    ['a bound that is no number', histogram(1, ['NaN', 1])],
    ['an infinite bound before the last', histogram(2, ['Infinity', 1], [5, 2])],
    ['a bound below 0', histogram(1, [-1, 1])],
    ['bounds that fall', histogram(2, [5, 1], [1, 2])],
    ['counts that fall', histogram(2, [1, 2], [5, 1])],
    ['fewer in all than in a bucket', histogram(1, [1, 5])],
    ['a count that nothing counts up to', histogram(2 ** 45, [1, 2])],
    ['more buckets than there are', histogram(200, ...Array.from({ length: 200 }, (_, i): Bucket => [i + 1, i]))],
  ])('is left out with %s, and the others are read', (_what, broken) => {
    const message = encode([requestTimes(ofCluster('broken', broken), ofCluster('blue', histogram(1, [1, 1])))]);
    expect(readMetricsMessage(message)).toEqual({ latencies: [{ cluster: 'blue', buckets: [[1, 1]] }], leftOut: 1 });
  });

  it('is read up to a bound, however many clusters it has', () => {
    const many = Array.from({ length: 600 }, (_, i) => ofCluster(`c${i}`, histogram(1, [1, 1])));
    expect(readMetricsMessage(encode([requestTimes(...many)]))).toMatchObject({
      latencies: { length: 500 },
      leftOut: 100,
    });
  });

  it('is refused where it is cut short', () => {
    const message = encode([requestTimes(ofCluster('blue', histogram(1, [1, 1])))]);
    expect(() => readMetricsMessage(message.subarray(0, -1))).toThrow(MalformedMessage);
  });
});
