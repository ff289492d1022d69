import { type DescEnum, ScalarType } from '@bufbuild/protobuf';
import { didYouMean } from './did-you-mean.js';

/** A scalar that is not one of its type; the message is the sentence of the finding. */
export class ScalarProblem extends Error {
  override readonly name = 'ScalarProblem';

  constructor(
    readonly rule: string,
    detail: string,
  ) {
    super(detail);
  }
}

const shown = (value: unknown): string =>
  typeof value === 'object' ? (Array.isArray(value) ? 'a list' : 'an object') : JSON.stringify(value).slice(0, 60);

const wrong = (expected: string, value: unknown): ScalarProblem =>
  new ScalarProblem('schema.type', `expected ${expected}, got ${shown(value)}`);

/** Bounds of the integer types; 64-bit ones are read as bigint. */
const INTEGERS = new Map<ScalarType, readonly [bits: number, signed: boolean]>([
  [ScalarType.INT32, [32, true]],
  [ScalarType.SINT32, [32, true]],
  [ScalarType.SFIXED32, [32, true]],
  [ScalarType.UINT32, [32, false]],
  [ScalarType.FIXED32, [32, false]],
  [ScalarType.INT64, [64, true]],
  [ScalarType.SINT64, [64, true]],
  [ScalarType.SFIXED64, [64, true]],
  [ScalarType.UINT64, [64, false]],
  [ScalarType.FIXED64, [64, false]],
]);

/**
 * One scalar of proto3 JSON, as lenient as Envoy's loader: numbers and booleans may be text, integers may be written `200.0`.
 * @throws ScalarProblem
 */
export function readScalar(type: ScalarType, json: unknown): unknown {
  const integer = INTEGERS.get(type);
  if (integer) return readInteger(json, ...integer);
  switch (type) {
    case ScalarType.STRING:
      if (typeof json !== 'string') throw wrong('text', json);
      if (!json.isWellFormed()) throw new ScalarProblem('schema.type', 'the text is not valid Unicode');
      return json;
    case ScalarType.BOOL:
      if (json === true || json === 'true') return true;
      if (json === false || json === 'false') return false;
      throw wrong('true or false', json);
    case ScalarType.BYTES:
      return readBytes(json);
    default:
      return readFloat(type, json);
  }
}

function readInteger(json: unknown, bits: number, signed: boolean): number | bigint {
  let value: bigint;
  if (typeof json === 'number' && Number.isInteger(json)) value = BigInt(json);
  else if (typeof json === 'string' && /^-?\d{1,20}$/.test(json)) value = BigInt(json);
  else throw wrong('an integer', json);
  const low = signed ? -(1n << BigInt(bits - 1)) : 0n;
  const high = signed ? (1n << BigInt(bits - 1)) - 1n : (1n << BigInt(bits)) - 1n;
  if (value < low || value > high) {
    throw new ScalarProblem('schema.range', `expected an integer from ${low} to ${high}, got ${value}`);
  }
  return bits === 64 ? value : Number(value);
}

const FLOAT_NAMES = new Map([
  ['NaN', NaN],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
]);
const FLOAT_MAX = 3.4028234663852886e38;

function readFloat(type: ScalarType, json: unknown): number {
  const value = typeof json === 'number' ? json : typeof json === 'string' ? floatOf(json) : undefined;
  if (value === undefined) throw wrong('a number', json);
  if (type === ScalarType.FLOAT && Number.isFinite(value) && Math.abs(value) > FLOAT_MAX) {
    throw new ScalarProblem('schema.range', `${value} does not fit a 32-bit float`);
  }
  return value;
}

function floatOf(text: string): number | undefined {
  if (FLOAT_NAMES.has(text)) return FLOAT_NAMES.get(text);
  return /^-?\d{1,30}(\.\d{1,30})?([eE][+-]?\d{1,3})?$/.test(text) ? Number(text) : undefined;
}

function readBytes(json: unknown): Uint8Array {
  if (typeof json !== 'string' || !/^[A-Za-z0-9+/_-]*={0,2}$/.test(json)) throw wrong('bytes in base64', json);
  return new Uint8Array(Buffer.from(json, 'base64'));
}

/**
 * One enum value, by name in any case or by number. A number that the enum does not define is always refused: several of Envoy's
 * components abort the whole process on one (envoy-refusals.md).
 * @throws ScalarProblem
 */
export function readEnum(desc: DescEnum, json: unknown): number {
  if (typeof json === 'string') {
    const name = json.toUpperCase();
    const found = desc.values.find((value) => value.name.toUpperCase() === name);
    if (found) return found.number;
    const names = desc.values.map((value) => value.name);
    throw new ScalarProblem('schema.enum', `${desc.name} has no value ${shown(json)}${didYouMean(name, names)}`);
  }
  if (typeof json === 'number' && Number.isInteger(json)) {
    if (desc.value[json]) return json;
    const numbers = desc.values.map((value) => value.number).join(', ');
    throw new ScalarProblem(
      'schema.enum',
      `${desc.name} does not define ${json}; it has ${numbers}. Envoy may abort on it`,
    );
  }
  throw wrong(`a name of ${desc.name}`, json);
}
