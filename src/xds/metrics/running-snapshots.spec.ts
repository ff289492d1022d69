import { beforeEach, describe, expect, it } from '@jest/globals';
import { Clock } from '../../common/clock/clock.js';
import { RunningSnapshots } from './running-snapshots.js';

class TestClock extends Clock {
  time = 1_000;
  now(): number {
    return this.time;
  }
  monotonic(): number {
    return this.time;
  }
}

describe('RunningSnapshots', () => {
  let clock: TestClock;
  let running: RunningSnapshots;

  beforeEach(() => {
    clock = new TestClock();
    running = new RunningSnapshots(clock);
  });

  it('knows nothing of a proxy that is not connected here', () => {
    expect(running.since('p', 0)).toBeUndefined();
    running.attach('p', 's').detached();
    expect(running.since('p', 2_000)).toBeUndefined();
  });

  it('counts traffic for a snapshot only where the proxy had it all the while', () => {
    const record = running.attach('p', 's');
    record.serving('h1');
    clock.time = 2_000;
    record.converged('h1');
    expect(running.since('p', 1_999)).toBeNull();
    expect(running.since('p', 2_000)).toBe('h1');

    clock.time = 3_000;
    record.serving('h2');
    expect(running.since('p', 3_000)).toBeNull();
    clock.time = 4_000;
    record.converged('h2');
    expect(running.since('p', 2_500)).toBeNull();
    expect(running.since('p', 4_000)).toBe('h2');
  });

  it('goes on where a stream comes back with the same', () => {
    const first = running.attach('p', 's1');
    first.converged('h1');
    first.detached();
    clock.time = 20_000;
    const second = running.attach('p', 's2');
    second.serving('h1');
    second.converged('h1');
    expect(running.since('p', 1_000)).toBe('h1');
  });

  it('forgets who stays away', () => {
    running.attach('p', 's1').detached();
    running.attach('p', 's1').converged('h1');
    running.attach('p', 's1').detached();
    clock.time = 100_000;
    running.attach('other', 's2');
    running.attach('p', 's3').converged('h1');
    expect(running.since('p', 50_000)).toBeNull();
    expect(running.since('p', 100_000)).toBe('h1');
  });

  it('believes the newest of several streams, and knows nothing of a proxy without an assignment', () => {
    const old = running.attach('p', 's1');
    const fresh = running.attach('p', 's2');
    fresh.converged('h2');
    old.converged('h1');
    old.serving('h1');
    old.detached();
    expect(running.since('p', 1_000)).toBe('h2');
    fresh.converged('');
    expect(running.since('p', 1_000)).toBeNull();
  });
});
