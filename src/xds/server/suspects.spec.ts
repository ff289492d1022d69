import { describe, expect, it } from '@jest/globals';
import { suspectsIn } from './suspects.js';

describe('suspects of a refusal', () => {
  const named = (message: string, ...names: string[]): readonly string[] => suspectsIn({ code: 13, message }, names);

  it('are the names that stand in the message as words', () => {
    const message = 'Error adding/updating cluster(s) c2: hash policy, c-4.example: no such file';
    expect(named(message, 'c1', 'c2', 'c', 'c-4.example', '4')).toEqual(['c2', 'c-4.example']);
  });

  it('are found behind a place where they are only a part of a word', () => {
    expect(named('abc ab', 'ab')).toEqual(['ab']);
  });

  it('are few, and no name is empty', () => {
    const names = Array.from({ length: 100 }, (_, i) => `n${i}`);
    expect(named(names.join(' '), '', ...names)).toHaveLength(10);
  });

  it('are looked for in the beginning of a long message only', () => {
    expect(named(`${'x'.repeat(10_000)} late`, 'late')).toEqual([]);
  });
});
