/** PostgreSQL cannot be reached or is not taking work now; nothing was written. The HTTP filter answers 503. */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable';
}

/** The roles or the server would let row-level security be walked around; the message names every reason. */
export class UnsafeDatabase extends Error {
  override readonly name = 'UnsafeDatabase';
}

/** Socket errors of Node, and what `pg` and its pool say without a code. */
const SOCKET_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);
const DRIVER_MESSAGES = [
  'Connection terminated',
  'Query read timeout',
  'timeout exceeded when trying to connect',
  'Client has encountered a connection error',
  'Client was closed and is not queryable',
  'Cannot use a pool after calling end on the pool',
];
/** Shutdown, crash and start-up of the server, and no connection slot left (appendix A of PostgreSQL's manual). */
const SERVER_CODES = new Set(['57P01', '57P02', '57P03', '53300']);

/** True for failures of the connection rather than of a statement. */
export function isConnectionFailure(error: unknown): boolean {
  const { code, message, errors } = partsOf(error);
  if (typeof code === 'string' && (SOCKET_CODES.has(code) || SERVER_CODES.has(code) || /^08...$/.test(code)))
    return true;
  // Node tries every address of a name and reports the failures together.
  if (Array.isArray(errors) && errors.some(isConnectionFailure)) return true;
  return typeof message === 'string' && DRIVER_MESSAGES.some((known) => message.includes(known));
}

/** True when a unique constraint or index, or the named one, refused the row; for errors of the ORM and of plain SQL alike. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  return isViolation(error, '23505', constraint);
}

/** True when a foreign key, or the named one, refused the row; for errors of the ORM and of plain SQL alike. */
export function isForeignKeyViolation(error: unknown, constraint?: string): boolean {
  return isViolation(error, '23503', constraint);
}

/** True when the content of a statement was refused (data exceptions and broken constraints), so that trying again is of no use. */
export function isRefusedContent(error: unknown): boolean {
  const { code } = partsOf(error);
  return typeof code === 'string' && /^2[23]...$/.test(code);
}

/** Serialisation failure and deadlock: PostgreSQL ended one of two transactions that were in each other's way. */
const CLASHES = new Set(['40001', '40P01']);
/** A statement that was cancelled, by its time limit or by an operator. */
const CANCELLED = '57014';

/** True when the transaction gave way to another one that wanted the same rows; sent again it may succeed. */
export function isClash(error: unknown): boolean {
  const { code } = partsOf(error);
  return typeof code === 'string' && CLASHES.has(code);
}

/** True when somebody or the time limit of statements cancelled the statement. */
export function isCancelled(error: unknown): boolean {
  return partsOf(error).code === CANCELLED;
}

function isViolation(error: unknown, code: string, constraint: string | undefined): boolean {
  const parts = partsOf(error);
  return parts.code === code && (constraint === undefined || parts.constraint === constraint);
}

interface ErrorParts {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly constraint?: unknown;
  readonly errors?: unknown;
}

/** Told by their parts, not by class: the same failure comes from Node, from `pg` and copied into the ORM's exceptions. */
const partsOf = (error: unknown): ErrorParts => (typeof error === 'object' && error !== null ? error : {});
