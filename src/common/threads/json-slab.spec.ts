import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { jsonArrays, jsonSlab, textAt, wholeArray } from './json-slab.js';

const values = fc.array(fc.array(fc.jsonValue({ maxDepth: 2 }), { maxLength: 3 }));
const slabOf = (lists: readonly (readonly unknown[])[]) =>
  jsonSlab(lists.map((list) => list.map((value) => JSON.stringify(value)).join(',')));
const read = (arrays: Iterable<Buffer>): unknown[] =>
  [...arrays].flatMap((array) => JSON.parse(array.toString()) as unknown[]);

describe('a JSON slab', () => {
  it('gives back each text, and all of them in arrays', () => {
    fc.assert(
      fc.property(values, (lists) => {
        const slab = slabOf(lists);
        for (const [i, list] of lists.entries()) expect(JSON.parse(`[${textAt(slab, i)}]`)).toEqual(plain(list));
        expect(read(jsonArrays(slab))).toEqual(plain(lists.flat()));
      }),
    );
  });

  it('gives those that are wanted', () => {
    fc.assert(
      fc.property(values, fc.func(fc.boolean()), (lists, isWanted) => {
        const places = [...lists.keys()].filter((i) => isWanted(i));
        expect(read(jsonArrays(slabOf(lists), places))).toEqual(plain(places.flatMap((i) => lists[i] ?? [])));
      }),
    );
  });

  it('cuts what is long, and never inside of a text', () => {
    const texts = Array.from({ length: 50 }, (_, i) => JSON.stringify(`${i} ${'é'.repeat(20_000)}`));
    const arrays = [...jsonArrays(jsonSlab(texts))];
    expect(arrays.length).toBeGreaterThan(2);
    expect(read(arrays)).toEqual(texts.map((text) => JSON.parse(text) as unknown));
  });

  it('is one array as a whole, also when it is empty', () => {
    expect(wholeArray(jsonSlab(['1', '"é"', '[]'])).toString()).toBe('[1,"é",[]]');
    expect(wholeArray(jsonSlab([])).toString()).toBe('[]');
    expect([...jsonArrays(jsonSlab(['', '']))]).toEqual([]);
  });
});

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
