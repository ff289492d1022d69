import {
  type DescExtension,
  type DescField,
  type DescMessage,
  type Message,
  type Registry,
  getOption,
} from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import type { Any } from '@bufbuild/protobuf/wkt';
import type { AnyContents } from '../json-reader.js';
import { type MessagePath, stepTo } from '../message-path.js';
import { type Check, type FieldRules, type TypeRules, option } from './rule-types.js';
import { valueChecks } from './value-rules.js';

/** A rule of the Envoy API that a message breaks. */
export interface Violation {
  readonly path: MessagePath | null;
  readonly rule: string;
  readonly detail: string;
}

type Report = (path: MessagePath | null, rule: string, detail: string) => void;
type Visit = (message: ReflectMessage, path: MessagePath | null, report: Report, contents: AnyContents) => void;
type VisitValue = (value: unknown, path: MessagePath, report: Report, contents: AnyContents) => void;

const WRAPPER = /^google\.protobuf\.(Double|Float|U?Int(?:32|64)|Bool|String|Bytes)Value$/;
/** Messages with no rules inside. */
const OPAQUE = new Set(
  ['Struct', 'Value', 'ListValue', 'Duration', 'Timestamp', 'FieldMask', 'Empty'].map((n) => `google.protobuf.${n}`),
);

/**
 * Evaluates the protoc-gen-validate rules that the Envoy API carries as options, by reflection. What a message is to be checked
 * for is compiled on its first use. Three readings of the rules follow protoc-gen-validate's own code rather than its text:
 *
 * - `required` on a member of a oneof asks nothing where another member is chosen;
 * - a header rule with `strict: false` allows all but NUL, CR and LF, in names and values alike, also nothing;
 * - `any` rules stand on fields of other types too, and then only their `required` counts.
 */
export class RuleEvaluator {
  private readonly plans = new Map<DescMessage, readonly Visit[]>();
  private readonly fieldRules: DescExtension;
  private readonly oneofRequired: DescExtension;
  private readonly disabled: readonly DescExtension[];

  constructor(registry: Registry) {
    const extension = (name: string): DescExtension => {
      const found = registry.getExtension(`validate.${name}`);
      if (!found) throw new Error(`the descriptor set lacks the option validate.${name}`);
      return found;
    };
    this.fieldRules = extension('rules');
    this.oneofRequired = extension('required');
    this.disabled = [extension('disabled'), extension('ignored')];
  }

  /** Every rule that the message breaks, also inside its Any fields, whose content the reader has kept. */
  evaluate(desc: DescMessage, message: Message, contents: AnyContents): readonly Violation[] {
    const violations: Violation[] = [];
    this.visit(reflect(desc, message), null, (path, rule, detail) => violations.push({ path, rule, detail }), contents);
    return violations;
  }

  private readonly visit: Visit = (message, path, report, contents) => {
    const inner = message.desc.typeName === 'google.protobuf.Any' ? contents.get(message.message as Any) : undefined;
    if (inner) {
      this.visit(reflect(inner.desc, inner.message), stepTo(path, 'any'), report, contents);
      return;
    }
    for (const check of this.plan(message.desc)) check(message, path, report, contents);
  };

  private plan(desc: DescMessage): readonly Visit[] {
    const known = this.plans.get(desc);
    if (known) return known;
    const plan: Visit[] = [];
    // Stored before it is filled: messages refer to themselves.
    this.plans.set(desc, plan);
    if (this.disabled.some((flag) => getOption(desc, flag) === true)) return plan;
    for (const oneof of desc.oneofs) {
      if (getOption(oneof, this.oneofRequired) !== true) continue;
      const names = oneof.fields.map((field) => field.name).join(', ');
      plan.push((message, path, report) => {
        if (!message.oneofCase(oneof)) report(path, 'pgv.oneof.required', `${oneof.name}: one of ${names} is required`);
      });
    }
    for (const field of desc.fields) plan.push(...this.fieldPlan(field));
    return plan;
  }

  private fieldPlan(field: DescField): Visit[] {
    const rules = getOption(field, this.fieldRules) as FieldRules;
    if (field.fieldKind === 'list') return this.listPlan(field, rules);
    if (field.fieldKind === 'map') return this.mapPlan(field, rules);
    return this.singularPlan(field, rules);
  }

  private singularPlan(field: DescField, rules: FieldRules): Visit[] {
    const type = rules.type.value ?? {};
    const isRequired = !field.oneof && (rules.message?.required === true || type['required'] === true);
    const visitValue = this.valuePlan(field, rules);
    if (!isRequired && !visitValue) return [];
    const hasPresence = field.fieldKind === 'message' || field.oneof !== undefined;
    return [
      (message, path, report, contents) => {
        if (hasPresence && !message.isSet(field)) {
          if (isRequired) report(stepTo(path, field), 'pgv.required', `${field.name} is required`);
          return;
        }
        visitValue?.(message.get(field), stepTo(path, field), report, contents);
      },
    ];
  }

