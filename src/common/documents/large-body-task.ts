import { createHash } from 'node:crypto';
import { serialize } from 'node:v8';
import type { Handed } from '../threads/thread-task.js';
import { documentText } from './document-bytes.js';
import { DocumentRefused } from './document-refused.js';
import { textFinding } from './document-text.js';
import type { LargeBody, LargeBodyReading } from './large-body.js';
import type { SerializedDocument } from './large-document.js';
import { parseDocumentHere } from './parse-document.js';

/** What a body may have beside its document: as much as other bodies in all. */
const REST_LIMIT = 1024 * 1024;

/** A configuration of 32 MiB has some two million; a text may have sixteen million, for which no memory is enough. */
const MAX_VALUES = 4_000_000;
const SEPARATORS: ReadonlySet<number> = new Set([...Buffer.from(',[{')]);

export function run({ bytes, format, member }: LargeBody): Handed<LargeBodyReading> {
  try {
    requireFewValues(bytes);
    const data = parseDocumentHere(documentText(bytes), format);
    const { rest, document } = split(data, member);
    requireSmall(rest, member);
    return { value: { rest, ...(document && { document }) }, transfer: document ? [document.bytes.buffer] : [] };
  } catch (error) {
    if (error instanceof DocumentRefused) return { value: { refused: error.finding }, transfer: [] };
    throw error;
  }
}

function split(data: unknown, member: string): { readonly rest: unknown; readonly document?: SerializedDocument } {
  if (!isObject(data) || !isObject(data[member])) return { rest: data };
  const { [member]: content, ...rest } = data;
  return { rest, document: serialized(content, textFinding({ [member]: content })) };
}

function serialized(content: unknown, unstorable: SerializedDocument['unstorable']): SerializedDocument {
  // A copy, because the buffer may be a part of one that others use.
  const bytes = new Uint8Array(serialize(content));
  return { bytes, digest: createHash('sha256').update(bytes).digest('hex'), unstorable };
}

/** Before it is parsed, which cannot be interrupted: see `memoryLimits`. */
function requireFewValues(bytes: Uint8Array): void {
  let count = 0;
  for (const byte of bytes) if (SEPARATORS.has(byte)) count += 1;
  if (count <= MAX_VALUES) return;
  throw DocumentRefused.because('document.size', `the body has more than ${MAX_VALUES} values; send less at once`);
}

function requireSmall(rest: unknown, member: string): void {
  if (JSON.stringify(rest).length <= REST_LIMIT) return;
  const limit = REST_LIMIT / 1024 / 1024;
  throw DocumentRefused.because(
    'document.size',
    `beside "${member}" a body has at most ${limit} MiB; leave the rest out`,
  );
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
