import { membershipChecks } from './membership-rules.js';
import { type Check, type TypeRules, check, option } from './rule-types.js';

type Ordered = number | bigint;

/** Numbers: bounds and membership. */
export function numberChecks(type: string, rules: TypeRules): Check[] {
  const bounds = boundsCheck<Ordered>(type, rules, (value) => value, String);
  return [...bounds, ...membershipChecks<Ordered>(type, rules, (value) => value, String)];
}

interface SecondsAndNanos {
  readonly seconds: bigint;
  readonly nanos: number;
}

const nanoseconds = ({ seconds, nanos }: SecondsAndNanos): bigint => seconds * 1_000_000_000n + BigInt(nanos);
const inSeconds = (value: SecondsAndNanos): string => `${Number(nanoseconds(value)) / 1e9}s`;

/** Durations and timestamps: the same on nanoseconds. */
export function timeChecks(type: 'duration' | 'timestamp', rules: TypeRules): Check[] {
  const bounds = boundsCheck<SecondsAndNanos>(type, rules, nanoseconds, inSeconds);
  return [...bounds, ...membershipChecks<SecondsAndNanos>(type, rules, nanoseconds, inSeconds)];
}

/** A bound that was written, with the name of its rule. */
interface Bound<T> {
  readonly name: 'gt' | 'gte' | 'lt' | 'lte';
  readonly limit: T;
}

const WORDS = { gt: 'more than', gte: 'at least', lt: 'less than', lte: 'at most' } as const;

/**
 * `gt`, `gte`, `lt` and `lte`. Where the lower bound is above the upper one the range is inverted: the value must lie outside of it
 * (protoc-gen-validate, "Numerics").
 */
function boundsCheck<T>(
  type: string,
  rules: TypeRules,
  measure: (value: T) => Ordered,
  show: (value: T) => string,
): Check[] {
  const low = writtenBound<T>(rules, ['gt', 'gte']);
  const high = writtenBound<T>(rules, ['lt', 'lte']);
  const holds = ({ name, limit }: Bound<T>, value: T): boolean => compare[name](measure(value), measure(limit));
  const text = ({ name, limit }: Bound<T>): string => `${WORDS[name]} ${show(limit)}`;
  if (low && high) {
    const isInverted = measure(low.limit) >= measure(high.limit);
    const rule = `${type}.${low.name}_${high.name}`;
    return isInverted
      ? [check<T>(rule, (value) => holds(low, value) || holds(high, value), `be ${text(low)} or ${text(high)}`)]
      : [check<T>(rule, (value) => holds(low, value) && holds(high, value), `be ${text(low)} and ${text(high)}`)];
  }
  const only = low ?? high;
  return only ? [check<T>(`${type}.${only.name}`, (value) => holds(only, value), `be ${text(only)}`)] : [];
}

const compare = {
  gt: (a: Ordered, b: Ordered): boolean => a > b,
  gte: (a: Ordered, b: Ordered): boolean => a >= b,
  lt: (a: Ordered, b: Ordered): boolean => a < b,
  lte: (a: Ordered, b: Ordered): boolean => a <= b,
};

function writtenBound<T>(rules: TypeRules, names: readonly Bound<T>['name'][]): Bound<T> | undefined {
  for (const name of names) {
    const limit = option<T>(rules, name);
    if (limit !== undefined) return { name, limit };
  }
  return undefined;
}
