import type { Finding } from '../errors/finding.js';
import type { ThreadTask } from '../threads/thread-task.js';
import type { Threads } from '../threads/threads.js';
import { DocumentRefused } from './document-refused.js';
import { LargeDocument, type SerializedDocument } from './large-document.js';
import type { DocumentFormat } from './parse-document.js';

export interface LargeBody {
  readonly bytes: Uint8Array;
  readonly format: DocumentFormat;
  /** The member of the body that is the document. */
  readonly member: string;
}

/** What a thread makes of a body: all but the document as it is, and the document for another thread. */
export type LargeBodyReading =
  { readonly refused: Finding } | { readonly rest: unknown; readonly document?: SerializedDocument };

const READ_LARGE_BODY: ThreadTask<LargeBody, LargeBodyReading> = {
  file: new URL('./large-body-task.js', import.meta.url),
};

/**
 * Reads a body in a thread. Its document comes as a `LargeDocument`; the rest is as `parseDocument` would give it.
 * @throws DocumentRefused as `parseDocument`, and where the rest is large too; ProblemError as `Threads.run`
 */
export async function readLargeBody(threads: Threads, body: LargeBody): Promise<unknown> {
  const reading = await threads.run(READ_LARGE_BODY, body);
  if ('refused' in reading) throw new DocumentRefused(reading.refused);
  const { rest, document } = reading;
  return document ? { ...(rest as object), [body.member]: new LargeDocument(document) } : rest;
}
