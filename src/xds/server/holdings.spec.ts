import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { resource, snapshot } from '../../../test/kit/xds-stream.js';
import { changesBetween, type Contents, GONE, type Holding, Holdings, holdingOf, UNKNOWN } from './holdings.js';

const [a1, a2, b1] = [resource('cluster', 'a', '1'), resource('cluster', 'a', '2'), resource('cluster', 'b', '1')];
const contents = (...resources: (typeof a1)[]): Contents => new Map(resources.map((one) => [one.name, holdingOf(one)]));

describe('what streams hold', () => {
  it('is one map where they went through the same steps', () => {
    const [first, second] = [contents(a1, b1), contents(a2)];
    const [one, other] = [new Holdings(), new Holdings()];
    for (const holdings of [one, other]) {
      holdings.apply(first, 'kept');
      holdings.apply(second, 'kept');
    }
    expect(one.shared).toBe(other.shared);
    expect(one.get('a')?.version).toBe(a2.version);
    expect(one.get('b')?.version).toBe(b1.version);
  });

  it('is the response itself where that is all there is, wherever a stream comes from', () => {
    const whole = contents(a2, b1);
    const late = new Holdings();
    late.apply(contents(a1), 'kept');
    late.apply(whole, 'kept');
    expect(late.shared).toBe(whole);
  });

  it('is shared where streams gave up the same', () => {
    const response = contents(a1, b1);
    const [one, other] = [new Holdings(), new Holdings()];
    for (const holdings of [one, other]) {
      holdings.apply(response, 'kept');
      holdings.forget(['b', 'never there']);
    }
    expect([...one.keys()]).toEqual(['a']);
    expect(one.shared).toBe(other.shared);
  });

  it('is shared once more after a response that says everything', () => {
    const holdings = new Holdings();
    holdings.apply(contents(a1, b1), 'kept');
    holdings.set('a', { version: UNKNOWN, content: a1 });
    const whole = contents(a2, b1);
    holdings.apply(whole, 'kept');
    expect(holdings.shared).toBe(whole);
  });

  it('is shared again once a stream has nothing of its own any more', () => {
    const holdings = new Holdings();
    holdings.apply(contents(a1, b1), 'kept');
    const before = holdings.shared;
    holdings.set('a', { version: UNKNOWN, content: a1 });
    holdings.delete('b');
    expect([holdings.shared, [...holdings.keys()]]).toEqual([null, ['a']]);
    holdings.apply(contents(a1, b1), 'kept');
    expect(holdings.shared).toBe(before);
  });

  type Step = readonly [
    'set' | 'delete' | 'kept' | 'forgotten' | 'clear' | 'forget',
    readonly (readonly [string, number])[],
  ];
  const names = fc.constantFrom('a', 'b', 'c', 'd');
  const step: fc.Arbitrary<Step> = fc.tuple(
    fc.constantFrom('set', 'delete', 'kept', 'forgotten', 'clear', 'forget'),
    fc.uniqueArray(fc.tuple(names, fc.nat(2)), { selector: ([name]) => name, maxLength: 4 }),
  );

  it('is what a plain map would hold', () => {
    const pool = new Map<string, Contents>();
    const holdingFor = (name: string, n: number): Holding =>
      n === 0 ? GONE : holdingOf(n === 1 && name === 'a' ? a1 : b1);
    const pooled = (entries: Step[1]): Contents => {
      const key = JSON.stringify(entries);
      const made = pool.get(key) ?? new Map(entries.map(([name, n]) => [name, holdingFor(name, n)]));
      pool.set(key, made);
      return made;
    };
    fc.assert(
      fc.property(fc.array(step), (history) => {
        const holdings = new Holdings();
        let model = new Map<string, Holding>();
        for (const [what, entries] of history) {
          const said = pooled(entries);
          if (what === 'clear') {
            holdings.clear();
            model = new Map();
          } else if (what === 'forget') {
            holdings.forget([...said.keys()]);
            for (const name of said.keys()) model.delete(name);
          } else if (what === 'set' || what === 'delete') {
            for (const [name, holding] of said) {
              if (what === 'set') holdings.set(name, holding);
              else holdings.delete(name);
              if (what === 'set') model.set(name, holding);
              else model.delete(name);
            }
          } else {
            holdings.apply(said, what);
            for (const [name, holding] of said) {
              if (what === 'forgotten' && holding === GONE) model.delete(name);
              else model.set(name, holding);
            }
          }
          expect(new Map(holdings.entries())).toEqual(model);
          for (const name of ['a', 'b', 'c', 'd']) expect(holdings.get(name)).toBe(model.get(name));
        }
      }),
    );
  });
});

describe('the changes between what is held and a set', () => {
  const set = snapshot(a2, b1).resources('cluster');
  const names = (held: Contents, wanted: 'everything' | 'these') => {
    const { upserts, removals, missing } = changesBetween[wanted](held, set);
    return [upserts.map(({ name }) => name), removals, missing];
  };

  it('are all that is new, changed, unknown or gone', () => {
    const held = new Map([...contents(a1), ['x', holdingOf(b1)] as const, ['y', GONE] as const]);
    expect(names(held, 'everything')).toEqual([['a', 'b'], ['x'], []]);
    expect(names(held, 'these')).toEqual([['a'], ['x'], []]);
    expect(names(new Map([['b', { version: UNKNOWN, content: null }]]), 'these')).toEqual([['b'], [], []]);
  });

  it('are worked out once', () => {
    const held = contents(a1);
    expect(changesBetween.these(held, set)).toBe(changesBetween.these(held, set));
    expect(changesBetween.these(held, set)).not.toBe(changesBetween.everything(held, set));
  });
});
