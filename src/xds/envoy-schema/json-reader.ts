import {
  type DescEnum,
  type DescField,
  type DescMessage,
  type Message,
  type Registry,
  type ScalarType,
  create,
  fromJson,
  toBinary,
} from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt';
import { type Finding, pointerTo } from '../../common/errors/finding.js';
import { didYouMean } from './did-you-mean.js';
import { ScalarProblem, readEnum, readScalar } from './scalars.js';

/** The messages inside Any, decoded, so that rules and references need not decode the bytes again. */
export type AnyContents = Map<Any, { readonly desc: DescMessage; readonly message: Message }>;

/** Messages whose JSON form is not that of their fields; the library reads them. */
const SPECIAL_JSON = new Set([
  'google.protobuf.Duration',
  'google.protobuf.Timestamp',
  'google.protobuf.FieldMask',
  'google.protobuf.Struct',
  'google.protobuf.Value',
  'google.protobuf.ListValue',
  'google.protobuf.NullValue',
]);
const WRAPPER = /^google\.protobuf\.(Double|Float|U?Int(?:32|64)|Bool|String|Bytes)Value$/;
const ANY = 'google.protobuf.Any';

type JsonObject = Record<string, unknown>;

/**
 * Reads proto3 JSON into messages along their descriptors, and collects every problem with its pointer instead of stopping at the
 * first. It is as lenient as Envoy's loader where people are: both field spellings, enum names in any case, one value where a list
 * is expected, numbers and booleans as text, null for absent. Maps are filled in key order, so equal content encodes to equal bytes.
 */
export class JsonReader {
  readonly findings: Finding[] = [];
  readonly anyContents: AnyContents = new Map();

  constructor(private readonly registry: Registry) {}

  /** Reads one message; where there are findings its content is of no use. */
  read(desc: DescMessage, json: unknown, pointer: string): Message {
    return this.message(desc, json, pointer).message;
  }

  private message(desc: DescMessage, json: unknown, pointer: string, ignoredKey?: string): ReflectMessage {
    const target = reflect(desc, create(desc));
    if (!isObject(json)) {
      this.refuse(pointer, 'schema.type', `${nameOf(desc)} is an object here, not ${describe(json)}`);
      return target;
    }
    const fields = fieldsOf(desc);
    const given = new Map<DescField | string, string>();
    for (const [key, value] of Object.entries(json)) {
      if (key === ignoredKey) continue;
      const field = fields.get(key);
      const at = pointerTo(pointer, key);
      if (!field) {
        this.refuse(
          at,
          'schema.unknown-field',
          `${nameOf(desc)} has no field "${key}"${didYouMean(
            key,
            desc.fields.map((f) => f.name),
          )}`,
        );
      } else if (this.isFirst(given, field, key, value, at)) {
        this.field(target, field, value, at);
      }
    }
    return target;
  }

  /** Refuses one field in both spellings, and two members of a oneof. */
  private isFirst(
    given: Map<DescField | string, string>,
    field: DescField,
    key: string,
    value: unknown,
    at: string,
  ): boolean {
    const twin = given.get(field);
    if (twin !== undefined) {
      this.refuse(at, 'schema.duplicate-field', `"${key}" and "${twin}" are the same field; keep one`);
      return false;
    }
    given.set(field, key);
    if (value === null || !field.oneof) return value !== null;
    const sibling = given.get(field.oneof.name);
    if (sibling !== undefined) {
      this.refuse(at, 'schema.oneof', `"${key}" and "${sibling}" exclude each other; keep one`);
      return false;
    }
    given.set(field.oneof.name, key);
    return true;
  }

  private field(target: ReflectMessage, field: DescField, value: unknown, at: string): void {
    if (field.fieldKind === 'map') {
      this.map(target, field, value, at);
      return;
    }
    if (field.fieldKind !== 'list') {
      const read = this.value(field, value, at);
      if (read !== undefined) target.set(field, read);
      return;
    }
    const list = target.get(field);
    // Envoy's loader takes one value for a list of one.
    const items = Array.isArray(value) ? (value as unknown[]) : [value];
    items.forEach((item, i) => {
      const read = this.value(field, item, Array.isArray(value) ? pointerTo(at, i) : at);
      if (read !== undefined) list.add(read);
    });
  }

  private map(target: ReflectMessage, field: DescField & { fieldKind: 'map' }, value: unknown, at: string): void {
    if (!isObject(value)) {
      this.refuse(at, 'schema.type', `${field.name} is an object from key to value, not ${describe(value)}`);
      return;
    }
    const map = target.get(field);
    for (const key of Object.keys(value).sort()) {
      const where = pointerTo(at, key);
      const mapKey = this.attempt(where, () => readScalar(field.mapKey, key));
      const item = this.value(field, value[key], where);
      if (mapKey !== undefined && item !== undefined) map.set(mapKey, item);
    }
  }

