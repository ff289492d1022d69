import type { Message } from '@bufbuild/protobuf';

/**
 * The options of protoc-gen-validate (validate/validate.proto) as the registry gives them. They are proto2: an option that was
 * not written is no own property.
 */
export interface FieldRules extends Message {
  readonly type:
    { readonly case: string; readonly value: TypeRules } | { readonly case: undefined; readonly value?: undefined };
  readonly message?: { readonly skip?: boolean; readonly required?: boolean };
}

/** The rules of one type; which members exist depends on the type. */
export type TypeRules = Readonly<Record<string, unknown>>;

/** A rule that one value is held against; `broken` says what the value must be, or undefined where it holds. */
export interface Check {
  readonly rule: string;
  readonly broken: (value: unknown) => string | undefined;
}

/** The option, or undefined where it was not written. */
export function option<T>(rules: TypeRules, name: string): T | undefined {
  return Object.hasOwn(rules, name) ? (rules[name] as T | undefined) : undefined;
}

/** The items of a repeated option; empty where it was not written. */
export function listOption<T>(rules: TypeRules, name: string): readonly T[] {
  return (rules[name] as readonly T[] | undefined) ?? [];
}

/** A check in one line: `holds` decides, `must` ends the sentence "must …". */
export function check<T>(rule: string, holds: (value: T) => boolean, must: string): Check {
  return { rule: `pgv.${rule}`, broken: (value) => (holds(value as T) ? undefined : `must ${must}`) };
}
