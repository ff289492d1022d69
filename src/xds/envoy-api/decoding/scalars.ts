import { ScalarType } from '@bufbuild/protobuf';
import { type DecodeRun, describe } from './decode-run.js';

/** Reads a JSON value; undefined where it cannot be read, which is a finding of the run then. */
export type Reader<T = unknown> = (json: unknown, run: DecodeRun) => T | undefined;

const FLOAT_MAX = 3.4028234663852886e38;
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

/** What a PEM file with a private key has, whatever the key's algorithm. */
const PRIVATE_KEY = 'PRIVATE KEY-----';
const SECRET_DETAIL =
  'a private key may not be in a configuration, where it would be stored and shown; keep it as a secret of EFMS, or name a file of the proxy';

/**
 * Readers of the scalar types in proto3 JSON, and of what Envoy's own reader takes beside it: numbers and booleans as strings.
 * 64-bit integers become bigint.
 */
export function scalarReader(type: ScalarType): Reader<string | number | bigint | boolean | Uint8Array> {
  switch (type) {
    case ScalarType.BOOL:
      return readBoolean;
    case ScalarType.STRING:
      return readString;
    case ScalarType.BYTES:
      return readBytes;
    case ScalarType.DOUBLE:
      return floatReader(Number.MAX_VALUE);
    case ScalarType.FLOAT:
      return floatReader(FLOAT_MAX);
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return integerReader(-(2 ** 31), 2 ** 31 - 1);
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return integerReader(0, 2 ** 32 - 1);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return longReader(-(2n ** 63n), 2n ** 63n - 1n);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return longReader(0n, 2n ** 64n - 1n);
  }
}

function readBoolean(json: unknown, run: DecodeRun): boolean | undefined {
  if (typeof json === 'boolean') return json;
  const word = typeof json === 'string' ? json.toLowerCase() : '';
  if (word === 'true' || word === 'false') return word === 'true';
  return run.wrong('true or false', json);
}

/** Text that protobuf, Envoy and PostgreSQL can all keep: valid Unicode without NUL, and no private key. */
export function readString(json: unknown, run: DecodeRun): string | undefined {
  if (typeof json !== 'string') {
    const hint = typeof json === 'number' || typeof json === 'boolean' ? '; put it in quotes' : '';
    return run.error('schema.type', () => `expected text, got ${describe(json)}${hint}`);
  }
  if (!isStorableText(json)) {
    return run.error('schema.text', () => 'text with NUL or half a surrogate pair cannot be stored; leave it out');
  }
  if (run.fate === 'stored' && json.includes(PRIVATE_KEY)) return run.error('secret.inline', () => SECRET_DETAIL);
  return json;
}

export const isStorableText = (text: string): boolean => text.isWellFormed() && !text.includes('\0');

function readBytes(json: unknown, run: DecodeRun): Uint8Array | undefined {
  const isBase64 = typeof json === 'string' && BASE64.test(json) && json.replace(/=+$/, '').length % 4 !== 1;
  if (!isBase64) return run.wrong('bytes in base64', json);
  const bytes = Buffer.from(json, 'base64');
  if (run.fate === 'stored' && bytes.includes(PRIVATE_KEY)) return run.error('secret.inline', () => SECRET_DETAIL);
  return Uint8Array.from(bytes);
}

const SPECIAL_FLOATS: ReadonlyMap<unknown, number> = new Map([
  ['NaN', NaN],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
]);

function floatReader(max: number): Reader<number> {
  return (json, run) => {
    const special = SPECIAL_FLOATS.get(json);
    if (special !== undefined) return special;
    const value = typeof json === 'string' && DECIMAL.test(json) ? Number(json) : json;
    if (typeof value !== 'number') return run.wrong('a number', json);
    return Number.isFinite(value) && Math.abs(value) > max ? run.wrong(`a number up to ${max}`, json) : value;
  };
}

function integerReader(min: number, max: number): Reader<number> {
  return (json, run) => {
    const value = typeof json === 'string' && DECIMAL.test(json) ? Number(json) : json;
    // `+ 0` makes the zero of -0, which has bytes of its own.
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value + 0;
    return run.wrong(`an integer from ${min} to ${max}`, json);
  };
}

function longReader(min: bigint, max: bigint): Reader<bigint> {
  return (json, run) => {
    const value = toBigInt(json);
    if (value !== undefined && value >= min && value <= max) return value;
    const hint = typeof json === 'number' && !Number.isSafeInteger(json) ? '; put large numbers in quotes' : '';
    return run.error('schema.type', () => `expected an integer from ${min} to ${max}, got ${describe(json)}${hint}`);
  };
}

function toBigInt(json: unknown): bigint | undefined {
  if (typeof json === 'string' && /^[+-]?\d{1,20}$/.test(json)) return BigInt(json.replace('+', ''));
  const value = typeof json === 'string' && DECIMAL.test(json) ? Number(json) : json;
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : undefined;
}
