import type { FastifyInstance, FastifyRequest } from 'fastify';
import { RouteConfig } from '@nestjs/platform-fastify';
import { DocumentRefused } from '../documents/document-refused.js';
import { type DocumentFormat, parseDocument } from '../documents/parse-document.js';
import { problems } from '../errors/problem.js';

const MIB = 1024 * 1024;
const BODY_LIMIT = MIB;
const LARGE_BODY_LIMIT = 32 * MIB;

interface BodyConfig {
  readonly largeBody?: boolean;
}

/** A route that takes configurations: bodies up to 32 MiB, where every other route takes 1 MiB (API.md "Errors"). */
export const LargeBody = (): MethodDecorator => RouteConfig({ largeBody: true } satisfies BodyConfig);

const FORMATS: Readonly<Record<string, DocumentFormat>> = {
  'application/json': 'json',
  'application/merge-patch+json': 'json',
  'application/yaml': 'yaml',
  'application/x-yaml': 'yaml',
  'text/yaml': 'yaml',
};

/** Reads JSON and YAML bodies, bounded in size, depth and time. Call before any route is registered. */
export function registerBodyParsers(fastify: FastifyInstance): void {
  fastify.addHook('onRoute', (route) => {
    const { largeBody = false } = (route.config ?? {}) as BodyConfig;
    route.bodyLimit = largeBody ? LARGE_BODY_LIMIT : BODY_LIMIT;
  });
  fastify.removeAllContentTypeParsers();
  for (const [mediaType, format] of Object.entries(FORMATS)) {
    fastify.addContentTypeParser(mediaType, { parseAs: 'string' }, (_request: FastifyRequest, body: string) =>
      readBody(body, format),
    );
  }
}

async function readBody(text: string, format: DocumentFormat): Promise<unknown> {
  if (text === '') return undefined;
  try {
    return await parseDocument(text, format);
  } catch (error) {
    if (!(error instanceof DocumentRefused)) throw error;
    throw problems.badRequest({ detail: error.message, errors: [error.finding] });
  }
}
