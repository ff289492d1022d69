/** Of the element types, PostgreSQL's numbers (`pg_type.oid`). */
const OIDS = { text: 25, bytea: 17, json: 114 } as const;

const HEADER_BYTES = 20;

/**
 * A one-dimensional array without nulls in PostgreSQL's binary form (`array_recv`), for a parameter that is cast to `text[]`, `bytea[]` or
 * `json[]`. Neither side escapes or parses anything, and it may be made in a thread: `pg` sends a `Buffer` as it is.
 * @param values not empty; texts without NUL
 */
export function binaryArray(
  element: keyof typeof OIDS,
  values: readonly (string | Uint8Array)[],
): Uint8Array<ArrayBuffer> {
  const lengths = values.map((value) => (typeof value === 'string' ? Buffer.byteLength(value) : value.byteLength));
  const bytes = new Uint8Array(lengths.reduce((sum, length) => sum + 4 + length, HEADER_BYTES));
  const buffer = Buffer.from(bytes.buffer);
  // Dimensions, a flag for nulls, the type, the length, and the number of the first element.
  const header = [1, 0, OIDS[element], values.length, 1];
  let at = 0;
  for (const number of header) at = buffer.writeInt32BE(number, at);
  for (const [i, value] of values.entries()) {
    at = buffer.writeInt32BE(lengths[i] ?? 0, at);
    if (typeof value === 'string') buffer.write(value, at);
    else bytes.set(value, at);
    at += lengths[i] ?? 0;
  }
  return bytes;
}
