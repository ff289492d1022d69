import { type Check, type TypeRules, check, listOption, option } from './rule-types.js';

/** `const`, `in` and `not_in`, on values made comparable by `key`. */
export function membershipChecks<T>(
  type: string,
  rules: TypeRules,
  key: (value: T) => unknown = (value) => value,
  show: (value: T) => string = (value) => (typeof value === 'bigint' ? value.toString() : JSON.stringify(value)),
): Check[] {
  const checks: Check[] = [];
  const constant = option<T>(rules, 'const');
  if (constant !== undefined)
    checks.push(check<T>(`${type}.const`, (v) => key(v) === key(constant), `be ${show(constant)}`));
  const allowed = listOption<T>(rules, 'in');
  if (allowed.length > 0) {
    const keys = new Set(allowed.map(key));
    checks.push(check<T>(`${type}.in`, (v) => keys.has(key(v)), `be one of ${allowed.map(show).join(', ')}`));
  }
  const forbidden = listOption<T>(rules, 'notIn');
  if (forbidden.length > 0) {
    const keys = new Set(forbidden.map(key));
    checks.push(check<T>(`${type}.not_in`, (v) => !keys.has(key(v)), `be none of ${forbidden.map(show).join(', ')}`));
  }
  return checks;
}
