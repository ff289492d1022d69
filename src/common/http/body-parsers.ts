import { isUtf8 } from 'node:buffer';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { RouteConfig } from '@nestjs/platform-fastify';
import { DocumentRefused } from '../documents/document-refused.js';
import { type DocumentFormat, parseDocument } from '../documents/parse-document.js';
import { problems } from '../errors/problem.js';
import { bearerOf } from './bearer.js';

const MIB = 1024 * 1024;
const BODY_LIMIT = MIB;
const LARGE_BODY_LIMIT = 32 * MIB;

interface BodyConfig {
  readonly largeBody?: boolean;
  readonly secretBody?: boolean;
}

/** A route that takes configurations: bodies up to 32 MiB, where every other route takes 1 MiB (API.md "Errors"). */
export const LargeBody = (): MethodDecorator => RouteConfig({ largeBody: true } satisfies BodyConfig);

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

/** Whether a bearer credential is somebody's. */
export type CredentialCheck = (credential: string) => Promise<boolean>;

/** Reads JSON and YAML bodies, bounded in size, depth and time. Call before any route is registered. */
export function registerBodyParsers(fastify: FastifyInstance, isKnown: CredentialCheck): void {
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
      body.length > 0 && !unread.has(request) ? readerOf(request)(body, format) : undefined,
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

const readerOf = ({ routeOptions }: FastifyRequest): typeof readBody =>
  (routeOptions.config as BodyConfig).secretBody === true ? readSecretBody : readBody;

async function readBody(body: Buffer, format: DocumentFormat): Promise<unknown> {
  try {
    return await parseDocument(textOf(body), format);
  } catch (error) {
    if (!(error instanceof DocumentRefused)) throw error;
    throw problems.badRequest({ detail: error.message, errors: [error.finding] });
  }
}

/** What parsers say of a text they cannot read may hold parts of it. */
async function readSecretBody(body: Buffer, format: DocumentFormat): Promise<unknown> {
  try {
    return await parseDocument(textOf(body), format);
  } catch (error) {
    if (!(error instanceof DocumentRefused)) throw error;
    const { rule } = error.finding;
    const detail = `the body cannot be read as ${format.toUpperCase()} (${rule}); it is not quoted here, for it carries a secret`;
    throw problems.badRequest({ detail, errors: [{ pointer: '', rule, detail, severity: 'error' }] });
  }
}

/** Without the byte order mark that some editors write. Bytes that are no text would be stored as question marks, so they are refused. */
function textOf(body: Buffer): string {
  if (!isUtf8(body))
    throw DocumentRefused.because('document.encoding', 'the body is not UTF-8; send it in that encoding');
  const text = body.toString('utf8');
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}
