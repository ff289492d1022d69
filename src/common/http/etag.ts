import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { problems } from '../errors/problem.js';

/** The strong entity tag (RFC 9110 §8.8.3) of a resource at a revision. */
export const etagOf = (revision: number | string): string => `"${revision}"`;

/** What a PUT demands of what is there, or is not (RFC 9110 §13.1). */
export interface Preconditions {
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
}

/** The conditions of the call, as a controller's parameter. */
export const Conditional = createParamDecorator((_: unknown, execution: ExecutionContext): Preconditions => {
  const { headers } = execution.switchToHttp().getRequest<FastifyRequest>();
  return { ifMatch: headers['if-match'], ifNoneMatch: headers['if-none-match'] };
});

/**
 * Checks `If-Match` before a write (RFC 9110 §13.1.1).
 * @throws ProblemError 428 without the header, 412 where the resource has moved on
 */
export function requireMatch(ifMatch: string | undefined, revision: number | string): void {
  if (ifMatch === undefined) {
    throw problems.preconditionRequired({
      detail: 'Send If-Match with the ETag that was last read, or "*" to write whatever is there.',
    });
  }
  const tags = tagsOf(ifMatch);
  if (tags.includes('*') || tags.includes(etagOf(revision))) return;
  throw problems.preconditionFailed({
    detail: 'Read the resource again and repeat the change on what it is now.',
    extensions: { etag: etagOf(revision) },
  });
}

/** An ETag names a thing that was read, and there is none now; `*` takes whatever is there, be it nothing (API.md "Writes"). */
export function refuseVanished(ifMatch: string | undefined): void {
  if (ifMatch === undefined || ifMatch.trim() === '*') return;
  throw problems.preconditionFailed({ detail: 'What was read is gone; leave out If-Match to create it.' });
}

/**
 * Checks `If-None-Match` before a thing that is there is written (RFC 9110 §13.1.2): with `*` only what is not there may be.
 * @throws ProblemError 412
 */
export function refusePresent({ ifNoneMatch = '' }: Preconditions, revision: number | string): void {
  const tags = tagsOf(ifNoneMatch).map((tag) => tag.replace(/^W\//, ''));
  if (!tags.includes('*') && !tags.includes(etagOf(revision))) return;
  throw problems.alreadyThere({
    detail: 'Send If-Match instead of If-None-Match to write what is there.',
    extensions: { etag: etagOf(revision) },
  });
}

const tagsOf = (header: string): readonly string[] => header.split(',').map((tag) => tag.trim());
