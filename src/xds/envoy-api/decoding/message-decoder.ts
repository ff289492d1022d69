import {
  type DescField,
  type DescMessage,
  type Registry,
  ScalarType,
  create,
  getOption,
  toBinary,
} from '@bufbuild/protobuf';
import { AnySchema, isWrapperDesc } from '@bufbuild/protobuf/wkt';
import { ANY, type Fields, isTypedStruct } from '../message-tree.js';
import type { JsonObject } from '../resource.js';
import { type DecodeRun, isObject, quote } from './decode-run.js';
import { enumReader } from './enums.js';
import { type Reader, isStorableText, scalarReader } from './scalars.js';
import { didYouMean } from './suggestion.js';
import { TypeUrls } from './type-urls.js';
import { readStruct, wellKnownReader, wrappedReader } from './well-known-types.js';

interface FieldReader {
  readonly field: DescField;
  readonly read: Reader;
  /** What to say where the field is used although it should not be, or no longer works. */
  readonly deprecation?: 'deprecated' | 'disallowed';
  /** JSON null is a value of this field and does not mean that it is absent. */
  readonly takesNull: boolean;
}

type FieldReaders = ReadonlyMap<string, FieldReader>;

/**
 * Decodes proto3 JSON into messages as strictly as Envoy: unknown fields, two spellings of one field, two members of a oneof and
 * types that are not known are refused. Like Envoy it takes snake_case and camelCase, enum names in any case, one value for a list,
 * and numbers and booleans as strings. All problems are found, each with the pointer to its place. Maps and Structs are
 * put in the order of their keys, so that equal content has equal bytes. Readers are compiled once per message type, when first used.
 */
export class MessageDecoder {
  private readonly types: TypeUrls;
  private readonly compiled = new Map<DescMessage, FieldReaders>();
  private readonly isDisallowed: (field: DescField) => boolean;

  constructor(registry: Registry) {
    this.types = new TypeUrls(registry);
    const disallowed = registry.getExtension('envoy.annotations.disallowed_by_default');
    this.isDisallowed = (field) => disallowed !== undefined && getOption(field, disallowed) === true;
  }

  /**
   * Decodes the object of a message's fields; a key `@type` is the caller's affair and passed over.
   * @returns undefined where it is no object at all; what else is wrong is left out, and the message marked as damaged
   */
  decode(type: DescMessage, json: unknown, run: DecodeRun): Fields | undefined {
    if (!isObject(json)) return run.wrong(`an object of ${type.name}`, json);
    return run.nested(1, () => {
      const message = create(type) as Fields;
      const readers = this.readersOf(type);
      const seen = new Map<unknown, string>();
      for (const key of Object.keys(json)) {
        if (key === '@type') continue;
        const reader = readers.get(key);
        const isRead = reader ? this.decodeField(message, reader, key, json[key], { seen, run }) : false;
        if (!reader) refuseUnknownKey(type, key, run);
        if (!isRead) run.tree.markDamaged(message);
      }
      if (isTypedStruct(type)) this.decodeTypedStruct(message, json, run);
      return message;
    });
  }

  private decodeField(
    message: Fields,
    { field, read, takesNull, deprecation }: FieldReader,
    key: string,
    json: unknown,
    { seen, run }: { seen: Map<unknown, string>; run: DecodeRun },
  ): boolean {
    const slots = json === null && !takesNull ? [field] : [field, field.oneof ?? field];
    const other = slots.map((slot) => seen.get(slot)).find((found) => found !== undefined);
    if (other !== undefined) {
      const [rule, reason] = seen.has(field)
        ? ['schema.duplicate-field', 'are two spellings of one field']
        : ['schema.oneof', 'exclude each other'];
      run.at(key, () => run.error(rule, () => `"${other}" and "${key}" ${reason}; remove one of them`));
      return false;
    }
    for (const slot of slots) seen.set(slot, key);
    if (json === null && !takesNull) return true;
    const value = run.at(key, () => {
      if (deprecation) reportDeprecation(field, deprecation, run);
      return read(json, run);
    });
    if (value === undefined) return false;
    if (field.oneof) message[field.oneof.localName] = { case: field.localName, value };
    else message[field.localName] = value;
    return true;
  }

  private readersOf(type: DescMessage): FieldReaders {
    let readers = this.compiled.get(type);
    if (!readers) {
      const byKey = new Map<string, FieldReader>();
      this.compiled.set(type, byKey);
      for (const field of type.fields) {
        const reader = this.fieldReader(field);
        byKey.set(field.name, reader).set(field.jsonName, reader);
      }
      readers = byKey;
    }
    return readers;
  }

  private fieldReader(field: DescField): FieldReader {
    const deprecation = this.isDisallowed(field) ? 'disallowed' : field.deprecated ? 'deprecated' : undefined;
    const takesNull =
      (field.fieldKind === 'message' && field.message.typeName === 'google.protobuf.Value') ||
      (field.fieldKind === 'enum' && field.enum.typeName === 'google.protobuf.NullValue');
    return { field, read: this.valueReader(field), takesNull, ...(deprecation && { deprecation }) };
  }

