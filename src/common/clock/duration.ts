const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** Longer texts are refused unread; the longest useful duration has some 20 characters. */
const MAX_LENGTH = 64;
const PART = /(\d{1,15}(?:\.\d{1,15})?)(ns|us|µs|ms|s|m|h)/y;

/**
 * Reads a duration as Go writes it: decimal numbers with a unit each (`ns us µs ms s m h`), for instance `5m` or `1h30m`; `0` needs no
 * unit. Signs are not taken: nothing here lasts less than no time.
 * @returns milliseconds, or undefined for any other text
 */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (text.length === 0 || text.length > MAX_LENGTH) return undefined;
  let total = 0;
  let position = 0;
  while (position < text.length) {
    PART.lastIndex = position;
    const part = PART.exec(text);
    const unit = UNIT_MS[part?.[2] ?? ''];
    if (part === null || unit === undefined) return undefined;
    total += Number(part[1]) * unit;
    position = PART.lastIndex;
  }
  return total;
}

/** Whole seconds as the shortest text that `parseDuration` reads back: 5400 is `1h30m`. */
export function formatSeconds(seconds: number): string {
  const parts: [number, string][] = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'm'],
    [seconds % 60, 's'],
  ];
  const text = parts.map(([count, unit]) => (count > 0 ? `${count}${unit}` : '')).join('');
  return text === '' ? '0s' : text;
}
