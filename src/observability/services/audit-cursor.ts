import { readTime } from '../../common/clock/time-text.js';
import { isUuid } from '../../common/context/ids.js';
import { problems } from '../../common/errors/problem.js';
import type { AuditPosition } from './audit-query.js';

/** With microseconds. */
const AT = /\.\d{6}Z$/;

/** A position as the opaque text that clients send back. It grants no access by itself. */
export const encodeAuditCursor = ({ at, id }: AuditPosition): string =>
  Buffer.from(JSON.stringify([at, id])).toString('base64url');

/** @throws ProblemError 400 for a text that this list did not give out */
export function decodeAuditCursor(text: string): AuditPosition {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    if (Array.isArray(value) && value.length === 2) {
      const [at, id] = value as unknown[];
      if (typeof at === 'string' && isTime(at) && typeof id === 'string' && isUuid(id)) return { at, id };
    }
  } catch {
    // Falls through to the one answer for every broken cursor.
  }
  throw problems.badRequest({ detail: 'The cursor was not given out by this list; start again without one.' });
}

/** Whether the text is a time that exists, down to its day: PostgreSQL refuses others. */
const isTime = (text: string): boolean => AT.test(text) && readTime(text) !== undefined;
