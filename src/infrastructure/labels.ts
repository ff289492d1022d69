/** A label that a proxy must have. */
export interface LabelTerm {
  readonly key: string;
  readonly value: string;
}

const MAX_LABELS = 64;
const MAX_SELECTOR_TERMS = 16;

const KEY = /^[A-Za-z0-9][A-Za-z0-9_./-]{0,62}$/;
const VALUE = /^([A-Za-z0-9][A-Za-z0-9_./:@+-]{0,127})?$/;

/**
 * Says what is wrong with a set of labels, or undefined. Keys and values are kept to characters that selectors, URLs and metric labels
 * carry without escaping.
 */
export function labelsProblem(labels: unknown): string | undefined {
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels)) return 'must be an object of strings';
  const entries = Object.entries(labels as Record<string, unknown>);
  if (entries.length > MAX_LABELS) return `must have at most ${MAX_LABELS} entries`;
  for (const [key, value] of entries) {
    if (!KEY.test(key)) {
      return `has the key "${key.slice(0, 80)}"; keys have 1 to 63 letters, digits, "_", ".", "/" or "-" and begin with a letter or digit`;
    }
    if (typeof value !== 'string' || !VALUE.test(value)) {
      return `has a value for "${key}" that is not a string of up to 128 letters, digits and "_./:@+-" beginning with a letter or digit`;
    }
  }
  return undefined;
}

/**
 * Parses `role=edge,zone=a`: every term must hold.
 * @returns a sentence that says what is wrong for any other text
 */
export function parseLabelSelector(text: string): readonly LabelTerm[] | string {
  const terms: LabelTerm[] = [];
  for (const part of text.split(',')) {
    const [key, value, rest] = part.split('=').map((piece) => piece.trim());
    if (key === undefined || value === undefined || rest !== undefined || !KEY.test(key) || !VALUE.test(value)) {
      return `"${part.trim().slice(0, 80)}" is not key=value`;
    }
    terms.push({ key, value });
  }
  return terms.length <= MAX_SELECTOR_TERMS ? terms : `there are more than ${MAX_SELECTOR_TERMS} terms`;
}