  private listPlan(field: DescField & { fieldKind: 'list' }, rules: FieldRules): Visit[] {
    const own: TypeRules = rules.type.case === 'repeated' ? rules.type.value : {};
    const items = this.valuePlan(field, own['items'] as FieldRules | undefined);
    const [min, max] = [
      Number(option<bigint>(own, 'minItems') ?? 0),
      Number(option<bigint>(own, 'maxItems') ?? Infinity),
    ];
    const mayBeEmpty = own['ignoreEmpty'] === true;
    if (!items && min === 0 && max === Infinity && own['unique'] !== true) return [];
    return [
      (message, path, report, contents) => {
        const list = message.get(field);
        if (list.size === 0 && mayBeEmpty) return;
        const at = stepTo(path, field);
        if (list.size < min)
          report(at, 'pgv.repeated.min_items', `${field.name} must have at least ${min} item${min === 1 ? '' : 's'}`);
        if (list.size > max) report(at, 'pgv.repeated.max_items', `${field.name} must have at most ${max} items`);
        const values = [...list];
        if (own['unique'] === true && new Set(values.map(comparable)).size < values.length) {
          report(at, 'pgv.repeated.unique', `${field.name} must not hold one value twice`);
        }
        if (items) values.forEach((value, i) => items(value, stepTo(at, i), report, contents));
      },
    ];
  }

  private mapPlan(field: DescField & { fieldKind: 'map' }, rules: FieldRules): Visit[] {
    const own: TypeRules = rules.type.case === 'map' ? rules.type.value : {};
    const keys = checker(valueChecks(own['keys'] as FieldRules | undefined, undefined));
    const values = this.valuePlan(field, own['values'] as FieldRules | undefined);
    const [min, max] = [
      Number(option<bigint>(own, 'minPairs') ?? 0),
      Number(option<bigint>(own, 'maxPairs') ?? Infinity),
    ];
    if (!keys && !values && min === 0 && max === Infinity) return [];
    return [
      (message, path, report, contents) => {
        const map = message.get(field);
        if (map.size === 0 && own['ignoreEmpty'] === true) return;
        const at = stepTo(path, field);
        if (map.size < min) report(at, 'pgv.map.min_pairs', `${field.name} must have at least ${min} entries`);
        if (map.size > max) report(at, 'pgv.map.max_pairs', `${field.name} must have at most ${max} entries`);
        for (const [key, value] of map) {
          const entry = stepTo(at, { key: String(key) });
          keys?.(key, entry, report, contents);
          values?.(value, entry, report, contents);
        }
      },
    ];
  }

  /** The checks of one value of the field, and the rules inside it where it is a message; undefined where there are none. */
  private valuePlan(field: DescField, rules: FieldRules | undefined): VisitValue | undefined {
    const check = checker(valueChecks(rules, field.enum), rules?.type.value?.['ignoreEmpty'] === true);
    const desc = field.message;
    const isWrapper = desc !== undefined && WRAPPER.test(desc.typeName);
    const descends = desc !== undefined && !isWrapper && !OPAQUE.has(desc.typeName) && rules?.message?.skip !== true;
    if (!check && !descends) return undefined;
    return (value, path, report, contents) => {
      const message = desc ? (value as ReflectMessage) : undefined;
      const wrapped = isWrapper ? desc.fields[0] : undefined;
      check?.(wrapped && message ? message.get(wrapped) : (message?.message ?? value), path, report, contents);
      if (descends && message) this.visit(message, path, report, contents);
    };
  }
}

function checker(checks: readonly Check[], mayBeEmpty = false): VisitValue | undefined {
  if (checks.length === 0) return undefined;
  return (value, path, report) => {
    if (mayBeEmpty && isEmpty(value)) return;
    for (const { rule, broken } of checks) {
      const detail = broken(value);
      if (detail !== undefined) report(path, rule, `${nameOfStep(path)} ${detail}`);
    }
  };
}

const isEmpty = (value: unknown): boolean =>
  value === 0 || value === 0n || value === '' || value === false || (value instanceof Uint8Array && value.length === 0);

function nameOfStep(path: MessagePath): string {
  const { step, parent } = path;
  if (step === 'any') return 'the message';
  if (typeof step === 'number') return parent ? `an item of ${nameOfStep(parent)}` : 'an item';
  return 'key' in step ? `"${step.key}"` : step.name;
}

const comparable = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return value;
};
