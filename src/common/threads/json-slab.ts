/**
 * JSON texts one behind the other in one piece of memory, which goes from thread to thread without a copy, and to PostgreSQL without being
 * made into objects. Each text is a value, several with commas between them, or empty.
 */
export interface JsonSlab {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where each text ends. */
  readonly ends: Uint32Array<ArrayBuffer>;
}

/** One statement is given so much at a time, so that no step of the event loop handles more. */
const PIECE_BYTES = 512 * 1024;
const [OPEN, COMMA, CLOSE] = [0x5b, 0x2c, 0x5d];

export function jsonSlab(texts: readonly string[]): JsonSlab {
  const lengths = texts.map((text) => Buffer.byteLength(text));
  const bytes = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  const buffer = bufferOf(bytes);
  const ends = new Uint32Array(texts.length);
  let end = 0;
  for (const [i, text] of texts.entries()) {
    end += buffer.write(text, end);
    ends[i] = end;
  }
  return { bytes, ends };
}

/** One of the texts. */
export function textAt(slab: JsonSlab, index: number): string {
  const [from, to] = rangeOf(slab, index);
  return bufferOf(slab.bytes).toString('utf8', from, to);
}

/** The texts, or those that are wanted, as JSON arrays of bounded size, in their order. No array is empty. */
export function* jsonArrays(slab: JsonSlab, wanted?: readonly number[]): Generator<Buffer> {
  const count = wanted?.length ?? slab.ends.length;
  let piece: (readonly [from: number, to: number])[] = [];
  let size = 0;
  for (let i = 0; i < count; i += 1) {
    const range = rangeOf(slab, wanted?.[i] ?? i);
    const length = range[1] - range[0];
    if (length === 0) continue;
    if (size > 0 && size + length > PIECE_BYTES) {
      yield arrayOf(slab, piece, size);
      piece = [];
      size = 0;
    }
    piece.push(range);
    size += length + 1;
  }
  if (size > 0) yield arrayOf(slab, piece, size);
}

/** All texts as one JSON array, which may be empty. */
export function wholeArray(slab: JsonSlab): Buffer {
  const ranges = Array.from(slab.ends, (_, i) => rangeOf(slab, i));
  return ranges.length === 0 ? Buffer.from('[]') : arrayOf(slab, ranges, slab.bytes.length + ranges.length);
}

export const buffersOf = (...slabs: readonly JsonSlab[]): ArrayBuffer[] =>
  slabs.flatMap(({ bytes, ends }) => [bytes.buffer, ends.buffer]);

function rangeOf({ ends }: JsonSlab, index: number): readonly [number, number] {
  return [index === 0 ? 0 : (ends[index - 1] ?? 0), ends[index] ?? 0];
}

function arrayOf({ bytes }: JsonSlab, ranges: readonly (readonly [number, number])[], size: number): Buffer {
  const array = Buffer.allocUnsafe(size + 1);
  array[0] = OPEN;
  let at = 1;
  for (const [from, to] of ranges) {
    array.set(bytes.subarray(from, to), at);
    at += to - from;
    array[at] = COMMA;
    at += 1;
  }
  array[at - 1] = CLOSE;
  return array;
}

const bufferOf = ({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);
