import { problems } from '../errors/problem.js';

/** The strong entity tag (RFC 9110 §8.8.3) of a resource at a revision. */
export const etagOf = (revision: number | string): string => `"${revision}"`;

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
  const tags = ifMatch.split(',').map((tag) => tag.trim());
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
