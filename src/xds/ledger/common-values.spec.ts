import { describe, expect, it } from '@jest/globals';
import { CommonValues } from './common-values.js';

describe('CommonValues', () => {
  it('keeps what is equal once, and numbers it', () => {
    const common = new CommonValues();
    const numbers = ['a', 'b', 'a'].map((key) => common.numberOf(key, () => ({ key })));
    expect(numbers).toEqual([0, 1, 0]);
    expect(JSON.parse(common.toJson())).toEqual([
      { no: 0, key: 'a' },
      { no: 1, key: 'b' },
    ]);
  });
});
