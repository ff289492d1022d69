import type { DescEnum } from '@bufbuild/protobuf';
import { bytesChecks } from './bytes-rules.js';
import { type Check, type Form, type RuleFields, memberChecks, ruleOf } from './check.js';
import { NUMBER, TIME, orderedChecks } from './ordered-rules.js';
import { stringChecks } from './string-rules.js';

const BOOLEAN: Form<boolean> = { of: (value) => value as boolean, print: String };
/** An Any compares by its type URL, which is what its rules list. */
const TYPE_URL: Form<string> = {
  of: (value) => (typeof value === 'string' ? value : (value as { readonly typeUrl: string }).typeUrl),
  print: String,
};

const NUMBER_TYPES: ReadonlySet<string> = new Set([
  ...['float', 'double', 'int32', 'int64', 'uint32', 'uint64', 'sint32', 'sint64'],
  ...['fixed32', 'fixed64', 'sfixed32', 'sfixed64'],
]);

/**
 * The rules about one value, whether it is a field, an item of a list, or a key or value of a map.
 * @param type which member of the oneof `type` of `validate.FieldRules` is set
 * @param enumType the type of the value where it is an enum
 */
export function valueChecks(type: string, rules: RuleFields, enumType?: DescEnum): Check[] {
  if (NUMBER_TYPES.has(type)) return orderedChecks(type, rules, NUMBER);
  switch (type) {
    case 'string':
      return stringChecks(rules);
    case 'bytes':
      return bytesChecks(rules);
    case 'bool':
      return memberChecks('bool', rules, BOOLEAN);
    case 'enum':
      return enumType ? enumChecks(rules, enumType) : [];
    case 'duration':
    case 'timestamp':
      return orderedChecks(type, rules, TIME);
    case 'any':
      return memberChecks('any', rules, TYPE_URL);
    default:
      return [];
  }
}

function enumChecks(rules: RuleFields, type: DescEnum): Check[] {
  const names: Form<number> = { of: Number, print: (value) => type.value[value]?.name ?? String(value) };
  const checks = memberChecks('enum', rules, names);
  if (ruleOf(rules, 'definedOnly') === true) {
    const problem = `must be a value of ${type.name}`;
    checks.push({
      rule: 'pgv.enum.defined_only',
      problem: (value) => (type.value[Number(value)] ? undefined : problem),
    });
  }
  return checks;
}
