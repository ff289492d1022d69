/** Length of what gRPC puts before a message: a flag (compressed or not) and its length ("gRPC over HTTP2", Length-Prefixed-Message). */
const PREFIX_BYTES = 5;

const framedOf = new WeakMap<Buffer, Buffer>();

/**
 * Copies a message behind its gRPC prefix, once, so that it can be written to any number of streams as it is.
 * @returns the message alone: a view of the copy, which {@link framed} finds again
 */
export function withPrefix(message: Buffer): Buffer {
  const whole = Buffer.allocUnsafeSlow(PREFIX_BYTES + message.length);
  whole.writeUInt8(0, 0);
  whole.writeUInt32BE(message.length, 1);
  message.copy(whole, PREFIX_BYTES);
  const bytes = whole.subarray(PREFIX_BYTES);
  framedOf.set(bytes, whole);
  return bytes;
}

/** The message with its prefix, where it was made by {@link withPrefix}. */
export function framed(message: unknown): Buffer | undefined {
  return Buffer.isBuffer(message) ? framedOf.get(message) : undefined;
}
