import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { RouteConfig } from '@nestjs/platform-fastify';
import { documentText } from '../documents/document-bytes.js';
import { DocumentRefused } from '../documents/document-refused.js';
import { readLargeBody } from '../documents/large-body.js';
import { type DocumentFormat, parseDocument } from '../documents/parse-document.js';
import { problems } from '../errors/problem.js';
import type { Threads } from '../threads/threads.js';
import { bearerOf } from './bearer.js';

const MIB = 1024 * 1024;
const BODY_LIMIT = MIB;
const LARGE_BODY_LIMIT = 32 * MIB;

interface BodyConfig {
  readonly largeBody?: boolean;
  readonly document?: string;
  readonly secretBody?: boolean;
}

/** A route that takes configurations: bodies up to 32 MiB, where every other route takes 1 MiB (API.md "Errors"). */
export const LargeBody = (): MethodDecorator => RouteConfig({ largeBody: true } satisfies BodyConfig);

/** The same, where most of the body is in one member: what is large is read in a thread, and that member is a `LargeDocument`. */
export const LargeDocumentBody = (member: string): MethodDecorator =>
  RouteConfig({ largeBody: true, document: member } satisfies BodyConfig);

/** A route that takes secrets: where its body cannot be read, the refusal quotes nothing of it. */
export const SecretBody = (): MethodDecorator => RouteConfig({ secretBody: true } satisfies BodyConfig);

const FORMATS: Readonly<Record<string, DocumentFormat>> = {
  'application/json': 'json',
  'application/merge-patch+json': 'json',
  'application/yaml': 'yaml',
  'application/x-yaml': 'yaml',
  'text/yaml': 'yaml',
};

/**
 * Bodies up to this many bytes are read from anybody. A larger one costs memory, and reading it time, YAML many seconds of it, so that of
 * somebody who is not known no more is taken: the guard refuses such a request for its credential.
 */
const ANYBODY_LIMIT = 8 * 1024;

/** Larger ones with a document are read in threads; measured, some 10 ms from the first byte to the last row (bench/RESULTS.md). */
const INLINE_LIMIT = 32 * 1024;

/** Whether a bearer credential is somebody's. */
export type CredentialCheck = (credential: string) => Promise<boolean>;

/** Reads JSON and YAML bodies, bounded in size, depth and time. Call before any route is registered. */
export function registerBodyParsers(fastify: FastifyInstance, threads: Threads, isKnown: CredentialCheck): void {
  fastify.addHook('onRoute', (route) => {
    const { largeBody = false } = (route.config ?? {}) as BodyConfig;
    route.bodyLimit = largeBody ? LARGE_BODY_LIMIT : BODY_LIMIT;
  });
  const unread = new WeakSet<FastifyRequest>();
  fastify.addHook('preParsing', async (request, reply, body) => {
    const length = lengthOf(request);
    if (length > 0) refuseEncoded(request, reply);
    if (length <= ANYBODY_LIMIT || (await isFromKnown(request, isKnown))) return body;
    const chunks = firstBytesOf(body, {
      length,
      onMore: () => unread.add(request),
      onCut: () => void reply.header('connection', 'close'),
    });
    // Fastify compares what it was given with the header.
    return Object.assign(Readable.from(chunks), Number.isFinite(length) ? { receivedEncodedLength: length } : {});
  });
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', () => {
    const detail = `Send Content-Type with one of ${Object.keys(FORMATS).join(', ')}.`;
    return Promise.reject(problems.unsupportedMediaType({ detail }));
  });
  for (const [mediaType, format] of Object.entries(FORMATS)) {
    fastify.addContentTypeParser(mediaType, { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) =>
      body.length > 0 && !unread.has(request) ? readerOf(request, threads)(body, format) : undefined,
    );
  }
}

/**
 * Of an encoded body the parsers would say that it cannot be read, or the bounds would hold for something else than what is read.
 * @throws ProblemError 415, with what is read in `Accept-Encoding` (RFC 9110 §12.5.3)
 */
function refuseEncoded({ headers }: FastifyRequest, reply: FastifyReply): void {
  const codings = (headers['content-encoding'] ?? '').split(',').map((coding) => coding.trim().toLowerCase());
  if (codings.every((coding) => coding === '' || coding === 'identity')) return;
  void reply.header('accept-encoding', 'identity');
  throw problems.unsupportedContentEncoding({ detail: 'Send the body plain, without Content-Encoding.' });
}

/** What the body says of its length; a chunked one may have any. */
function lengthOf({ headers }: FastifyRequest): number {
  return headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : Infinity;
}

/**
 * The beginning of a body, as much as anybody may send. What follows is thrown away as it comes, because many clients lose the answer when
 * the connection ends while they send; beyond what most routes read from anybody at all it is not waited for.
 */
async function* firstBytesOf(
  body: Readable,
  { length, onMore, onCut }: { length: number; onMore: () => void; onCut: () => void },
): AsyncGenerator<Buffer> {
  let read = 0;
  const isTooLong = Number.isFinite(length) && length > BODY_LIMIT;
  for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    read += chunk.length;
    if (read <= ANYBODY_LIMIT) yield chunk;
    else onMore();
    if (!isTooLong && read <= BODY_LIMIT) continue;
    onMore();
    onCut();
    return;
  }
}

async function isFromKnown(request: FastifyRequest, isKnown: CredentialCheck): Promise<boolean> {
  const credential = bearerOf(request.headers.authorization);
  return credential !== undefined && isKnown(credential);
}

type BodyReader = (body: Buffer, format: DocumentFormat) => Promise<unknown>;

function readerOf({ routeOptions }: FastifyRequest, threads: Threads): BodyReader {
  const { secretBody = false, document: member } = routeOptions.config as BodyConfig;
  if (secretBody) return readSecretBody;
  if (member === undefined) return readBody;
  return (body, format) =>
    body.length <= INLINE_LIMIT
      ? readBody(body, format)
      : told(readLargeBody(threads, { bytes: body, format, member }));
}

const readBody: BodyReader = (body, format) => told(parsed(body, format));

const parsed: BodyReader = async (body, format) => parseDocument(documentText(body), format);

/** What refuses a body, as a problem. */
async function told(reading: Promise<unknown>): Promise<unknown> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof DocumentRefused)) throw error;
    throw problems.badRequest({ detail: error.message, errors: [error.finding] });
  }
}

/** What parsers say of a text they cannot read may hold parts of it. */
async function readSecretBody(body: Buffer, format: DocumentFormat): Promise<unknown> {
  try {
    return await parsed(body, format);
  } catch (error) {
    if (!(error instanceof DocumentRefused)) throw error;
    const { rule } = error.finding;
    const detail = `the body cannot be read as ${format.toUpperCase()} (${rule}); it is not quoted here, for it carries a secret`;
    throw problems.badRequest({ detail, errors: [{ pointer: '', rule, detail, severity: 'error' }] });
  }
}
