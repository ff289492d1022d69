import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { afterPrefix } from './name-prefix.js';

describe('afterPrefix', () => {
  it('is the prefix with its last character raised', () => {
    expect(afterPrefix('edge-')).toBe('edge.');
    expect(afterPrefix('a\u{10ffff}')).toBe('b');
    expect(afterPrefix('\ud7ff')).toBe('\ue000');
    expect(afterPrefix('')).toBeUndefined();
    expect(afterPrefix('\u{10ffff}')).toBeUndefined();
  });

  it('bounds exactly the texts with the prefix, in byte order', () => {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 4 });
    const before = (a: string, b: string): boolean => Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
    fc.assert(
      fc.property(text, text, (prefix, other) => {
        const end = afterPrefix(prefix);
        for (const candidate of [other, prefix + other]) {
          const inRange = !before(candidate, prefix) && (end === undefined || before(candidate, end));
          expect(inRange).toBe(candidate.startsWith(prefix));
        }
      }),
    );
  });
});
