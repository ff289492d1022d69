import type { Finding } from './finding.js';

/** What one kind of failure looks like to a client and to the log. Each module keeps a table of its own. */
export interface ProblemDefinition {
  readonly status: number;
  readonly title: string;
  /** How loud the log is: what a client did wrong is `info`, what we did wrong is `error`. */
  readonly level?: 'info' | 'warn' | 'error';
  /** For its page, where there is more to say than of every problem with that status. */
  readonly whatToDo?: string;
}

/** One kind of failure, by the code that ends the address of its page. */
export interface ProblemKind extends ProblemDefinition {
  readonly code: string;
}

/** Of all modules that were loaded. */
const kinds = new Map<string, ProblemKind>();

export type ProblemTable = Readonly<Record<string, ProblemDefinition>>;

export interface ProblemOptions {
  /** A sentence for this occurrence: what happened and what to do. */
  readonly detail?: string;
  readonly errors?: readonly Finding[];
  /** Seconds until trying again makes sense; becomes `Retry-After`. */
  readonly retryAfter?: number;
  /** Further members of the problem document (RFC 9457 §3.2), for instance the current head of a branch. */
  readonly extensions?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** The one error that services throw on purpose; the HTTP filter renders it as `application/problem+json` (RFC 9457). */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';

  constructor(
    readonly code: string,
    readonly definition: ProblemDefinition,
    readonly options: ProblemOptions = {},
  ) {
    super(options.detail ?? definition.title, options.cause === undefined ? undefined : { cause: options.cause });
  }
}

/** Makes the throwers of a module from its table: `problems.notFound({ detail: … })` gives a ProblemError to throw. */
export function defineProblems<T extends ProblemTable>(
  table: T,
): { readonly [K in keyof T]: (options?: ProblemOptions) => ProblemError } {
  const makers = Object.entries(table).map(([name, definition]) => {
    const code = toSlug(name);
    if (kinds.has(code)) throw new Error(`two problems are called ${code}`);
    kinds.set(code, { code, ...definition });
    return [name, (options?: ProblemOptions) => new ProblemError(code, definition, options)];
  });
  return Object.fromEntries(makers) as { readonly [K in keyof T]: (options?: ProblemOptions) => ProblemError };
}

/** Every kind of failure that a table defines, by code. */
export const problemKinds = (): readonly ProblemKind[] =>
  [...kinds.values()].sort((a, b) => (a.code < b.code ? -1 : 1));

/** `headMoved` → `head-moved`: the last part of the problem's type URI. */
function toSlug(code: string): string {
  return code.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Problems that belong to no module. */
export const problems = defineProblems({
  badRequest: { status: 400, title: 'The request cannot be read' },
  unauthenticated: { status: 401, title: 'A valid credential is needed' },
  forbidden: { status: 403, title: 'The credential does not allow this' },
  notFound: { status: 404, title: 'There is no such thing' },
  methodNotAllowed: { status: 405, title: 'The address does not take this method' },
  conflict: { status: 409, title: 'The request conflicts with what is there' },
  preconditionFailed: { status: 412, title: 'The resource has changed since it was read' },
  alreadyThere: {
    status: 412,
    title: 'The resource is there already',
    whatToDo: 'Leave it, or send `If-Match` instead of `If-None-Match` to replace it.',
  },
  payloadTooLarge: { status: 413, title: 'The body is too large' },
  uriTooLong: { status: 414, title: 'The address is too long' },
  headersTooLarge: { status: 431, title: 'The address and the headers are too large to be read' },
  unsupportedMediaType: { status: 415, title: 'The body has a media type that is not read here' },
  unsupportedContentEncoding: { status: 415, title: 'The body is encoded in a way that is not read here' },
  invalid: { status: 422, title: 'The content is not valid' },
  upgradeRequired: { status: 426, title: 'This is spoken over another protocol' },
  preconditionRequired: { status: 428, title: 'If-Match is needed here' },
  tooManyRequests: { status: 429, title: 'Too many requests' },
  internal: { status: 500, title: 'Something went wrong in EFMS', level: 'error' },
  unavailable: { status: 503, title: 'EFMS cannot do this right now', level: 'warn' },
});
