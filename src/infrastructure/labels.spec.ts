import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { labelsProblem, parseLabelSelector } from './labels.js';

describe('parseLabelSelector', () => {
  it('reads terms of equality', () => {
    expect(parseLabelSelector('role=edge')).toEqual([{ key: 'role', value: 'edge' }]);
    expect(parseLabelSelector('role=edge, app.kubernetes.io/name = web,empty=')).toEqual([
      { key: 'role', value: 'edge' },
      { key: 'app.kubernetes.io/name', value: 'web' },
      { key: 'empty', value: '' },
    ]);
  });

  it.each(['', 'role', '=edge', 'role=edge,', 'role==edge', 'role in (a)', 'a=b c'])(
    'says what is wrong with "%s"',
    (text) => {
      expect(parseLabelSelector(text)).toMatch(/is not key=value$/);
    },
  );

  it('bounds the number of terms', () => {
    expect(parseLabelSelector(Array.from({ length: 17 }, (_, i) => `k${i}=v`).join(','))).toMatch(/more than 16/);
  });

  it('reads back whatever labels a proxy may have', () => {
    const text = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_./-]{0,62}$/);
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(text, text), { minLength: 1, maxLength: 16 }), (pairs) => {
        const terms = pairs.map(([key, value]) => ({ key, value }));
        expect(parseLabelSelector(terms.map(({ key, value }) => `${key}=${value}`).join(','))).toEqual(terms);
      }),
    );
  });
});

describe('labelsProblem', () => {
  it('accepts bounded labels', () => {
    expect(labelsProblem({ role: 'edge', 'team/owner': 'a@b.example', empty: '' })).toBeUndefined();
    expect(labelsProblem({})).toBeUndefined();
  });

  it.each([
    [[], /object of strings/],
    ['role=edge', /object of strings/],
    [{ role: 1 }, /value for "role"/],
    [{ role: 'a b' }, /value for "role"/],
    [{ '': 'a' }, /has the key/],
    [{ 'a=b': 'a' }, /has the key/],
    [JSON.parse('{"__proto__": "x"}'), /has the key/],
    [Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, 'v'])), /at most 64/],
  ])('refuses %j', (labels, problem) => {
    expect(labelsProblem(labels)).toMatch(problem);
  });
});
