/** The few encodings of protobuf that the load client writes. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  while (left > 0x7f) {
    bytes.push((left & 0x7f) | 0x80);
    left >>>= 7;
  }
  bytes.push(left);
  return Buffer.from(bytes);
}

/** A field of bytes, a string or a message. */
export function field(number: number, content: Uint8Array | string): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return Buffer.concat([header(number, bytes.length), bytes]);
}

/** What stands before the content of such a field. */
export const header = (number: number, length: number): Buffer =>
  Buffer.concat([varint(number * 8 + 2), varint(length)]);

/** A field of a whole number. */
export const numberField = (number: number, value: number): Buffer =>
  Buffer.concat([varint(number * 8), varint(value)]);

/** The top-level fields of a message that hold bytes, as views of it; others are stepped over. */
export function* bytesFields(message: Buffer): Generator<{ readonly number: number; readonly bytes: Buffer }> {
  for (const { number, content } of fields(message)) if (typeof content !== 'number') yield { number, bytes: content };
}

/** The top-level fields of a message that hold bytes, as views of it, or whole numbers; others are stepped over. */
export function* fields(message: Buffer): Generator<{ readonly number: number; readonly content: Buffer | number }> {
  let at = 0;
  const next = (): number => {
    let [value, scale] = [0, 1];
    for (;;) {
      const byte = message[at];
      if (byte === undefined) throw new Error('a message is cut short');
      at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
  };
  while (at < message.length) {
    const tag = next();
    const number = Math.floor(tag / 8);
    if (tag % 8 === 2) {
      const length = next();
      yield { number, content: message.subarray(at, at + length) };
      at += length;
    } else if (tag % 8 === 0) yield { number, content: next() };
    else at += tag % 8 === 1 ? 8 : 4;
  }
}
