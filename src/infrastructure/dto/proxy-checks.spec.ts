import { describe, expect, it } from '@jest/globals';
import { metadataProblem } from './proxy-checks.js';

const nested = (depth: number): object => (depth === 0 ? {} : { a: nested(depth - 1) });

describe('metadataProblem', () => {
  it('accepts any bounded JSON object', () => {
    expect(metadataProblem({ team: 'edge', list: [1, null, { deep: true }] })).toBeUndefined();
    expect(metadataProblem(nested(7))).toBeUndefined();
  });

  it.each([
    [[], /must be an object/],
    [{ 'efms.boot_id': 'x' }, /kept for EFMS/],
    [{ a: 'x\0' }, /NUL/],
    [{ a: ['\ud800'] }, /broken Unicode/],
    [{ 'a\0': 1 }, /NUL/],
    [{ a: [2.5] }, /whole numbers/],
    [{ a: 1e300 }, /whole numbers/],
    [nested(8), /nested deeper/],
    [{ a: 'x'.repeat(20_000) }, /larger than/],
  ])('refuses %j', (metadata, problem) => {
    expect(metadataProblem(metadata)).toMatch(problem);
  });
});