  private valueReader(field: DescField): Reader {
    switch (field.fieldKind) {
      case 'scalar':
        return scalarReader(field.scalar);
      case 'enum':
        return enumReader(field.enum);
      case 'message':
        // protobuf-es keeps a wrapper as what it wraps, but for members of a oneof.
        if (isWrapperDesc(field.message) && !field.oneof) return wrappedReader(field.message);
        return this.messageReader(field.message, field.parent);
      case 'list':
        return listReader(this.itemReader(field));
      case 'map':
        return mapReader(field.mapKey, this.itemReader(field));
    }
  }

  private itemReader(field: DescField & { fieldKind: 'list' | 'map' }): Reader {
    if (field.message) return this.messageReader(field.message, field.parent);
    return field.enum ? enumReader(field.enum) : scalarReader(field.scalar);
  }

  private messageReader(type: DescMessage, parent: DescMessage): Reader {
    if (type.typeName === ANY) return (json, run) => this.decodeAny(json, run);
    // protobuf-es keeps the Struct of a field as a plain object.
    if (type.typeName === 'google.protobuf.Struct' && parent.typeName !== 'google.protobuf.Value') return readStruct;
    return wellKnownReader(type) ?? ((json, run) => this.decode(type, json, run));
  }

  private decodeAny(json: unknown, run: DecodeRun): Fields | undefined {
    if (!isObject(json)) return run.wrong('an object with "@type"', json);
    const url = json['@type'];
    if (url === undefined) {
      return run.error('schema.any-type', () => 'the "@type" of this message is missing; add its type URL');
    }
    const type = run.at('@type', () => this.types.resolve(url, run));
    if (!type) return undefined;
    const message = run.detached(() => this.decodeContent(type, json, run));
    if (!message) return undefined;
    const any = create(AnySchema, { typeUrl: TypeUrls.of(type), value: toBinary(type, message) }) as unknown as Fields;
    run.tree.setContent(any, { type, message });
    return any;
  }

  private decodeContent(type: DescMessage, json: JsonObject, run: DecodeRun): Fields | undefined {
    const read = type.typeName === ANY ? (value: unknown) => this.decodeAny(value, run) : wellKnownReader(type);
    if (!read) return this.decode(type, json, run);
    for (const key of Object.keys(json)) {
      if (key !== '@type' && key !== 'value') refuseUnknownKey(type, key, run, ['value']);
    }
    return run.at('value', () => read(json['value'], run));
  }

  /** The message that a TypedStruct describes, where it is one of Envoy's: it is checked as if it were in an Any. */
  private decodeTypedStruct(holder: Fields, json: JsonObject, run: DecodeRun): void {
    const url = holder['typeUrl'];
    const type = typeof url === 'string' ? this.types.find(url) : undefined;
    if (!type || !isObject(json['value']) || wellKnownReader(type)) return;
    const message = run.detached(() => run.at('value', () => this.decode(type, json['value'], run)));
    if (message) run.tree.setContent(holder, { type, message });
  }
}

function listReader(readItem: Reader): Reader<unknown[]> {
  return (json, run) => {
    // As Envoy takes it, one value stands for a list of one.
    const items: unknown[] = Array.isArray(json)
      ? json.map((item, i) => run.at(i, () => readItem(item, run)))
      : [readItem(json, run)];
    return items.includes(undefined) ? undefined : items;
  };
}

function mapReader(keyType: ScalarType, readValue: Reader): Reader<Record<string, unknown>> {
  const readKey = keyType === ScalarType.STRING ? readTextKey : scalarReader(keyType);
  return (json, run) => {
    if (!isObject(json)) return run.wrong('an object', json);
    // The entry of a map is a message of its own to protobuf parsers.
    return run.nested(1, () => {
      const entries = Object.keys(json)
        .sort()
        .map((key) => run.at(key, () => [readKey(key, run), readValue(json[key], run)] as const));
      const isWhole = entries.every(([key, value]) => key !== undefined && value !== undefined);
      return isWhole ? (Object.fromEntries(entries) as Record<string, unknown>) : undefined;
    });
  };
}

function readTextKey(key: unknown, run: DecodeRun): string | undefined {
  const text = key as string;
  if (isStorableText(text)) return text;
  return run.error('schema.text', () => `the key ${quote(text)} cannot be stored; rename it`);
}

/** Keys of this length are nobody's field; the pointer ends at what holds them. */
const LONG_KEY = 200;

function refuseUnknownKey(type: DescMessage, key: string, run: DecodeRun, names?: readonly string[]): void {
  const report = (): void =>
    run.error('schema.unknown-field', () => {
      const known = names ?? type.fields.map((field) => field.name);
      return `unknown field ${quote(key)} in ${type.name}${didYouMean(key, known) || '; remove it'}`;
    });
  if (key.length > LONG_KEY) report();
  else run.at(key, report);
}

function reportDeprecation(field: DescField, deprecation: 'deprecated' | 'disallowed', run: DecodeRun): void {
  if (deprecation === 'disallowed') {
    run.error('deprecated.disallowed', () => `Envoy no longer takes ${field.name} in ${field.parent.name}; replace it`);
  } else {
    run.warning('deprecated.field', () => `${field.name} in ${field.parent.name} is deprecated; Envoy will drop it`);
  }
}
