import { describe, expect, it } from '@jest/globals';
import { textFinding } from './document-text.js';

describe('textFinding', () => {
  it.each([
    [{ message: 'a\0' }, '/message'],
    [{ a: [{ 'b/c': 'x\ud800' }] }, '/a/0/b~1c'],
    [{ a: { 'k\0': 1 } }, '/a/k\0'],
    [['fine', '\udfff\ud800'], '/1'],
  ])('points at the text in %j', (document, pointer) => {
    expect(textFinding(document)).toMatchObject({ pointer, rule: 'request.text', severity: 'error' });
  });

  it.each([[undefined], [null], ['a'], [{ a: 'grün 🙂', b: [1, null, { c: '' }] }]])('takes %j', (document) => {
    expect(textFinding(document)).toBeUndefined();
  });

  it('spends no stack on depth', () => {
    let deep: unknown = 'x\0';
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(textFinding(deep)).toBeDefined();
  });
});
