import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatSeconds, parseDuration } from './duration.js';

describe('parseDuration', () => {
  it('reads what Go writes', () => {
    const examples: [string, number][] = [
      ['0', 0],
      ['5m', 300_000],
      ['1h30m', 5_400_000],
      ['1.5h', 5_400_000],
      ['2m0.5s', 120_500],
      ['250ms', 250],
      ['1us', 0.001],
      ['1µs', 0.001],
      ['100ns', 0.0001],
    ];
    for (const [text, ms] of examples) expect(parseDuration(text)).toBeCloseTo(ms, 9);
  });

  it('refuses everything else', () => {
    for (const text of ['', '5', '-5m', '5 m', 'm', '5d', '5m ', '1h30', '.5s', '5M', '٥m', '1e3s', '9'.repeat(65)]) {
      expect(parseDuration(text)).toBeUndefined();
    }
  });

  it('reads back every number of seconds that was written', () => {
    fc.assert(fc.property(fc.nat(1_000_000), (seconds) => parseDuration(formatSeconds(seconds)) === seconds * 1000));
  });
});
