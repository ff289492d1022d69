import { deserialize } from 'node:v8';
import type { Finding } from '../errors/finding.js';

/** A document as a thread has read it, in a form that goes to another thread. */
export interface SerializedDocument {
  /** By `v8.serialize`: YAML has numbers that JSON has not. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Of these bytes, SHA-256 in hex. */
  readonly digest: string;
  /** A text in it that cannot be stored (`textFinding`), with its place in the whole body. */
  readonly unstorable: Finding | undefined;
}

/**
 * A document too large to be built on the event loop: only threads look into it. It shows nothing to those who walk through objects, and
 * one made without a document is what class-transformer makes of it on the way.
 */
export class LargeDocument {
  readonly #document: SerializedDocument | undefined;

  constructor(document?: SerializedDocument) {
    this.#document = document;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    if (!this.#document) throw new Error('there is no document');
    return this.#document.bytes;
  }

  get unstorable(): Finding | undefined {
    return this.#document?.unstorable;
  }

  /** Equal documents have equal ones, and none else: what JSON of it is taken for. */
  toJSON(): string {
    return this.#document?.digest ?? '';
  }
}

/** The plain data of a large document; for threads. */
export const readSerialized = (bytes: Uint8Array): unknown => deserialize(bytes) as unknown;
