import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { labelsProblem, parseLabelSelector } from './labels.js';

const equal = (key: string, value: string) => ({ key, operator: 'in', values: [value] });

describe('parseLabelSelector', () => {
  it('reads terms of equality', () => {
    expect(parseLabelSelector('role=edge')).toEqual([equal('role', 'edge')]);
    expect(parseLabelSelector('role=edge, app.kubernetes.io/name = web,empty=')).toEqual([
      equal('role', 'edge'),
      equal('app.kubernetes.io/name', 'web'),
      equal('empty', ''),
    ]);
  });

  it('reads sets, exclusions and presence', () => {
    expect(parseLabelSelector('env=prod,region in (a, b,a),zone!=c,tier notin(x),canary, !old')).toEqual([
      equal('env', 'prod'),
      { key: 'region', operator: 'in', values: ['a', 'b'] },
      { key: 'zone', operator: 'notin', values: ['c'] },
      { key: 'tier', operator: 'notin', values: ['x'] },
      { key: 'canary', operator: 'exists', values: [] },
      { key: 'old', operator: 'absent', values: [] },
    ]);
  });

  it.each([
    '',
    '=edge',
    'role=edge,',
    'role==edge',
    'a=b c',
    'a in b',
    'a in (b',
    'a in (b))',
    'a in ((b))',
    '!!a',
    'in (a)',
    '!a=b',
  ])('says what is wrong with "%s"', (text) => {
    expect(parseLabelSelector(text)).toMatch(/is none of key=value/);
  });

  it('bounds terms, values and length', () => {
    const many = (count: number, item: (i: number) => string) =>
      Array.from({ length: count }, (_, i) => item(i)).join(',');
    expect(parseLabelSelector(many(17, (i) => `k${i}=v`))).toMatch(/more than 16 terms/);
    expect(parseLabelSelector(`k in (${many(65, (i) => `v${i}`)})`)).toMatch(/more than 64 values/);
    expect(parseLabelSelector('k'.repeat(4001))).toMatch(/longer than 4000/);
  });

  it('reads back whatever labels a proxy may have', () => {
    const text = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_./-]{0,62}$/);
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(text, text), { minLength: 1, maxLength: 16 }), (pairs) => {
        const selector = pairs.map(([key, value]) => `${key}=${value}`).join(',');
        expect(parseLabelSelector(selector)).toEqual(pairs.map(([key, value]) => equal(key, value)));
      }),
    );
  });

  it('takes any text without failing', () => {
    fc.assert(fc.property(fc.string(), (text) => expect(parseLabelSelector(text)).toBeDefined()));
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
