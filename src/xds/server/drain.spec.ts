import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Drain, type MovableStream } from './drain.js';
import type { HandedOver } from './server-stats.js';
import { StreamAges } from './stream-ages.js';

class FakeStream implements MovableStream {
  readonly openedAt = performance.now();
  isBusy = false;
  gone: { readonly why: HandedOver; readonly at: number } | undefined;

  constructor(readonly chance = Math.random()) {}

  isAtRest(): boolean {
    return !this.isBusy;
  }
  handOver(why: HandedOver): void {
    this.gone ??= { why, at: performance.now() };
  }
}

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

const streamsOf = (count: number): FakeStream[] => Array.from({ length: count }, () => new FakeStream());

describe('Drain', () => {
  const events: string[] = [];
  const drainOf = (streams: readonly FakeStream[], timeMs: number): Drain =>
    new Drain({ leave: () => events.push('left'), streams: () => streams }, timeMs);
  const goneOf = (streams: readonly FakeStream[]) => streams.filter(({ gone }) => gone).length;

  it('hands streams over a few at a time, and all of them within half of its time', async () => {
    const streams = streamsOf(4_000);
    const drain = drainOf(streams, 4_000);
    const done = drain.run();
    const began = performance.now();
    for (const share of [0.25, 0.5, 0.75]) {
      await jest.advanceTimersByTimeAsync(500);
      expect(goneOf(streams) / streams.length).toBeCloseTo(share, 1);
    }
    await jest.advanceTimersByTimeAsync(600);
    await done;
    expect(streams.every(({ gone }) => gone?.why === 'drain')).toBe(true);
    // In another order than they came.
    const first = streams.findIndex(({ gone }) => gone!.at === began + 10);
    expect(streams.slice(first).some(({ gone }) => gone!.at > began + 1_000)).toBe(true);
  });

  it('takes moments where there are few', async () => {
    const streams = streamsOf(5);
    const done = drainOf(streams, 60_000).run();
    await jest.advanceTimersByTimeAsync(30);
    await done;
    expect(goneOf(streams)).toBe(5);
  });

  it('waits for those in the middle of something, and for nobody beyond its time', async () => {
    const streams = streamsOf(10);
    for (const stream of streams.slice(0, 2)) stream.isBusy = true;
    let isDone = false;
    void drainOf(streams, 1_000)
      .run()
      .then(() => (isDone = true));
    await jest.advanceTimersByTimeAsync(500);
    expect(goneOf(streams)).toBe(8);
    streams[0]!.isBusy = false;
    await jest.advanceTimersByTimeAsync(20);
    expect(streams[0]!.gone?.why).toBe('drain');
    expect(isDone).toBe(false);
    await jest.advanceTimersByTimeAsync(500);
    expect(streams[1]!.gone?.why).toBe('drain_late');
    expect(isDone).toBe(true);
  });

  it('ends at once when it is told to', async () => {
    const streams = streamsOf(1_000);
    streams[0]!.isBusy = true;
    const drain = drainOf(streams, 60_000);
    const done = drain.run();
    await jest.advanceTimersByTimeAsync(20);
    drain.cut();
    await jest.advanceTimersByTimeAsync(10);
    await done;
    expect(goneOf(streams)).toBe(1_000);
  });

  it('leaves first and once, and waits for nothing where it has no time', async () => {
    events.length = 0;
    const stream = new FakeStream();
    stream.isBusy = true;
    const drain = drainOf([stream], 0);
    expect(drain.hasBegun).toBe(false);
    await Promise.all([drain.run(), drain.run()]);
    expect(drain.hasBegun).toBe(true);
    expect(events).toEqual(['left']);
    expect(stream.gone?.why).toBe('drain_late');
  });
});

describe('StreamAges', () => {
  const HOUR = 3_600_000;

  it('ends streams at times of their own around their age', () => {
    const streams = [new FakeStream(0), new FakeStream(0.5), new FakeStream(1)];
    const ages = new StreamAges(() => streams, HOUR);
    const goneAt = (share: number): boolean[] => {
      ages.sweep(performance.now() + share * HOUR);
      return streams.map(({ gone }) => gone !== undefined);
    };
    expect(goneAt(0.849)).toEqual([false, false, false]);
    expect(goneAt(0.851)).toEqual([true, false, false]);
    expect(goneAt(1.001)).toEqual([true, true, false]);
    expect(goneAt(1.151)).toEqual([true, true, true]);
  });

  it('leaves one in the middle of something until that is over', () => {
    const stream = new FakeStream(0.5);
    stream.isBusy = true;
    const ages = new StreamAges(() => [stream], HOUR);
    ages.sweep(performance.now() + 2 * HOUR);
    expect(stream.gone).toBeUndefined();
    stream.isBusy = false;
    ages.sweep(performance.now() + 2 * HOUR);
    expect(stream.gone?.why).toBe('age');
  });

  it('looks every second, and never where streams do not age', () => {
    const [aging, ageless] = [new FakeStream(), new FakeStream()];
    const ages = [new StreamAges(() => [aging], 5_000), new StreamAges(() => [ageless], 0)];
    for (const each of ages) each.onApplicationBootstrap();
    jest.advanceTimersByTime(7_000);
    expect([aging.gone?.why, ageless.gone]).toEqual(['age', undefined]);
    for (const each of ages) each.onApplicationShutdown();
    expect(jest.getTimerCount()).toBe(0);
  });
});
