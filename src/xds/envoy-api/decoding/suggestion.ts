/** Words longer than this are no typing mistakes of anything. */
const MAX_LENGTH = 80;

/** More letters wrong than this, or than a third of the word, and it is another word. */
const MAX_EDITS = 3;

/** Names of a hostile document can be many; later ones are not compared. */
const MAX_CANDIDATES = 200;

/** The candidate that somebody most likely meant, if one is close. Upper and lower case, `_` and `-` do not count. */
export function closest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > MAX_LENGTH) return undefined;
  const plain = simplified(word);
  let best: string | undefined;
  let limit = Math.min(MAX_EDITS, Math.max(1, Math.floor(plain.length / 3)));
  let compared = 0;
  for (const candidate of candidates) {
    if (++compared > MAX_CANDIDATES || limit < 0) break;
    if (candidate.length > MAX_LENGTH) continue;
    const distance = editDistance(plain, simplified(candidate), limit);
    if (distance > limit) continue;
    limit = distance - 1;
    best = candidate;
  }
  return best;
}

/** `; did you mean "stat_prefix"?`, or nothing. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const found = closest(word, candidates);
  return found === undefined ? '' : `; did you mean "${found}"?`;
}

const simplified = (word: string): string => word.toLowerCase().replaceAll(/[_-]/g, '');

/** Levenshtein's distance, in the band around the diagonal that `limit` edits can reach; any larger one is `limit` + 1. */
function editDistance(a: string, b: string, limit: number): number {
  const beyond = limit + 1;
  if (Math.abs(a.length - b.length) > limit) return beyond;
  let previous = Array.from({ length: b.length + 1 }, (_, j) => Math.min(j, beyond));
  for (let i = 1; i <= a.length; i++) {
    const row = new Array<number>(b.length + 1).fill(beyond);
    if (i <= limit) row[0] = i;
    let least = row[0] ?? beyond;
    for (let j = Math.max(1, i - limit); j <= Math.min(b.length, i + limit); j++) {
      const substitution = (previous[j - 1] ?? beyond) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const cost = Math.min(substitution, (previous[j] ?? beyond) + 1, (row[j - 1] ?? beyond) + 1, beyond);
      row[j] = cost;
      least = Math.min(least, cost);
    }
    if (least > limit) return beyond;
    previous = row;
  }
  return previous[b.length] ?? beyond;
}
