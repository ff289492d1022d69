import {
  type DescEnum,
  type DescExtension,
  type DescField,
  type DescMessage,
  type DescOneof,
  type Registry,
  getOption,
} from '@bufbuild/protobuf';
import { isWrapperDesc } from '@bufbuild/protobuf/wkt';
import { ANY, type Fields, type TypedMessage, fieldValue } from '../message-tree.js';
import { type Check, type RuleFields, ruleOf } from './check.js';
import { listChecks, mapChecks } from './collection-rules.js';
import type { RuleWalk } from './rule-walk.js';
import { valueChecks } from './value-rules.js';

/** Checks one message against one thing that its type demands. */
type Rule = (message: Fields, walk: RuleWalk) => void;

/** Checks a value that is there: a field, an item or an entry of `owner`. */
type ValueRule = (value: unknown, owner: Fields, walk: RuleWalk) => void;

/** `validate.FieldRules` as protobuf-es decodes it. */
interface FieldRules {
  readonly message?: RuleFields;
  readonly type: { readonly case?: string; readonly value?: RuleFields };
}

/** The type of a value, where it is a message or an enum. */
interface ValueType {
  readonly message?: DescMessage | undefined;
  readonly enum?: DescEnum | undefined;
}

/** Messages that cannot hold another message with rules. */
const LEAVES: ReadonlySet<string> = new Set(
  ['Struct', 'Value', 'ListValue', 'Duration', 'Timestamp', 'FieldMask', 'Empty'].map(
    (name) => `google.protobuf.${name}`,
  ),
);

/**
 * The rules of protoc-gen-validate that the API's own files carry as options, evaluated by reflection. They hold in every message
 * below the one given, those inside of Any too. The rules of a message type are compiled when its first message comes.
 *
 * Three things that are easily got wrong, each as Envoy has it: `required` of a oneof's member binds only where that member is
 * selected; header formats that are not strict also accept the empty text; `any` rules on a field that is no Any bind only by
 * `required`.
 */
export class RuleSet {
  private readonly compiled = new Map<DescMessage, readonly Rule[]>();
  private readonly options: Readonly<Record<'rules' | 'disabled' | 'ignored' | 'required', DescExtension>>;
  private readonly disallowedValue: DescExtension | undefined;

  constructor(registry: Registry) {
    const option = (name: string): DescExtension => {
      const found = registry.getExtension(`validate.${name}`);
      if (!found) throw new Error(`the descriptor set lacks the extension validate.${name}`);
      return found;
    };
    this.options = {
      rules: option('rules'),
      disabled: option('disabled'),
      ignored: option('ignored'),
      required: option('required'),
    };
    this.disallowedValue = registry.getExtension('envoy.annotations.disallowed_by_default_enum');
  }

  /** Checks a message and all below it. */
  check({ type, message }: TypedMessage, walk: RuleWalk): void {
    const content = walk.tree.contentOf(message);
    if (content && type.typeName === ANY) this.check(content, walk);
    else if (content) walk.at('value', () => this.check(content, walk));
    for (const rule of this.rulesOf(type)) rule(message, walk);
  }

  private rulesOf(type: DescMessage): readonly Rule[] {
    const known = this.compiled.get(type);
    if (known) return known;
    const { disabled, ignored } = this.options;
    const isExempt = getOption(type, disabled) === true || getOption(type, ignored) === true;
    const rules = isExempt ? [] : [...type.oneofs.flatMap((oneof) => this.oneofRules(oneof)), ...this.fieldRules(type)];
    this.compiled.set(type, rules);
    return rules;
  }

  private oneofRules(oneof: DescOneof): Rule[] {
    if (getOption(oneof, this.options.required) !== true) return [];
    const names = oneof.fields.map((field) => field.name).join(', ');
    return [
      (message, walk) => {
        if ((message[oneof.localName] as { readonly case?: string }).case !== undefined) return;
        const words = `is required: give one of ${names}`;
        walk.report('pgv.oneof.required', oneof, words, { owner: message, value: undefined });
      },
    ];
  }

  private fieldRules(type: DescMessage): Rule[] {
    return type.fields.flatMap((field) => {
      const rules = getOption(field, this.options.rules) as FieldRules;
      switch (field.fieldKind) {
        case 'list':
          return this.listRules(field, rules);
        case 'map':
          return this.mapRules(field, rules);
        case 'enum':
          return [...this.defaultRules(field, field.enum), ...this.singularRules(field, rules)];
        default:
          return this.singularRules(field, rules);
      }
    });
  }

  /** Envoy refuses the default of some enums, so the field has to be given. */
  private defaultRules(field: DescField, type: DescEnum): Rule[] {
    const zero = type.value[0];
    const isRefused = zero && this.disallowedValue && getOption(zero, this.disallowedValue) === true && !field.oneof;
    if (!isRefused) return [];
    const words = `must be given: Envoy no longer takes its default ${zero.name}`;
    return [
      (message, walk) => {
        const value = message[field.localName];
        if (value !== 0) return;
        walk.at(field, () => walk.report('deprecated.disallowed', field, words, { owner: message, value }));
      },
    ];
  }

