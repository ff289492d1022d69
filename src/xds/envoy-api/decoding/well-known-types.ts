import { type DescMessage, type JsonValue, type Message, create, fromJson } from '@bufbuild/protobuf';
import { DurationSchema, isWrapperDesc } from '@bufbuild/protobuf/wkt';
import { type DecodeRun, describe, isObject, quote } from './decode-run.js';
import { type Reader, isStorableText, readString, scalarReader } from './scalars.js';

/**
 * The messages that proto3 JSON writes in a form of their own. Inside an Any they stand under `value`.
 * @returns undefined for a message that is written as an object of its fields
 */
export function wellKnownReader(type: DescMessage): Reader<Message> | undefined {
  switch (type.typeName) {
    case 'google.protobuf.Duration':
      return readDuration;
    case 'google.protobuf.Timestamp':
      return leafReader(type, 'a time like "2026-01-31T23:59:59Z"');
    case 'google.protobuf.FieldMask':
      return leafReader(type, 'field names in camelCase with commas between');
    case 'google.protobuf.Struct':
      return (json, run) => fromData(type, readStruct(json, run));
    case 'google.protobuf.Value':
      return (json, run) => fromData(type, readData(json, run));
    case 'google.protobuf.ListValue':
      return (json, run) =>
        fromData(type, Array.isArray(json) ? readData(json, run) : run.wrong<unknown>('a list', json));
    default:
      return isWrapperDesc(type) ? wrapperReader(type) : undefined;
  }
}

/** Reads a wrapper such as `google.protobuf.UInt32Value` into the value that it wraps. */
export function wrappedReader(type: DescMessage): Reader {
  const scalar = type.fields[0]?.scalar;
  if (scalar === undefined) throw new Error(`${type.typeName} wraps nothing`);
  return scalarReader(scalar);
}

function wrapperReader(type: DescMessage): Reader<Message> {
  const read = wrappedReader(type);
  return (json, run) => {
    const value = read(json, run);
    return value === undefined ? undefined : Object.assign(create(type), { value });
  };
}

const DURATION = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/;
const DURATION_MAX_SECONDS = 315_576_000_000;

function readDuration(json: unknown, run: DecodeRun): Message | undefined {
  const match = typeof json === 'string' ? DURATION.exec(json) : null;
  const [, sign, seconds, fraction = ''] = match ?? [];
  if (seconds === undefined || Number(seconds) > DURATION_MAX_SECONDS) {
    return run.error('schema.duration', () => `expected seconds like "1.5s" or "0.250s", got ${describe(json)}`);
  }
  const direction = sign === '-' ? -1 : 1;
  // `|| 0` makes the zero of -0, which has bytes of its own.
  const nanos = direction * Number(fraction.padEnd(9, '0')) || 0;
  return create(DurationSchema, { seconds: BigInt(seconds) * BigInt(direction), nanos });
}

/** Types of which protobuf-es knows the form well enough. */
function leafReader(type: DescMessage, expected: string): Reader<Message> {
  return (json, run) => {
    if (typeof json !== 'string') return run.wrong(expected, json);
    try {
      return fromJson(type, json);
    } catch {
      return run.wrong(expected, json);
    }
  };
}

const fromData = (type: DescMessage, data: unknown): Message | undefined =>
  data === undefined ? undefined : fromJson(type, data as JsonValue);

/** Levels of nesting that one level of a Struct costs: the entry of the map, its Value, and the Struct or list in that. */
const STRUCT_LEVELS = 3;

/** Reads the object of a `google.protobuf.Struct` into a copy whose keys are in order, so that equal content has equal bytes. */
export function readStruct(json: unknown, run: DecodeRun): Record<string, unknown> | undefined {
  if (!isObject(json)) return run.wrong('an object', json);
  return run.nested(STRUCT_LEVELS, () => {
    const struct: Record<string, unknown> = {};
    for (const key of Object.keys(json).sort()) {
      run.at(key, () => {
        if (!isStorableText(key)) run.error('schema.text', () => `the key ${quote(key)} cannot be stored; rename it`);
        const value = readData(json[key], run);
        if (value !== undefined) struct[key] = value;
      });
    }
    return struct;
  });
}

function readData(json: unknown, run: DecodeRun): unknown {
  if (typeof json === 'string') return readString(json, run);
  if (json === null || typeof json === 'boolean') return json;
  if (typeof json === 'number') return Number.isFinite(json) ? json : run.wrong('a finite number', json);
  if (!Array.isArray(json)) return readStruct(json, run);
  return run.nested(STRUCT_LEVELS, () => {
    const items: readonly unknown[] = json;
    return items.map((item, i) => run.at(i, () => readData(item, run))).filter((item) => item !== undefined);
  });
}
