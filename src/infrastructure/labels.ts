/** What the labels of a thing must satisfy. `exists` and `absent` have no values. */
export interface LabelTerm {
  readonly key: string;
  readonly operator: 'in' | 'notin' | 'exists' | 'absent';
  readonly values: readonly string[];
}

const MAX_LABELS = 64;
const MAX_SELECTOR_LENGTH = 4000;
const MAX_SELECTOR_TERMS = 16;
const MAX_TERM_VALUES = 64;

const KEY = /^[A-Za-z0-9][A-Za-z0-9_./-]{0,62}$/;
const VALUE = /^([A-Za-z0-9][A-Za-z0-9_./:@+-]{0,127})?$/;
const SET_TERM = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/;

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
 * Parses a selector, for instance `env=prod,region in (a,b),!canary`: every term must hold. Terms are `key=value`, `key!=value`,
 * `key in (a,b)`, `key notin (a,b)`, `key` and `!key`. As in Kubernetes, `!=` and `notin` hold for things without the key too.
 * @returns a sentence that says what is wrong for any other text
 */
export function parseLabelSelector(text: string): readonly LabelTerm[] | string {
  if (text.length > MAX_SELECTOR_LENGTH) return `it is longer than ${MAX_SELECTOR_LENGTH} characters`;
  const parts = splitTerms(text);
  if (parts.length > MAX_SELECTOR_TERMS) return `there are more than ${MAX_SELECTOR_TERMS} terms`;
  const terms: LabelTerm[] = [];
  for (const part of parts) {
    const term = parseTerm(part.trim());
    if (typeof term === 'string') return term;
    terms.push(term);
  }
  return terms;
}

/** At commas that are not in parentheses. */
function splitTerms(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i += 1) {
    if (text[i] === '(') depth += 1;
    else if (text[i] === ')') depth -= 1;
    else if (text[i] === ',' && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  return [...parts, text.slice(start)];
}

function parseTerm(text: string): LabelTerm | string {
  const term = readSet(text) ?? readEquality(text) ?? readPresence(text);
  if (!KEY.test(term.key) || !term.values.every((value) => VALUE.test(value))) {
    return `"${text.slice(0, 80)}" is none of key=value, key!=value, key in (a,b), key notin (a,b), key and !key`;
  }
  return term.values.length <= MAX_TERM_VALUES ? term : `"${term.key}" has more than ${MAX_TERM_VALUES} values`;
}

function readSet(text: string): LabelTerm | undefined {
  const [, key, operator, list] = SET_TERM.exec(text) ?? [];
  if (key === undefined || list === undefined) return undefined;
  const values = [...new Set(list.split(',').map((value) => value.trim()))];
  return { key, operator: operator === 'in' ? 'in' : 'notin', values };
}

function readEquality(text: string): LabelTerm | undefined {
  const at = text.indexOf('=');
  if (at < 0) return undefined;
  const isNot = text[at - 1] === '!';
  const key = text.slice(0, isNot ? at - 1 : at).trim();
  return { key, operator: isNot ? 'notin' : 'in', values: [text.slice(at + 1).trim()] };
}

function readPresence(text: string): LabelTerm {
  const isAbsent = text.startsWith('!');
  return { key: isAbsent ? text.slice(1).trim() : text, operator: isAbsent ? 'absent' : 'exists', values: [] };
}
