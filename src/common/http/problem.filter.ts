import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DatabaseUnavailable, isCancelled, isClash } from '../database/errors.js';
import { ProblemError, problems } from '../errors/problem.js';
import { ProblemStats } from './problem-stats.js';

/** The wire form of a failure (RFC 9457), with EFMS's `requestId` and `errors`. */
export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly instance: string;
  readonly requestId: string;
  readonly [extension: string]: unknown;
}

/** Where the page that explains a problem stands; a URI reference, relative to the server (RFC 9457 §3.1.1). */
export const PROBLEM_BASE = '/problems/';

/** The problem that stands for a status where nothing more is known. */
export const PROBLEM_OF_STATUS = new Map([
  [400, problems.badRequest],
  [401, problems.unauthenticated],
  [403, problems.forbidden],
  [404, problems.notFound],
  [405, problems.methodNotAllowed],
  [409, problems.conflict],
  [412, problems.preconditionFailed],
  [413, problems.payloadTooLarge],
  [414, problems.uriTooLong],
  [415, problems.unsupportedMediaType],
  [422, problems.invalid],
  [428, problems.preconditionRequired],
  [429, problems.tooManyRequests],
  [431, problems.headersTooLarge],
  [503, problems.unavailable],
]);

/** Turns whatever a handler throws into a problem document. What we did not foresee answers 500 and tells nothing else. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly log = new Logger(ProblemFilter.name);

  constructor(private readonly stats = new ProblemStats()) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const problem = asProblem(error);
    const { status, level } = problem.definition;
    this.stats.count(problem.code);
    if (level === 'error') this.log.error({ err: error, requestId: request.id }, 'request failed');
    else if (level === 'warn') this.log.warn({ reason: problem.message, requestId: request.id }, 'request refused');
    if (problem.options.retryAfter !== undefined) void reply.header('retry-after', String(problem.options.retryAfter));
    if (status === 401) void reply.header('www-authenticate', 'Bearer');
    void reply.status(status).type('application/problem+json').send(documentOf(problem, request));
  }
}

/** Answers a request that no route was found for, because its address cannot be read; Fastify's `frameworkErrors`. */
export function refuseUnrouted(error: Error, request: FastifyRequest, reply: FastifyReply): void {
  const problem = asProblem(error);
  void reply
    .status(problem.definition.status)
    .type('application/problem+json')
    .send(JSON.stringify(documentOf(problem, request)));
}

/** What a request is answered that failed so. */
export function documentOf(problem: ProblemError, request: Pick<FastifyRequest, 'id' | 'url'>): ProblemDocument {
  return {
    type: `${PROBLEM_BASE}${problem.code}`,
    title: problem.definition.title,
    status: problem.definition.status,
    ...(problem.options.detail === undefined ? {} : { detail: problem.options.detail }),
    instance: request.url.split('?')[0] ?? request.url,
    requestId: request.id,
    ...(problem.options.errors === undefined ? {} : { errors: problem.options.errors }),
    ...problem.options.extensions,
  };
}

/** The problem behind any error. */
export function asProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof DatabaseUnavailable) {
    return problems.unavailable({
      detail: 'The database cannot be reached; proxies keep what they have. Try again shortly.',
      retryAfter: 5,
      cause: error,
    });
  }
  // Not tried again here: only the caller knows whether what it wants still makes sense.
  if (isClash(error)) {
    const detail = 'Another request was changing the same things, and this one gave way. Send it again.';
    return problems.unavailable({ detail, retryAfter: 1, cause: error });
  }
  if (isCancelled(error)) {
    const detail = 'The database was told to stop this, or it took too long. Try again shortly; ask for less at once.';
    return problems.unavailable({ detail, retryAfter: 1, cause: error });
  }
  const status = statusOf(error);
  const known = status === undefined ? undefined : PROBLEM_OF_STATUS.get(status);
  if (known) return known({ ...(error instanceof Error ? { detail: error.message } : {}), cause: error });
  return problems.internal({ cause: error });
}

/** Nest's exceptions and Fastify's errors carry a status; anything else is ours to answer for. */
function statusOf(error: unknown): number | undefined {
  if (error instanceof HttpException) return error.getStatus();
  if (error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number') return error.statusCode;
  return undefined;
}
