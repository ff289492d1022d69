import { setImmediate as nextTick } from 'node:timers/promises';
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

  it('may have characters that no word has', () => {
    expect(named('no /a and a.b:80, a/b', '/a', 'a.b:80', 'b', '/b', 'b:80')).toEqual(['/a', 'a.b:80', 'b', 'b:80']);
  });

  it('cost no more where the text repeats what the names repeat', async () => {
    const names = (part: string) => Array.from({ length: 5_000 }, (_, i) => part.repeat(1_000 + i));
    // The time of a test is the bound: to look for each of them at every place of the text takes far longer.
    for (let i = 0; i < 3; i += 1) {
      await nextTick();
      named('a'.repeat(4_096), ...names('a'));
      named(`${'a/'.repeat(2_000)}a`, ...names('a/'));
    }
  }, 10_000);

  it('are few, and no name is empty', () => {
    const names = Array.from({ length: 100 }, (_, i) => `n${i}`);
    expect(named(names.join(' '), '', ...names)).toHaveLength(10);
  });

  it('are looked for in the beginning of a long message only', () => {
    expect(named(`${'x'.repeat(10_000)} late`, 'late')).toEqual([]);
  });
});
