const LAST_CODE_POINT = 0x10ffff;

/**
 * The first text, in the order of code points, behind every text that begins with the prefix; undefined where there is none. With it a
 * prefix search is a range, which an index serves under row-level security, where `LIKE` is not.
 */
export function afterPrefix(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  while (points.at(-1) === LAST_CODE_POINT) points.pop();
  const last = points.pop();
  if (last === undefined) return undefined;
  // Surrogates are no characters; behind U+D7FF comes U+E000.
  return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
}
