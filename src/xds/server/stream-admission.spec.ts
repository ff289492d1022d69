import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ServerStats } from './server-stats.js';
import { StreamAdmission } from './stream-admission.js';

describe('StreamAdmission', () => {
  let stats: ServerStats;
  let loopDelay: { current: number };
  let admission: StreamAdmission;

  beforeEach(() => {
    jest.useFakeTimers();
    stats = new ServerStats();
    loopDelay = { current: 0 };
    admission = new StreamAdmission({ streams: 1_000, waiting: 100, loopDelay: 500 }, stats, loopDelay);
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const whyNot = (open = 0) => admission.refusal(open)?.why;
  /** So many streams that were taken. */
  const take = (count: number): object[] =>
    Array.from({ length: count }, () => {
      const stream = {};
      admission.waits(stream);
      return stream;
    });

  it('takes no more than are to wait, and others for each that was served or has ended', () => {
    const streams = take(99);
    expect(whyNot()).toBeUndefined();
    streams.push(...take(1));
    expect(whyNot()).toBe('waiting');
    admission.waitsNoMore(streams[50]!);
    admission.waitsNoMore(streams[50]!);
    expect(stats.waitingStreams).toBe(99);
    expect(whyNot()).toBeUndefined();
  });

  it('is not held up for long by streams that wait for something else', () => {
    take(100);
    jest.advanceTimersByTime(4_999);
    expect(whyNot()).toBe('waiting');
    jest.advanceTimersByTime(1);
    expect(whyNot()).toBeUndefined();
    expect(stats.waitingStreams).toBe(0);
  });

  it('takes few while the event loop is late, but never none', () => {
    loopDelay.current = 501;
    take(15);
    expect(whyNot()).toBeUndefined();
    take(1);
    expect(whyNot()).toBe('loop_delay');
    loopDelay.current = 500;
    expect(whyNot()).toBeUndefined();
  });

  it('is full with so many open, whether they wait or not', () => {
    expect(whyNot(999)).toBeUndefined();
    expect(admission.refusal(1_000)).toMatchObject({ why: 'full', reason: 'resource_exhausted' });
  });

  it('takes nobody once the server ends', () => {
    admission.stop();
    expect(admission.refusal(0)).toEqual({
      why: 'draining',
      reason: 'unavailable',
      details: 'the server is shutting down',
    });
  });

  it('says what to do, and counts whom it turned away', () => {
    take(100);
    expect(admission.refusal(0)?.details).toBe(
      'too many streams wait to be served (EFMS_XDS_MAX_WAITING_STREAMS, 100): come again after a back-off with jitter, or connect to another replica',
    );
    expect(whyNot(1_000)).toBe('full');
    expect([...stats.turnedAway]).toEqual([
      ['waiting', 1],
      ['full', 1],
    ]);
  });
});
