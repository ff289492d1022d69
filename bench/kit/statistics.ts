/** What a test of two samples found. */
export interface Comparison {
  /** Standard deviations between what was seen and what equal distributions would show. */
  readonly z: number;
  /** How likely so much is where there is no difference. */
  readonly p: number;
}

/** Whether values of one sample are larger than those of the other, whatever their distributions; with ties, for large samples. */
export function mannWhitney(a: readonly number[], b: readonly number[]): Comparison {
  const all = [...a.map((value) => ({ value, isA: true })), ...b.map((value) => ({ value, isA: false }))];
  all.sort((one, other) => one.value - other.value);
  let ranksOfA = 0;
  let ties = 0;
  for (let from = 0; from < all.length;) {
    let to = from;
    while (all[to + 1]?.value === all[from]?.value && to + 1 < all.length) to += 1;
    const count = to - from + 1;
    for (const { isA } of all.slice(from, to + 1)) if (isA) ranksOfA += (from + to) / 2 + 1;
    ties += count ** 3 - count;
    from = to + 1;
  }
  const [n, m, both] = [a.length, b.length, all.length];
  const u = ranksOfA - (n * (n + 1)) / 2;
  const variance = ((n * m) / 12) * (both + 1 - ties / (both * (both - 1)));
  return compared(variance === 0 ? 0 : (u - (n * m) / 2) / Math.sqrt(variance));
}

/** Whether the means differ, variances being what they are; for large samples, where t is normal. */
export function welch(a: readonly number[], b: readonly number[]): Comparison {
  const error = Math.sqrt(variance(a) / a.length + variance(b) / b.length);
  return compared(error === 0 ? 0 : (mean(a) - mean(b)) / error);
}

/** The values without the largest share: what a busy machine does now and then hides any difference of means. */
export function withoutLargest(values: readonly number[], share: number): number[] {
  return values.toSorted((one, other) => one - other).slice(0, Math.ceil(values.length * (1 - share)));
}

const compared = (z: number): Comparison => ({ z, p: 2 * (1 - normal(Math.abs(z))) });

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function variance(values: readonly number[]): number {
  const middle = mean(values);
  return values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1);
}

/** The share of a standard normal distribution below a positive z (Abramowitz and Stegun 26.2.17, to 7.5e-8). */
function normal(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const tail = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return 1 - (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * tail;
}
