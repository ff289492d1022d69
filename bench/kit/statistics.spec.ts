import { describe, expect, it } from '@jest/globals';
import { seeded } from './numbers.ts';
import { mannWhitney, welch, withoutLargest } from './statistics.ts';

const random = seeded(7);
const sample = (shift: number): number[] => Array.from({ length: 4000 }, () => random() + random() + shift);

describe('the tests of two samples', () => {
  it('find no difference where there is none', () => {
    const [a, b] = [sample(0), sample(0)];
    expect(mannWhitney(a, b).p).toBeGreaterThan(0.01);
    expect(welch(a, b).p).toBeGreaterThan(0.01);
  });

  it('find a small one', () => {
    const [a, b] = [sample(0.05), sample(0)];
    expect(mannWhitney(a, b).p).toBeLessThan(0.001);
    expect(welch(a, b).p).toBeLessThan(0.001);
    expect(mannWhitney(a, b).z).toBeGreaterThan(0);
  });

  it('agree with tables', () => {
    // U = 0 of 5 × 5: z = -12.5 / sqrt(25 × 11 / 12).
    expect(mannWhitney([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]).z).toBeCloseTo(-2.611, 3);
    expect(mannWhitney([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]).p).toBeCloseTo(0.009, 3);
    // All equal: nothing can be told.
    expect(mannWhitney([1, 1], [1, 1])).toEqual({ z: 0, p: expect.closeTo(1, 5) });
    expect(welch([1, 2, 3], [2, 3, 4]).z).toBeCloseTo(-1.2247, 4);
  });

  it('are spared the largest values', () => {
    expect(withoutLargest([5, 1, 100, 2], 0.25)).toEqual([1, 2, 5]);
  });
});
