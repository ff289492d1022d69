const PREFIX_BYTES = 5;

/** Puts gRPC messages together from the pieces in which they come. */
export class MessageReader {
  private readonly onMessage: (message: Buffer) => void;
  private kept: Buffer = Buffer.alloc(0);

  constructor(onMessage: (message: Buffer) => void) {
    this.onMessage = onMessage;
  }

  /** @param bytes copied where they are kept longer than the call */
  read(bytes: Buffer, from: number, to: number): void {
    let input = bytes.subarray(from, to);
    if (this.kept.length > 0) input = Buffer.concat([this.kept, input]);
    let at = 0;
    while (input.length - at >= PREFIX_BYTES) {
      if (input[at] !== 0) throw new Error('a response is compressed');
      const end = at + PREFIX_BYTES + input.readUInt32BE(at + 1);
      if (end > input.length) break;
      this.onMessage(input.subarray(at + PREFIX_BYTES, end));
      at = end;
    }
    this.kept = Buffer.from(input.subarray(at));
  }
}
