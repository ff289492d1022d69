import { type Check, type Form, type RuleFields, memberChecks, ruleOf } from './check.js';
import { FORMATS, headerFormat } from './formats.js';

const TEXT: Form<string> = { of: (value) => value as string, print: (value) => JSON.stringify(value) };

type StringCheck = Check<string>;

/** The rules of `validate.StringRules`. Lengths count Unicode characters, those in bytes the bytes of UTF-8. */
export function stringChecks(rules: RuleFields): Check[] {
  const checks = [...lengthChecks(rules), ...contentChecks(rules), ...formatChecks(rules)];
  return [...(checks as Check[]), ...memberChecks('string', rules, TEXT)];
}

const characters = (text: string): number => Array.from(text).length;
const bytes = (text: string): number => Buffer.byteLength(text);

interface LengthRule {
  readonly field: string;
  readonly rule: string;
  readonly size: (text: string) => number;
  readonly fits: (size: number, limit: number) => boolean;
  readonly words: (limit: number) => string;
}

const atLeast = (size: number, limit: number): boolean => size >= limit;
const atMost = (size: number, limit: number): boolean => size <= limit;
const exactly = (size: number, limit: number): boolean => size === limit;
const lowest =
  (unit: string) =>
  (limit: number): string =>
    limit === 1 ? 'must not be empty' : `must have at least ${limit} ${unit}`;
const highest =
  (unit: string) =>
  (limit: number): string =>
    `must have at most ${limit} ${unit}`;
const exact =
  (unit: string) =>
  (limit: number): string =>
    `must have ${limit} ${unit}`;

const LENGTH_RULES: readonly LengthRule[] = [
  { field: 'len', rule: 'len', size: characters, fits: exactly, words: exact('characters') },
  { field: 'minLen', rule: 'min_len', size: characters, fits: atLeast, words: lowest('characters') },
  { field: 'maxLen', rule: 'max_len', size: characters, fits: atMost, words: highest('characters') },
  { field: 'lenBytes', rule: 'len_bytes', size: bytes, fits: exactly, words: exact('bytes') },
  { field: 'minBytes', rule: 'min_bytes', size: bytes, fits: atLeast, words: lowest('bytes') },
  { field: 'maxBytes', rule: 'max_bytes', size: bytes, fits: atMost, words: highest('bytes') },
];

function lengthChecks(rules: RuleFields): StringCheck[] {
  return LENGTH_RULES.flatMap(({ field, rule, size, fits, words }) => {
    const value = ruleOf(rules, field);
    if (value === undefined) return [];
    const limit = Number(value);
    const problem = words(limit);
    return [{ rule: `pgv.string.${rule}`, problem: (text: string) => (fits(size(text), limit) ? undefined : problem) }];
  });
}

function contentChecks(rules: RuleFields): StringCheck[] {
  const checks: StringCheck[] = [];
  const add = (field: string, name: string, words: string, accepts: (text: string, part: string) => boolean): void => {
    const part = ruleOf(rules, field);
    if (typeof part !== 'string') return;
    const problem = `${words} ${JSON.stringify(part)}`;
    checks.push({ rule: `pgv.string.${name}`, problem: (text) => (accepts(text, part) ? undefined : problem) });
  };
  const pattern = ruleOf(rules, 'pattern');
  if (typeof pattern === 'string') {
    // Patterns come from descriptor files only, never from a configuration.
    const expression = new RegExp(pattern, 'u');
    const problem = `must match ${pattern}`;
    checks.push({ rule: 'pgv.string.pattern', problem: (text) => (expression.test(text) ? undefined : problem) });
  }
  add('prefix', 'prefix', 'must begin with', (text, part) => text.startsWith(part));
  add('suffix', 'suffix', 'must end with', (text, part) => text.endsWith(part));
  add('contains', 'contains', 'must contain', (text, part) => text.includes(part));
  add('notContains', 'not_contains', 'must not contain', (text, part) => !text.includes(part));
  return checks;
}

function formatChecks(rules: RuleFields): StringCheck[] {
  const wellKnown = (rules['wellKnown'] ?? {}) as { readonly case?: string; readonly value?: unknown };
  if (wellKnown.case === undefined || wellKnown.value === false) return [];
  const name = wellKnown.case.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const format =
    name === 'well_known_regex'
      ? headerFormat(Number(wellKnown.value), ruleOf(rules, 'strict') !== false)
      : FORMATS.get(name);
  if (!format) return [];
  const problem = `must be ${format.name}`;
  return [{ rule: `pgv.string.${name}`, problem: (text) => (format.accepts(text) ? undefined : problem) }];
}
