import { describe, expect, it } from '@jest/globals';
import { clusterLoad, encodeLoadReport } from '../../../test/kit/report-client.js';
import { bytesHeader, MalformedMessage, stringField, varint } from '../server/wire/protobuf.js';
import { readLoadReport, readReporter } from './load-report.js';

const message = (field: number, ...parts: readonly Buffer[]): Buffer => {
  const bytes = Buffer.concat(parts);
  return Buffer.concat([bytesHeader(field, bytes.length), bytes]);
};
/** -1 as an Envoy would never send it. */
const NEGATIVE = Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);

describe('a load report', () => {
  it('tells of each cluster what came of its requests, by locality', () => {
    const report = encodeLoadReport({
      node: { id: 'edge-1', extensions: [{ name: 'x' }] },
      clusterStats: [
        {
          clusterName: 'blue',
          upstreamLocalityStats: [
            {
              locality: { region: 'eu', zone: 'a', subZone: 'r1' },
              totalSuccessfulRequests: '10',
              totalErrorRequests: '2',
              totalRequestsInProgress: '7',
              loadMetricStats: [{ metricName: 'm', totalMetricValue: 1.5 }],
            },
            { locality: { region: 'eu', zone: 'b' }, totalSuccessfulRequests: '5' },
            { locality: { region: 'eu', zone: 'idle' } },
          ],
          totalDroppedRequests: '3',
          loadReportInterval: '10.250s',
        },
        clusterLoad('green', 2 ** 33),
      ],
    });
    const none = { region: '', zone: '', subZone: '', successes: 0, errors: 0, dropped: 0 };
    expect(readReporter(report)).toBe('edge-1');
    expect(readLoadReport(report)).toEqual({
      loads: [
        { ...none, cluster: 'blue', dropped: 3 },
        { cluster: 'blue', region: 'eu', zone: 'a', subZone: 'r1', successes: 10, errors: 2, dropped: 0 },
        { ...none, cluster: 'blue', region: 'eu', zone: 'b', successes: 5 },
        { ...none, cluster: 'green', successes: 2 ** 33 },
      ],
      coversMs: 10_250,
      leftOut: 0,
    });
  });

  it('says nothing without a node or without clusters', () => {
    expect(readReporter(Buffer.alloc(0))).toBeNull();
    expect(readLoadReport(Buffer.alloc(0))).toEqual({ loads: [], coversMs: 0, leftOut: 0 });
  });

  it('leaves out numbers that nothing counts up to', () => {
    const locality = message(2, varint(2 * 8), NEGATIVE);
    const report = message(2, stringField(1, 'blue'), locality, varint(3 * 8), NEGATIVE);
    expect(readLoadReport(report)).toEqual({ loads: [], coversMs: 0, leftOut: 2 });
  });

  it('is read up to a bound, however many clusters and localities it has', () => {
    const many = message(2, stringField(1, 'many'), ...Array<Buffer>(6_000).fill(message(2, varint(2 * 8), varint(1))));
    expect(readLoadReport(many)).toMatchObject({ loads: { length: 5_000 }, leftOut: 1_000 });
    const { loads, leftOut } = readLoadReport(Buffer.concat([many, many, many]));
    expect([loads.length, leftOut]).toEqual([5_000, 1_002]);
  });

  it.each([
    ['a name that is too long', message(2, stringField(1, 'x'.repeat(3_000)))],
    ['a name that is not UTF-8', message(2, bytesHeader(1, 1), Buffer.from([0xff]))],
    ['a name with NUL', message(2, stringField(1, 'a\0b'))],
    ['a number that never ends', message(2, varint(3 * 8), Buffer.alloc(11, 0x80))],
    ['a cluster that is cut short', bytesHeader(2, 100)],
  ])('is refused for %s', (_what, bytes) => {
    expect(() => readLoadReport(bytes)).toThrow(MalformedMessage);
  });
});
