/**
 * One rule about one value: `problem` says in words that follow the field's name what is wrong with a value ("must not be empty"),
 * or gives undefined where nothing is.
 */
export interface Check<T = unknown> {
  /** Stable identifier, for instance `pgv.string.min_len`. */
  readonly rule: string;
  readonly problem: (value: T) => string | undefined;
}

/**
 * Rules of one type as protobuf-es decodes them: a message of `validate.proto`, whose fields are there only where the API sets them
 * (proto2 presence).
 */
export type RuleFields = Readonly<Record<string, unknown>>;

/** A rule that the API sets, or undefined. */
export function ruleOf(rules: RuleFields, name: string): unknown {
  return Object.hasOwn(rules, name) ? rules[name] : undefined;
}

/** The values of a repeated rule; none where it is not set. */
function ruleList(rules: RuleFields, name: string): readonly unknown[] {
  const values = ruleOf(rules, name);
  return Array.isArray(values) ? values : [];
}

/** Turns a value, or the parameter of a rule, into something that compares and prints. */
export interface Form<T> {
  readonly of: (value: unknown) => T;
  readonly print: (value: T) => string;
}

/** The rules `const`, `in` and `not_in`, which every type has. */
export function memberChecks<T>(type: string, rules: RuleFields, form: Form<T>): Check[] {
  const checks: Check[] = [];
  const constant = ruleOf(rules, 'const');
  if (constant !== undefined) {
    const expected = form.of(constant);
    const problem = `must be ${form.print(expected)}`;
    checks.push({ rule: `pgv.${type}.const`, problem: (v) => (form.of(v) === expected ? undefined : problem) });
  }
  const allowed = ruleList(rules, 'in').map((value) => form.of(value));
  if (allowed.length > 0) {
    const set = new Set(allowed);
    const problem = `must be one of ${allowed.map((value) => form.print(value)).join(', ')}`;
    checks.push({ rule: `pgv.${type}.in`, problem: (v) => (set.has(form.of(v)) ? undefined : problem) });
  }
  const refused = ruleList(rules, 'notIn').map((value) => form.of(value));
  if (refused.length > 0) {
    const set = new Set(refused);
    const problem = `must not be one of ${refused.map((value) => form.print(value)).join(', ')}`;
    checks.push({ rule: `pgv.${type}.not_in`, problem: (v) => (set.has(form.of(v)) ? problem : undefined) });
  }
  return checks;
}
