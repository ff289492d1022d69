import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Clock } from '../../common/clock/clock.js';
import type { ClusterLoad, TrafficSource } from './traffic.js';
import type { LoadRow, ProxyMinute } from './traffic-minutes.js';
import { TrafficStats } from './traffic-stats.js';
import { TrafficRefused, TrafficSink, TrafficWriter, type TrafficWriterSettings } from './traffic-writer.js';

const MINUTE = 60_000;

class TestClock extends Clock {
  time = 10 * MINUTE;
  now(): number {
    return this.time;
  }
  monotonic(): number {
    return this.time;
  }
}

/** The database's clock shows a day more than the process's. */
const DAY = 86_400_000;

class FakeSink extends TrafficSink {
  readonly writes: (readonly ProxyMinute[])[] = [];
  state: 'well' | 'away' | 'refusing' = 'well';

  constructor(private readonly clock: TestClock) {
    super();
  }

  override async time(): Promise<number> {
    await Promise.resolve();
    if (this.state === 'away') throw new Error('away');
    return this.clock.time + DAY;
  }

  override async write(minutes: readonly ProxyMinute[]): Promise<number> {
    await Promise.resolve();
    if (this.state === 'away') throw new Error('away');
    if (this.state === 'refusing') throw new TrafficRefused('23514');
    this.writes.push(minutes);
    return minutes.reduce((rows, { loads, latencies }) => rows + loads.size + latencies.size, 0);
  }

  get loads(): LoadRow[] {
    return this.writes.flat().flatMap(({ loads }) => [...loads.values()]);
  }
}

const source = (proxyId = 'p', snapshot: TrafficSource['snapshot'] = 'h'): TrafficSource => ({
  tenantId: 't',
  proxyId,
  snapshot,
});
const load = (cluster: string, successes = 1, errors = 0, zone = ''): ClusterLoad => ({
  cluster,
  region: '',
  zone,
  subZone: '',
  successes,
  errors,
  dropped: 0,
});

describe('TrafficWriter', () => {
  beforeAll(() => {
    Logger.overrideLogger(false);
  });
  afterAll(() => {
    Logger.overrideLogger(['log', 'warn', 'error']);
  });

  let clock: TestClock;
  let sink: FakeSink;
  let stats: TrafficStats;
  const made = async (settings: TrafficWriterSettings = {}): Promise<TrafficWriter> => {
    // Nothing is written by time: tests say when.
    const writer = new TrafficWriter(sink, stats, clock, { everyMs: 1e9, ...settings });
    await writer.start();
    return writer;
  };

  beforeEach(() => {
    clock = new TestClock();
    sink = new FakeSink(clock);
    stats = new TrafficStats();
  });

  it('adds up a minute by proxy, snapshot, cluster and locality, and writes it when it is over', async () => {
    const writer = await made();
    writer.addLoads(source(), [load('blue', 5, 1), load('blue', 1, 0, 'a')]);
    writer.addLoads(source(), [load('blue', 2, 3)]);
    writer.addLoads(source('p', null), [load('blue', 7)]);
    clock.time += MINUTE - 1;
    await writer.flush();
    expect(sink.writes).toEqual([]);
    clock.time += 1;
    await writer.flush();
    expect(sink.writes).toHaveLength(1);
    expect(sink.writes[0]?.map(({ startsAt, snapshot }) => [startsAt, snapshot])).toEqual([
      [10 * MINUTE + DAY, 'h'],
      [10 * MINUTE + DAY, null],
    ]);
    expect(sink.loads).toMatchObject([
      { cluster: 'blue', zone: '', successes: 7, errors: 4 },
      { cluster: 'blue', zone: 'a', successes: 1 },
      { cluster: 'blue', successes: 7 },
    ]);
    expect(stats).toMatchObject({ rowsWritten: 3, backlogBytes: 0, flushLag: 0 });
  });

  it('adds up histograms by their bounds', async () => {
    const writer = await made();
    const buckets = [
      [5, 2],
      [10, 1],
    ] as const;
    writer.addLatencies(source(), [{ cluster: 'blue', buckets }]);
    writer.addLatencies(source(), [
      {
        cluster: 'blue',
        buckets: [
          [10, 4],
          [Infinity, 1],
        ],
      },
    ]);
    await writer.stop();
    const [latency] = sink.writes.flat().flatMap(({ latencies }) => [...latencies.values()]);
    expect([...(latency?.buckets ?? [])]).toEqual([
      [5, 2],
      [10, 5],
      [Infinity, 1],
    ]);
  });

  it('tries again what could not be written, under the same ids', async () => {
    const writer = await made();
    writer.addLoads(source(), [load('blue')]);
    clock.time += 2 * MINUTE;
    await writer.flush();
    const [{ id } = { id: '' }] = sink.loads;
    expect(id).not.toBe('');

    sink.state = 'away';
    writer.addLoads(source(), [load('green')]);
    clock.time += 3 * MINUTE;
    await writer.flush();
    expect(stats.flushLag).toBeGreaterThan(60);
    sink.state = 'well';
    await writer.flush();
    expect(sink.loads.map(({ cluster }) => cluster)).toEqual(['blue', 'green']);
    expect(new Set(sink.loads.map((row) => row.id)).size).toBe(2);
    expect(stats.flushLag).toBe(0);
  });

  it('drops what waited too long to be rolled up, and counts it', async () => {
    const writer = await made();
    writer.addLoads(source(), [load('blue'), load('green')]);
    sink.state = 'away';
    clock.time += 20 * MINUTE;
    await writer.flush();
    sink.state = 'well';
    await writer.flush();
    expect(sink.writes).toEqual([]);
    expect(Object.fromEntries(stats.shed)).toEqual({ late: 2 });
  });

  it('holds no more memory than it may: the oldest minute gives way, then what comes newly', async () => {
    const writer = await made({ maxBytes: 20_000 });
    sink.state = 'away';
    for (let minute = 0; minute < 9; minute += 1) {
      for (let i = 0; i < 1_000; i += 1) writer.addLoads(source(`p${i}`), [load(`cluster-${minute}`)]);
      clock.time += MINUTE;
      await writer.flush();
      expect(stats.backlogBytes).toBeLessThan(500_000);
    }
    expect(stats.shed.get('memory')).toBeGreaterThan(8_000);
    sink.state = 'well';
    await writer.flush();
    expect(new Set(sink.loads.map(({ cluster }) => cluster))).toEqual(new Set(['cluster-8']));
  });

  it('keeps of one proxy and minute a thousand series, and counts the rest', async () => {
    const writer = await made();
    writer.addLoads(
      source(),
      Array.from({ length: 1_500 }, (_, i) => load(`c${i}`)),
    );
    await writer.stop();
    expect(sink.loads).toHaveLength(1_000);
    expect(stats.shed.get('series')).toBe(500);
  });

  it('lets go of what the database refuses, and goes on', async () => {
    const writer = await made({ maxRows: 1 });
    sink.state = 'refusing';
    writer.addLoads(source('p1'), [load('blue')]);
    clock.time += MINUTE;
    await writer.flush();
    expect(stats.shed.get('refused')).toBe(1);
    sink.state = 'well';
    writer.addLoads(source('p2'), [load('green')]);
    await writer.stop();
    expect(sink.loads).toMatchObject([{ cluster: 'green' }]);
  });
});