  /** One value of a field, an item of its list or a value of its map; undefined after a finding. */
  private value(field: DescField, json: unknown, at: string): unknown {
    if (json === null && field.message?.typeName !== 'google.protobuf.Value') {
      this.refuse(at, 'schema.type', 'null is not a value here');
      return undefined;
    }
    const desc = field.message;
    if (desc) return this.messageValue(desc, json, at);
    const descEnum: DescEnum | undefined = field.enum;
    if (descEnum) return this.attempt(at, () => readEnum(descEnum, json));
    const scalar = field.scalar as ScalarType;
    return this.attempt(at, () => readScalar(scalar, json));
  }

  private messageValue(desc: DescMessage, json: unknown, at: string): ReflectMessage | undefined {
    if (desc.typeName === ANY) return this.any(json, at);
    if (SPECIAL_JSON.has(desc.typeName)) return this.special(desc, json, at);
    const wrapped = WRAPPER.test(desc.typeName) ? desc.fields[0] : undefined;
    if (!wrapped) return this.message(desc, json, at);
    const scalar = wrapped.scalar;
    const value = scalar === undefined ? undefined : this.attempt(at, () => readScalar(scalar, json));
    if (value === undefined) return undefined;
    const target = reflect(desc, create(desc));
    target.set(wrapped, value);
    return target;
  }

  private special(desc: DescMessage, json: unknown, at: string): ReflectMessage | undefined {
    try {
      return reflect(desc, fromJson(desc, sortedKeys(json) as never, { registry: this.registry }));
    } catch {
      this.refuse(at, 'schema.type', specialForm(desc, json));
      return undefined;
    }
  }

  private any(json: unknown, at: string): ReflectMessage | undefined {
    const type = isObject(json) ? json['@type'] : undefined;
    if (!isObject(json) || typeof type !== 'string' || type === '') {
      this.refuse(at, 'schema.any-type', 'name the message with "@type": "type.googleapis.com/…"');
      return undefined;
    }
    const typeName = type.slice(type.lastIndexOf('/') + 1);
    const desc = this.registry.getMessage(typeName);
    if (!desc || !type.includes('/')) {
      this.refuse(
        pointerTo(at, '@type'),
        'schema.unknown-type',
        `"${type.slice(0, 200)}" is not a message of the Envoy API 1.40`,
      );
      return undefined;
    }
    const before = this.findings.length;
    const inner = this.anyContent(desc, json, at);
    if (!inner || this.findings.length > before) return undefined;
    const any = create(AnySchema, { typeUrl: `type.googleapis.com/${typeName}`, value: toBinary(desc, inner.message) });
    this.anyContents.set(any, { desc, message: inner.message });
    return reflect(AnySchema, any);
  }

  /** Inside Any a message of special form stands in the member `value` (proto3 JSON mapping, "Any"). */
  private anyContent(desc: DescMessage, json: JsonObject, at: string): ReflectMessage | undefined {
    if (!SPECIAL_JSON.has(desc.typeName) && !WRAPPER.test(desc.typeName) && desc.typeName !== ANY) {
      return this.message(desc, json, at, '@type');
    }
    return this.messageValue(desc, json['value'], pointerTo(at, 'value'));
  }

  private attempt<T>(at: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof ScalarProblem)) throw error;
      this.refuse(at, error.rule, error.message);
      return undefined;
    }
  }

  private refuse(pointer: string, rule: string, detail: string): void {
    this.findings.push({ pointer, rule, detail, severity: 'error' });
  }
}

const fieldCache = new WeakMap<DescMessage, ReadonlyMap<string, DescField>>();

/** The fields of a message under both spellings. */
function fieldsOf(desc: DescMessage): ReadonlyMap<string, DescField> {
  const cached = fieldCache.get(desc);
  if (cached) return cached;
  const fields = new Map(
    desc.fields.flatMap((field) => [[field.name, field] as const, [field.jsonName, field] as const]),
  );
  fieldCache.set(desc, fields);
  return fields;
}

/** The same data with object keys in order; structs are maps, and maps have no order of their own. */
function sortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedKeys);
  if (!isObject(value)) return value;
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, sortedKeys(value[key])]));
}

function specialForm(desc: DescMessage, json: unknown): string {
  if (desc.name === 'Duration') return `a duration is text in seconds such as "0.25s", not ${describe(json)}`;
  if (desc.name === 'Timestamp')
    return `a timestamp is RFC 3339 text such as "2026-01-31T12:00:00Z", not ${describe(json)}`;
  return `${nameOf(desc)} cannot be read from ${describe(json)}`;
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  return JSON.stringify(typeof value === 'string' ? value.slice(0, 60) : value);
}

/** The name without its package, with the messages it is nested in. */
export function nameOf(desc: DescMessage): string {
  const scope = desc.file.proto.package;
  return scope === '' ? desc.typeName : desc.typeName.slice(scope.length + 1);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
