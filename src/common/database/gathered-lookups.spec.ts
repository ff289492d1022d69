import { expect, it } from '@jest/globals';
import { GatheredLookups } from './gathered-lookups.js';

function doubling(most?: number) {
  const asked: number[][] = [];
  const lookups = new GatheredLookups<number, number>((keys) => {
    asked.push([...keys]);
    if (keys.includes(13)) return Promise.reject(new Error('unlucky'));
    return Promise.resolve(keys.map((key) => key * 2));
  }, most);
  return { asked, lookups };
}

it('asks together for what comes in one moment, and answers each its own', async () => {
  const { asked, lookups } = doubling();
  expect(await Promise.all([1, 2, 3].map((key) => lookups.get(key)))).toEqual([2, 4, 6]);
  expect(await lookups.get(4)).toBe(8);
  expect(asked).toEqual([[1, 2, 3], [4]]);
});

it('asks for no more than so many at once, one query after the other', async () => {
  const { asked, lookups } = doubling(2);
  const first = lookups.get(1);
  const others = [2, 3, 4, 5].map((key) => lookups.get(key));
  expect(await first).toBe(2);
  const late = lookups.get(6);
  expect(await Promise.all([...others, late])).toEqual([4, 6, 8, 10, 12]);
  expect(asked).toEqual([
    [1, 2],
    [3, 4],
    [5, 6],
  ]);
});

it('fails those that were asked for together, and no others', async () => {
  const { lookups } = doubling(2);
  const results = await Promise.allSettled([1, 13, 3].map((key) => lookups.get(key)));
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
  expect(await lookups.get(1)).toBe(2);
});

it('takes an answer of another length for none', async () => {
  const lookups = new GatheredLookups<number, number>(() => Promise.resolve([]));
  await expect(lookups.get(1)).rejects.toThrow('must answer each key');
});