  private singularRules(field: DescField, rules: FieldRules): Rule[] {
    const isRequired = !field.oneof && isRequiredBy(rules);
    const check = this.valueRule(field, rules, { message: field.message, enum: field.enum });
    if (!isRequired && !check) return [];
    const required = `pgv.${requiringType(rules) ?? 'message'}.required`;
    return [
      (message, walk) => {
        const value = fieldValue(message, field);
        if (value === undefined && !isRequired) return;
        walk.at(field, () => {
          if (value === undefined) walk.report(required, field, 'is required', { owner: message, value });
          else check?.(value, message, walk);
        });
      },
    ];
  }

  private listRules(field: DescField & { fieldKind: 'list' }, rules: FieldRules): Rule[] {
    const own = rules.type.case === 'repeated' ? (rules.type.value ?? {}) : {};
    const checks = listChecks(own);
    const checkItem = this.valueRule(field, ruleOf(own, 'items') as FieldRules | undefined, field);
    if (checks.length === 0 && !checkItem) return [];
    const ignoresEmpty = checks.length === 0 || ruleOf(own, 'ignoreEmpty') === true;
    return [
      (message, walk) => {
        const list = message[field.localName] as readonly unknown[];
        if (list.length === 0 && ignoresEmpty) return;
        walk.at(field, () => {
          walk.run(checks, list, field, message);
          if (checkItem) list.forEach((item, i) => walk.at(i, () => checkItem(item, message, walk)));
        });
      },
    ];
  }

  private mapRules(field: DescField & { fieldKind: 'map' }, rules: FieldRules): Rule[] {
    const own = rules.type.case === 'map' ? (rules.type.value ?? {}) : {};
    const checks = mapChecks(own);
    const checkKey = this.valueRule(field, ruleOf(own, 'keys') as FieldRules | undefined, {});
    const checkValue = this.valueRule(field, ruleOf(own, 'values') as FieldRules | undefined, field);
    if (checks.length === 0 && !checkKey && !checkValue) return [];
    const ignoresEmpty = checks.length === 0 || ruleOf(own, 'ignoreEmpty') === true;
    return [
      (message, walk) => {
        const map = message[field.localName] as Readonly<Record<string, unknown>>;
        const keys = Object.keys(map);
        if (keys.length === 0 && ignoresEmpty) return;
        walk.at(field, () => {
          walk.run(checks, map, field, message);
          for (const key of keys) {
            walk.at(key, () => {
              checkKey?.(key, message, walk);
              checkValue?.(map[key], message, walk);
            });
          }
        });
      },
    ];
  }

  /** What is checked of a value that is there; undefined where nothing is. */
  private valueRule(field: DescField, rules: FieldRules | undefined, type: ValueType): ValueRule | undefined {
    const checks = checksOf(rules, type);
    const below = isDescended(rules, type.message) ? type.message : undefined;
    if (checks.length === 0 && !below) return undefined;
    const isWrapper = type.message !== undefined && isWrapperDesc(type.message);
    const ignoresEmpty = ruleOf(rules?.type.value ?? {}, 'ignoreEmpty') === true;
    return (value, owner, walk) => {
      const plain = isWrapper ? unwrapped(value) : value;
      if (!(ignoresEmpty && isEmpty(plain))) walk.run(checks, plain, field, owner);
      if (below) this.check({ type: below, message: value as Fields }, walk);
    };
  }
}

function checksOf(rules: FieldRules | undefined, type: ValueType): readonly Check[] {
  const { case: kind, value = {} } = rules?.type ?? {};
  const isStray = kind === 'any' && type.message?.typeName !== ANY;
  return kind === undefined || isStray ? [] : valueChecks(kind, value, type.enum);
}

/** Whether the rules of the message itself hold too. */
function isDescended(rules: FieldRules | undefined, type: DescMessage | undefined): boolean {
  if (!type || isWrapperDesc(type) || LEAVES.has(type.typeName)) return false;
  return !rules?.message || ruleOf(rules.message, 'skip') !== true;
}

/** The types of value that have a `required` of their own. */
const REQUIRING_TYPES: ReadonlySet<string> = new Set(['any', 'duration', 'timestamp']);

function requiringType({ type: { case: kind = '', value = {} } }: FieldRules): string | undefined {
  return REQUIRING_TYPES.has(kind) && ruleOf(value, 'required') === true ? kind : undefined;
}

function isRequiredBy(rules: FieldRules): boolean {
  const byMessage = rules.message !== undefined && ruleOf(rules.message, 'required') === true;
  return byMessage || requiringType(rules) !== undefined;
}

/** protobuf-es keeps a wrapper as what it wraps, but in lists, maps and oneofs as a message. */
const unwrapped = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && '$typeName' in value ? (value as unknown as Fields)['value'] : value;

const isEmpty = (value: unknown): boolean =>
  value === '' || value === 0 || value === 0n || value === false || (value instanceof Uint8Array && value.length === 0);
