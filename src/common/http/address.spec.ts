import { describe, expect, it } from '@jest/globals';
import { nameProblem, parseAddress } from './address.js';

describe('nameProblem', () => {
  it.each(['a', 'edge-1', 'web-1/envoy', 'Ünïcode ✓', '边缘', 'حافة', '🚀', 'a b', 'x'.repeat(255)])(
    'takes %s',
    (name) => {
      expect(nameProblem(name)).toBeUndefined();
      expect(parseAddress(`name:${name}`)).toEqual({ name });
    },
  );

  it.each([
    ['a control character', 'a\nb', 'U+000A'],
    ['a control character of C1', 'a\u0085b', 'U+0085'],
    ['a change of direction', 'edge\u202e1', 'U+202E'],
    ['an isolate', '\u2066edge', 'U+2066'],
    ['a space without width', 'edge\u200b', 'U+200B'],
    ['a byte order mark', '\ufeffedge', 'U+FEFF'],
    ['a tag', 'edge\u{e0041}', 'U+E0041'],
    ['half of a surrogate pair', 'edge\ud800', 'U+D800'],
    ['a private character', 'edge\ue000', 'U+E000'],
    ['a character that is none', 'edge\uffff', 'U+FFFF'],
    ['a line separator', 'edge\u20281', 'U+2028'],
    ['a paragraph separator', 'edge\u20291', 'U+2029'],
  ])('refuses %s, and names it', (_, name, character) => {
    expect(nameProblem(name)).toBe(
      `must not contain ${character}: control, formatting, private-use and unassigned characters are refused in names`,
    );
    expect(() => parseAddress(`name:${name}`)).toThrow();
  });

  it.each(['', 'x'.repeat(256), ' a', 'a\u00a0'])('refuses "%s"', (name) => {
    expect(nameProblem(name)).toMatch(/^must/);
  });
});
