import { describe, expect, it } from '@jest/globals';
import { Durations } from './durations.js';

describe('Durations', () => {
  it('counts each into the first bound that it does not pass, and what passes all into the last', () => {
    const durations = new Durations([0.01, 0.1, 1]);
    for (const ms of [0, 10, 10.1, 1_000, 1_001, 60_000]) durations.count(ms);
    expect([...durations.counts]).toEqual([2, 1, 1, 2]);
    expect(durations.sum).toBeCloseTo(62.0211);
  });

  it('takes what a clock that was set back makes of it for none', () => {
    const durations = new Durations([1]);
    durations.count(-5);
    expect([...durations.counts]).toEqual([1, 0]);
    expect(durations.sum).toBe(0);
  });
});
