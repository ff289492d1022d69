import { describe, expect, it } from '@jest/globals';
import { closest } from './suggestion.js';

describe('closest', () => {
  it('finds what was meant', () => {
    expect(closest('stat_prefx', ['name', 'stat_prefix'])).toBe('stat_prefix');
    expect(closest('StatPrefix', ['name', 'stat_prefix'])).toBe('stat_prefix');
    expect(closest('web-1', ['web-10', 'web-1', 'web-2'])).toBe('web-1');
    expect(closest('wep', ['web'])).toBe('web');
  });

  it('finds nothing where nothing is close', () => {
    expect(closest('bogus', ['name', 'stat_prefix'])).toBeUndefined();
    expect(closest('', [])).toBeUndefined();
    expect(closest('x'.repeat(100), ['x'.repeat(100)])).toBeUndefined();
    expect(closest('abcdefghijkl', ['abcdWXYZijkl'])).toBeUndefined();
  });
});
