import { describe, expect, it } from '@jest/globals';
import { listChecks, mapChecks } from './collection-rules.js';
import type { Check, RuleFields } from './check.js';
import { valueChecks } from './value-rules.js';

/** The rules that a value breaks. */
const broken = (checks: readonly Check[], value: unknown): string[] =>
  checks.filter(({ problem }) => problem(value) !== undefined).map(({ rule }) => rule);

const wellKnown = (name: string, value: unknown = true): RuleFields => ({ wellKnown: { case: name, value } });
const seconds = (n: number) => ({ seconds: BigInt(n), nanos: 0 });
const bytes = (text: string) => Buffer.from(text);

describe('rules of values', () => {
  const cases: [type: string, rules: RuleFields, rule: string, good: unknown[], bad: unknown[]][] = [
    ['uint32', { gt: 1 }, 'pgv.uint32.gt', [2], [1, 0]],
    ['uint32', { gte: 1 }, 'pgv.uint32.gte', [1], [0]],
    ['int64', { lt: 5n }, 'pgv.int64.lt', [4n, -9n], [5n]],
    ['double', { lte: 1.5 }, 'pgv.double.lte', [1.5], [1.51, NaN]],
    ['uint32', { gte: 10, lt: 5 }, 'pgv.uint32.gte', [10, 4], [5, 9]],
    ['int32', { const: 3 }, 'pgv.int32.const', [3], [4]],
    ['int32', { in: [1, 2] }, 'pgv.int32.in', [2], [3]],
    ['int32', { notIn: [1, 2] }, 'pgv.int32.not_in', [3], [2]],
    ['bool', { const: true }, 'pgv.bool.const', [true], [false]],
    [
      'duration',
      { gt: seconds(0) },
      'pgv.duration.gt',
      [{ seconds: 0n, nanos: 1 }],
      [seconds(0), { seconds: 0n, nanos: -1 }],
    ],
    ['timestamp', { lte: seconds(9) }, 'pgv.timestamp.lte', [seconds(9)], [{ seconds: 9n, nanos: 1 }]],
    ['any', { in: ['a/b'] }, 'pgv.any.in', [{ typeUrl: 'a/b' }], [{ typeUrl: 'a/c' }]],
    ['string', { minLen: 2n }, 'pgv.string.min_len', ['ab', '😀😀'], ['a', '😀']],
    ['string', { maxLen: 2n }, 'pgv.string.max_len', ['😀😀'], ['abc']],
    ['string', { len: 1n }, 'pgv.string.len', ['😀'], ['', 'ab']],
    ['string', { lenBytes: 4n }, 'pgv.string.len_bytes', ['😀'], ['a']],
    ['string', { minBytes: 4n }, 'pgv.string.min_bytes', ['😀'], ['abc']],
    ['string', { maxBytes: 3n }, 'pgv.string.max_bytes', ['abc'], ['😀']],
    ['string', { pattern: '^a+$' }, 'pgv.string.pattern', ['aa'], ['ab']],
    ['string', { prefix: 'a' }, 'pgv.string.prefix', ['ab'], ['ba']],
    ['string', { suffix: 'a' }, 'pgv.string.suffix', ['ba'], ['ab']],
    ['string', { contains: 'a' }, 'pgv.string.contains', ['bab'], ['b']],
    ['string', { notContains: 'a' }, 'pgv.string.not_contains', ['b'], ['bab']],
    ['string', { in: ['a'] }, 'pgv.string.in', ['a'], ['']],
    ['string', wellKnown('email'), 'pgv.string.email', ['a@b.example'], ['a', '@b', 'a@b@c']],
    [
      'string',
      wellKnown('hostname'),
      'pgv.string.hostname',
      ['a-b.example.'],
      ['a_b', '-a', 'a..b', '', 'x'.repeat(64)],
    ],
    ['string', wellKnown('ip'), 'pgv.string.ip', ['1.2.3.4', '::1'], ['1.2.3', 'a']],
    ['string', wellKnown('ipv4'), 'pgv.string.ipv4', ['1.2.3.4'], ['::1']],
    ['string', wellKnown('ipv6'), 'pgv.string.ipv6', ['::1'], ['1.2.3.4']],
    ['string', wellKnown('address'), 'pgv.string.address', ['a.example', '::1'], ['a b']],
    ['string', wellKnown('uri'), 'pgv.string.uri', ['http://a/b'], ['/b']],
    ['string', wellKnown('uriRef'), 'pgv.string.uri_ref', ['/b'], ['http://[']],
    ['string', wellKnown('uuid'), 'pgv.string.uuid', ['00000000-0000-0000-0000-00000000000A'], ['0']],
    ['string', wellKnown('wellKnownRegex', 1), 'pgv.string.well_known_regex', [':path', 'x-a'], ['', 'a b', 'a\n']],
    [
      'string',
      { ...wellKnown('wellKnownRegex', 1), strict: false },
      'pgv.string.well_known_regex',
      ['', 'a b'],
      ['a\n', 'a\0'],
    ],
    ['string', wellKnown('wellKnownRegex', 2), 'pgv.string.well_known_regex', ['', 'a b\t'], ['a\n', 'a\u007f']],
    ['bytes', { len: 2n }, 'pgv.bytes.len', [bytes('ab')], [bytes('a')]],
    ['bytes', { minLen: 2n }, 'pgv.bytes.min_len', [bytes('ab')], [bytes('a')]],
    ['bytes', { maxLen: 1n }, 'pgv.bytes.max_len', [bytes('a')], [bytes('ab')]],
    ['bytes', { prefix: bytes('a') }, 'pgv.bytes.prefix', [bytes('ab')], [bytes('b')]],
    ['bytes', { suffix: bytes('b') }, 'pgv.bytes.suffix', [bytes('ab')], [bytes('a')]],
    ['bytes', { contains: bytes('b') }, 'pgv.bytes.contains', [bytes('abc')], [bytes('a')]],
    ['bytes', { in: [bytes('a')] }, 'pgv.bytes.in', [bytes('a')], [bytes('b')]],
    ['bytes', wellKnown('ip'), 'pgv.bytes.ip', [bytes('1234')], [bytes('123')]],
  ];

  it.each(cases)('%s %p', (type, rules, rule, good, bad) => {
    const checks = valueChecks(type, rules);
    for (const value of good) expect(broken(checks, value)).toEqual([]);
    for (const value of bad) expect(broken(checks, value)).toEqual([rule]);
  });

  it('report each bound of a range by its own name', () => {
    const checks = valueChecks('uint32', { gte: 1, lte: 9 });
    expect([0, 1, 9, 10].map((value) => broken(checks, value))).toEqual([
      ['pgv.uint32.gte'],
      [],
      [],
      ['pgv.uint32.lte'],
    ]);
  });

  it('are none for what is not known', () => {
    expect(valueChecks('novelty', { gt: 1 })).toEqual([]);
    expect(valueChecks('string', wellKnown('novelty'))).toEqual([]);
    expect(valueChecks('string', wellKnown('wellKnownRegex', 7))).toEqual([]);
    expect(valueChecks('string', wellKnown('ip', false))).toEqual([]);
  });
});

describe('rules of lists and maps', () => {
  it('count their items', () => {
    const list = listChecks({ minItems: 1n, maxItems: 2n });
    expect([[], [1], [1, 2, 3]].map((value) => broken(list, value))).toEqual([
      ['pgv.repeated.min_items'],
      [],
      ['pgv.repeated.max_items'],
    ]);
    const map = mapChecks({ minPairs: 1n, maxPairs: 1n });
    expect([{}, { a: 1 }, { a: 1, b: 2 }].map((value) => broken(map, value))).toEqual([
      ['pgv.map.min_pairs'],
      [],
      ['pgv.map.max_pairs'],
    ]);
  });

  it('compare items by value', () => {
    const unique = listChecks({ unique: true });
    expect(broken(unique, ['a', 'b'])).toEqual([]);
    expect(broken(unique, ['a', 'a'])).toEqual(['pgv.repeated.unique']);
    expect(broken(unique, [bytes('a'), bytes('a')])).toEqual(['pgv.repeated.unique']);
  });
});
