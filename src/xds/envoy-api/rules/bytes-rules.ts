import { type Check, type Form, type RuleFields, memberChecks, ruleOf } from './check.js';

/** Bytes compare as text of one character per byte, and print in base64. */
const BYTES: Form<string> = {
  of: (value) => Buffer.from(value as Uint8Array).toString('latin1'),
  print: (value) => `${Buffer.from(value, 'latin1').toString('base64')} (base64)`,
};

/** Addresses in network order, by the member of the oneof `well_known` of `validate.BytesRules`. */
const ADDRESS_LENGTHS: ReadonlyMap<string, readonly number[]> = new Map([
  ['ip', [4, 16]],
  ['ipv4', [4]],
  ['ipv6', [16]],
]);

/** The rules of `validate.BytesRules`, but for `pattern`, which no bytes of the Envoy API have. */
export function bytesChecks(rules: RuleFields): Check[] {
  return [
    ...lengthChecks(rules),
    ...contentChecks(rules),
    ...addressChecks(rules),
    ...memberChecks('bytes', rules, BYTES),
  ];
}

const lengthOf = (value: unknown): number => (value as Uint8Array).length;

function lengthChecks(rules: RuleFields): Check[] {
  const checks: Check[] = [];
  const add = (field: string, name: string, words: string, fits: (length: number, limit: number) => boolean): void => {
    const rule = ruleOf(rules, field);
    if (rule === undefined) return;
    const limit = Number(rule);
    const problem = `must have ${words}${limit} bytes`;
    checks.push({
      rule: `pgv.bytes.${name}`,
      problem: (value) => (fits(lengthOf(value), limit) ? undefined : problem),
    });
  };
  add('len', 'len', '', (length, limit) => length === limit);
  add('minLen', 'min_len', 'at least ', (length, limit) => length >= limit);
  add('maxLen', 'max_len', 'at most ', (length, limit) => length <= limit);
  return checks;
}

function contentChecks(rules: RuleFields): Check[] {
  const checks: Check[] = [];
  const add = (name: string, words: string, accepts: (text: string, part: string) => boolean): void => {
    const rule = ruleOf(rules, name);
    if (rule === undefined) return;
    const part = BYTES.of(rule);
    const problem = `must ${words} ${BYTES.print(part)}`;
    checks.push({
      rule: `pgv.bytes.${name}`,
      problem: (value) => (accepts(BYTES.of(value), part) ? undefined : problem),
    });
  };
  add('prefix', 'begin with', (text, part) => text.startsWith(part));
  add('suffix', 'end with', (text, part) => text.endsWith(part));
  add('contains', 'contain', (text, part) => text.includes(part));
  return checks;
}

function addressChecks(rules: RuleFields): Check[] {
  const wellKnown = (rules['wellKnown'] ?? {}) as { readonly case?: string; readonly value?: unknown };
  const { case: format = '', value: isSet } = wellKnown;
  const lengths = isSet === true ? ADDRESS_LENGTHS.get(format) : undefined;
  if (!lengths) return [];
  const problem = `must be an address of ${lengths.join(' or ')} bytes`;
  return [
    { rule: `pgv.bytes.${format}`, problem: (value) => (lengths.includes(lengthOf(value)) ? undefined : problem) },
  ];
}
