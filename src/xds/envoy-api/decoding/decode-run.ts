import type { FindingList } from '../finding-list.js';
import type { MessageTree } from '../message-tree.js';
import { pointerOf } from '../place.js';
import type { JsonObject } from '../resource.js';

/**
 * Protobuf parsers, Envoy's among them, refuse messages nested deeper than 100. Messages in an Any are bytes to the one around
 * them and count anew; map entries and the parts of a Struct count too.
 */
const MAX_MESSAGE_DEPTH = 95;

/** Words of the document that go into a sentence are cut here. */
const QUOTE_LENGTH = 80;

/** What becomes of the document: a private key in one that is stored would be shown, one that passes through goes back to who sent it. */
export type DocumentFate = 'stored' | 'passing';

/** The state of decoding one resource: where in the document the decoder is, and what it found so far. */
export class DecodeRun {
  private readonly path: (string | number)[];
  private depth = 0;

  /** @param base tokens that lead from the document to the resource */
  constructor(
    readonly findings: FindingList,
    readonly tree: MessageTree,
    base: readonly (string | number)[],
    readonly fate: DocumentFate = 'stored',
  ) {
    this.path = [...base];
  }

  /** Reads what is under a key or index, so that findings point there. */
  at<T>(token: string | number, read: () => T): T {
    this.path.push(token);
    const result = read();
    this.path.pop();
    return result;
  }

  /** Reads a message inside a message; `levels` is what it costs of the nesting that parsers take. */
  nested<T>(levels: number, read: () => T): T | undefined {
    this.depth += levels;
    const result = this.depth > MAX_MESSAGE_DEPTH ? this.refuseDepth<T>() : read();
    this.depth -= levels;
    return result;
  }

  /** Reads the content of an Any. */
  detached<T>(read: () => T): T {
    const { depth } = this;
    this.depth = 0;
    const result = read();
    this.depth = depth;
    return result;
  }

  /** Notes what is wrong. Gives undefined in the type that the caller would have read. */

  error<T>(rule: string, detail: () => string): T | undefined {
    this.findings.error(() => ({ pointer: pointerOf(this.path), rule, detail: detail() }));
    return undefined;
  }

  warning(rule: string, detail: () => string): void {
    this.findings.warning(() => ({ pointer: pointerOf(this.path), rule, detail: detail() }));
  }

  /** A value of the wrong type or form. */

  wrong<T>(expected: string, value: unknown): T | undefined {
    return this.error('schema.type', () => `expected ${expected}, got ${describe(value)}`);
  }

  private refuseDepth<T>(): T | undefined {
    return this.error('schema.depth', () => 'nested deeper than Envoy reads; flatten it');
  }
}

/** A value in words, short enough for a sentence. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'object') return 'an object';
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : `a ${typeof value}`;
}

export const quote = (text: string): string =>
  text.length > QUOTE_LENGTH ? `"${text.slice(0, QUOTE_LENGTH)}…"` : `"${text}"`;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
