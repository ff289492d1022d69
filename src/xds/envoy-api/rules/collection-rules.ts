import { type Check, type RuleFields, ruleOf } from './check.js';

/** The rules of `validate.RepeatedRules` about the list as a whole. */
export function listChecks(rules: RuleFields): Check[] {
  const checks = sizeChecks(rules, { type: 'repeated', unit: 'items' }, (list) => (list as unknown[]).length);
  if (ruleOf(rules, 'unique') === true) {
    checks.push({
      rule: 'pgv.repeated.unique',
      problem: (value) => {
        const list = value as readonly unknown[];
        return new Set(list.map(identityOf)).size < list.length ? 'must not have an item twice' : undefined;
      },
    });
  }
  return checks;
}

/** The rules of `validate.MapRules` about the map as a whole. */
export function mapChecks(rules: RuleFields): Check[] {
  return sizeChecks(rules, { type: 'map', unit: 'pairs' }, (map) => Object.keys(map as object).length);
}

const identityOf = (item: unknown): unknown =>
  item instanceof Uint8Array ? Buffer.from(item).toString('latin1') : item;

function sizeChecks(
  rules: RuleFields,
  { type, unit }: { type: 'repeated' | 'map'; unit: 'items' | 'pairs' },
  sizeOf: (value: unknown) => number,
): Check[] {
  const checks: Check[] = [];
  const [minField, maxField] = unit === 'items' ? ['minItems', 'maxItems'] : ['minPairs', 'maxPairs'];
  const min = Number(ruleOf(rules, minField) ?? 0);
  const max = Number(ruleOf(rules, maxField) ?? Infinity);
  if (min > 0) {
    const problem = min === 1 ? 'must not be empty' : `must have at least ${min} ${unit}`;
    checks.push({ rule: `pgv.${type}.min_${unit}`, problem: (value) => (sizeOf(value) < min ? problem : undefined) });
  }
  if (max < Infinity) {
    const problem = `must have at most ${max} ${unit}`;
    checks.push({ rule: `pgv.${type}.max_${unit}`, problem: (value) => (sizeOf(value) > max ? problem : undefined) });
  }
  return checks;
}
