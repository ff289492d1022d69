/** What is read of one response; the resources themselves are stepped over. */
export interface ResponseFacts {
  readonly version: string;
  readonly typeUrl: string;
  readonly nonce: string;
  readonly resources: number;
  readonly removed: number;
  /** Bytes of the message. */
  readonly bytes: number;
}

/** Fields of `DiscoveryResponse` and of `DeltaDiscoveryResponse`, which have the same numbers. */
const VERSION = 1;
const RESOURCES = 2;
const TYPE_URL = 4;
const NONCE = 5;
const REMOVED = 6;

const PREFIX_BYTES = 5;

/** Where in the stream of messages the reader stands. */
const AT_PREFIX = 0;
const AT_TAG = 1;
const AT_LENGTH = 2;
const AT_NUMBER = 3;
const IN_SKIPPED = 4;
const IN_TEXT = 5;

/**
 * Reads gRPC messages of discovery responses as they come, in pieces of any size, without keeping them: it walks from field to field
 * and keeps the three short texts that an ACK needs. This is what makes a client of ten thousand streams of 100 KB light.
 */
export class ResponseReader {
  private readonly onResponse: (response: ResponseFacts) => void;
  private state = AT_PREFIX;
  private prefixBytes = 0;
  private size = 0;
  /** Bytes of the message, and of the field, that are still to come. */
  private messageLeft = 0;
  private fieldLeft = 0;
  private value = 0;
  private scale = 1;
  private fieldNumber = 0;
  private text = '';
  private version = '';
  private typeUrl = '';
  private nonce = '';
  private resources = 0;
  private removed = 0;

  constructor(onResponse: (response: ResponseFacts) => void) {
    this.onResponse = onResponse;
  }

  /** @throws where the server sends what is no uncompressed message */
  read(bytes: Buffer, from: number, to: number): void {
    let at = from;
    while (at < to) {
      if (this.state >= IN_SKIPPED) {
        const end = Math.min(to, at + this.fieldLeft);
        if (this.state === IN_TEXT) this.text += bytes.toString('latin1', at, end);
        this.fieldLeft -= end - at;
        this.messageLeft -= end - at;
        at = end;
        if (this.fieldLeft === 0) this.endField();
        continue;
      }
      const byte = bytes[at] ?? 0;
      at += 1;
      if (this.state === AT_PREFIX) this.readPrefix(byte);
      else this.readVarint(byte);
    }
  }

  private readPrefix(byte: number): void {
    if (this.prefixBytes === 0 && byte !== 0) throw new Error('a response is compressed');
    this.messageLeft = this.messageLeft * 256 + byte;
    this.prefixBytes += 1;
    if (this.prefixBytes < PREFIX_BYTES) return;
    this.size = this.messageLeft;
    if (this.size === 0) this.endMessage();
    else this.state = AT_TAG;
  }

  private readVarint(byte: number): void {
    this.messageLeft -= 1;
    this.value += (byte & 0x7f) * this.scale;
    this.scale *= 128;
    if (byte >= 0x80) return;
    const value = this.value;
    this.value = 0;
    this.scale = 1;
    if (this.state === AT_TAG) this.startField(Math.floor(value / 8), value % 8);
    else if (this.state === AT_LENGTH) this.startContent(value);
    else this.endField();
  }

  private startField(number: number, wireType: number): void {
    this.fieldNumber = number;
    if (wireType === 2) this.state = AT_LENGTH;
    else if (wireType === 0) this.state = AT_NUMBER;
    else {
      this.fieldLeft = wireType === 1 ? 8 : 4;
      this.state = IN_SKIPPED;
    }
  }

  private startContent(length: number): void {
    if (this.fieldNumber === RESOURCES) this.resources += 1;
    else if (this.fieldNumber === REMOVED) this.removed += 1;
    const isText = this.fieldNumber === VERSION || this.fieldNumber === TYPE_URL || this.fieldNumber === NONCE;
    this.text = '';
    this.fieldLeft = length;
    this.state = isText ? IN_TEXT : IN_SKIPPED;
    if (length === 0) this.endField();
  }

  private endField(): void {
    if (this.state === IN_TEXT) {
      if (this.fieldNumber === VERSION) this.version = this.text;
      else if (this.fieldNumber === TYPE_URL) this.typeUrl = this.text;
      else this.nonce = this.text;
    }
    this.state = AT_TAG;
    if (this.messageLeft === 0) this.endMessage();
  }

  private endMessage(): void {
    const { version, typeUrl, nonce, resources, removed, size: bytes } = this;
    this.state = AT_PREFIX;
    this.prefixBytes = 0;
    this.version = '';
    this.typeUrl = '';
    this.nonce = '';
    this.resources = 0;
    this.removed = 0;
    this.onResponse({ version, typeUrl, nonce, resources, removed, bytes });
  }
}
