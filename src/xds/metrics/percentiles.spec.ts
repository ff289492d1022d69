import { describe, expect, it } from '@jest/globals';
import { latencyOf } from './percentiles.js';

describe('percentiles of buckets', () => {
  it('are spread evenly inside a bucket', () => {
    expect(latencyOf([[10, 100]])).toEqual({ count: 100, p50: 5, p90: 9, p99: 9.9 });
    const buckets = [
      [5, 50],
      [10, 40],
      [100, 10],
    ] as const;
    expect(latencyOf(buckets)).toEqual({ count: 100, p50: 5, p90: 10, p99: 91 });
  });

  it('are the last bound where they lie above it', () => {
    const buckets = [
      [10, 1],
      [null, 9],
    ] as const;
    expect(latencyOf(buckets)).toEqual({ count: 10, p50: 10, p90: 10, p99: 10 });
  });

  it('are none where nothing was counted', () => {
    expect(latencyOf([])).toBeNull();
    expect(latencyOf([[5, 0]])).toBeNull();
  });
});
