import { isUtf8 } from 'node:buffer';

/** A message that does not follow the protobuf encoding, or is larger than EFMS reads. The stream ends INVALID_ARGUMENT. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage';
}

const WIRE_VARINT = 0;
const WIRE_FIXED64 = 1;
const WIRE_BYTES = 2;
const WIRE_FIXED32 = 5;

const EMPTY = Buffer.alloc(0);

/**
 * A cursor over one encoded message. It never copies: bytes are views of the input, which therefore stays in memory as long
 * as a view does. Everything it meets that is not well-formed ends in {@link MalformedMessage}.
 */
export class Reader {
  /** Field number of the field that `next()` stopped at. */
  field = 0;
  private wireType = 0;
  private position = 0;
  /** Where the field begins, tag included. */
  private start = 0;

  constructor(private readonly bytes: Buffer) {}

  /** Moves to the next field; false at the end of the message. The value must then be read or skipped. */
  next(): boolean {
    if (this.position >= this.bytes.length) return false;
    this.start = this.position;
    const tag = this.varint();
    this.field = Math.floor(tag / 8);
    this.wireType = tag % 8;
    if (this.field === 0 || this.field > 0x1fff_ffff) throw new MalformedMessage('field number out of range');
    return true;
  }

  /** The value of a string field. NUL, which protobuf allows, is refused: no name needs it, and PostgreSQL cannot store it. */
  string(maxBytes: number): string {
    const view = this.bytesField();
    if (view.length > maxBytes) {
      throw new MalformedMessage(`field ${this.field} has ${view.length} bytes, at most ${maxBytes} are read`);
    }
    if (!isUtf8(view)) throw new MalformedMessage(`field ${this.field} is not UTF-8`);
    if (view.includes(0)) throw new MalformedMessage(`field ${this.field} contains NUL`);
    return view.toString('utf8');
  }

  /** The value of a bytes or message field, as a view of the input. */
  bytesField(): Buffer {
    if (this.wireType !== WIRE_BYTES) throw new MalformedMessage(`field ${this.field} has the wrong wire type`);
    const length = this.varint();
    return this.take(length);
  }

  /** The value of an unsigned or enum field; of a negative int32 the low 32 bits, signed. */
  int32(): number {
    if (this.wireType !== WIRE_VARINT) throw new MalformedMessage(`field ${this.field} has the wrong wire type`);
    return Number(BigInt.asIntN(32, this.bigVarint()));
  }

  /** The value of an unsigned field of 64 bits; above 2^53 it is rounded. */
  uint64(): number {
    if (this.wireType !== WIRE_VARINT) throw new MalformedMessage(`field ${this.field} has the wrong wire type`);
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
    throw new MalformedMessage('number out of range');
  }

  /** The value of a double field; it may be anything that a double can be. */
  double(): number {
    if (this.wireType !== WIRE_FIXED64) throw new MalformedMessage(`field ${this.field} has the wrong wire type`);
    return this.take(8).readDoubleLE();
  }

  /** The field and those of its number right behind it, as they stand in the message, tags included; a view of the input. */
  run(): Buffer {
    const { field, start } = this;
    let end: number;
    do {
      this.skip();
      end = this.position;
    } while (this.next() && this.field === field);
    this.position = end;
    return this.bytes.subarray(start, end);
  }

  skip(): void {
    switch (this.wireType) {
      case WIRE_VARINT:
        this.bigVarint();
        return;
      case WIRE_FIXED64:
        this.stepOver(8);
        return;
      case WIRE_BYTES:
        this.stepOver(this.varint());
        return;
      case WIRE_FIXED32:
        this.stepOver(4);
        return;
      default:
        throw new MalformedMessage(`wire type ${this.wireType} is not used by proto3`);
    }
  }

  private take(length: number): Buffer {
    const from = this.position;
    this.stepOver(length);
    return length === 0 ? EMPTY : this.bytes.subarray(from, this.position);
  }

  private stepOver(length: number): void {
    const end = this.position + length;
    if (end > this.bytes.length) throw new MalformedMessage('message is cut short');
    this.position = end;
  }

  /** A tag or a length: at most 32 bits, so a double holds it exactly. */
  private varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 5; i++) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > 0xffff_ffff) break;
        return value;
      }
      scale *= 0x80;
    }
    throw new MalformedMessage('number out of range');
  }

  private bigVarint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new MalformedMessage('number out of range');
  }

  private byte(): number {
    const byte = this.bytes[this.position++];
    if (byte === undefined) throw new MalformedMessage('message is cut short');
    return byte;
  }
}

/** Encodes an unsigned whole number up to 2^53. */
export function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** Tag and length of a string, bytes or message field of `length` bytes: what stands before the value. */
export function bytesHeader(field: number, length: number): Buffer {
  return Buffer.concat([varint(field * 8 + WIRE_BYTES), varint(length)]);
}

/** A whole string field; empty strings are left out, as proto3 does. */
export function stringField(field: number, value: string): Buffer {
  if (value === '') return EMPTY;
  const bytes = Buffer.from(value, 'utf8');
  return Buffer.concat([bytesHeader(field, bytes.length), bytes]);
}
