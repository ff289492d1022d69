import { type Check, type Form, type RuleFields, memberChecks, ruleOf } from './check.js';

interface Bound<T> {
  readonly name: 'gt' | 'gte' | 'lt' | 'lte';
  readonly limit: T;
  readonly words: string;
  readonly holds: (value: T) => boolean;
}

/** Numbers: 64-bit ones are bigint, the others number. */
export const NUMBER: Form<number | bigint> = {
  of: (value) => value as number | bigint,
  print: (value) => String(value),
};

const NANOS_PER_SECOND = 1_000_000_000n;

/** Durations and timestamps, compared in nanoseconds. */
export const TIME: Form<bigint> = {
  of: (value) => {
    const { seconds, nanos } = value as { readonly seconds: bigint; readonly nanos: number };
    return seconds * NANOS_PER_SECOND + BigInt(nanos);
  },
  print: (nanos) => `${Number(nanos) / Number(NANOS_PER_SECOND)}s`,
};

/**
 * The rules of all types that have an order: numbers, durations, timestamps. An upper limit below the lower one means "outside of
 * what is between them".
 */
export function orderedChecks<T extends number | bigint>(type: string, rules: RuleFields, form: Form<T>): Check[] {
  const lower = boundOf('gt', rules, form) ?? boundOf('gte', rules, form);
  const upper = boundOf('lt', rules, form) ?? boundOf('lte', rules, form);
  const ranges =
    lower && upper && lower.limit >= upper.limit
      ? [outside(type, lower, upper, form)]
      : [lower, upper].filter((bound) => bound !== undefined).map((bound) => within(type, bound, form));
  return [...ranges, ...memberChecks(type, rules, form)];
}

function boundOf<T extends number | bigint>(
  name: Bound<T>['name'],
  rules: RuleFields,
  form: Form<T>,
): Bound<T> | undefined {
  const value = ruleOf(rules, name);
  if (value === undefined) return undefined;
  const limit = form.of(value);
  const printed = form.print(limit);
  switch (name) {
    case 'gt':
      return { name, limit, words: `greater than ${printed}`, holds: (v) => v > limit };
    case 'gte':
      return { name, limit, words: `at least ${printed}`, holds: (v) => v >= limit };
    case 'lt':
      return { name, limit, words: `less than ${printed}`, holds: (v) => v < limit };
    case 'lte':
      return { name, limit, words: `at most ${printed}`, holds: (v) => v <= limit };
  }
}

const within = <T extends number | bigint>(type: string, bound: Bound<T>, form: Form<T>): Check => ({
  rule: `pgv.${type}.${bound.name}`,
  problem: (value) => (bound.holds(form.of(value)) ? undefined : `must be ${bound.words}`),
});

const outside = <T extends number | bigint>(type: string, lower: Bound<T>, upper: Bound<T>, form: Form<T>): Check => ({
  rule: `pgv.${type}.${lower.name}`,
  problem: (value) =>
    lower.holds(form.of(value)) || upper.holds(form.of(value)) ? undefined : `must be ${lower.words} or ${upper.words}`,
});
