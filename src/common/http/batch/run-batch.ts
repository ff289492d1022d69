import type { RequestContext } from '../../context/request-context.js';
import type { Database } from '../../database/database.js';
import { isRefusedContent } from '../../database/errors.js';
import { type Finding, pointerTo } from '../../errors/finding.js';
import { ProblemError, problems } from '../../errors/problem.js';
import { type Change, type Changed, EntangledChanges } from './changes.js';

/** How a collection writes; both methods join the unit that they are called in. */
export interface Collection<Request> {
  /** One change as if it came alone. @throws ProblemError that says what is wrong with it */
  writeOne(ctx: RequestContext, change: Change<Request>): Promise<Changed>;
  /** All of them or nothing, in few statements; throws whatever keeps it from that. */
  writeAll(ctx: RequestContext, changes: readonly Change<Request>[]): Promise<readonly Changed[]>;
}

/** Enough to see what is wrong with a batch; what is wrong further on is not looked for. */
const MOST_REFUSALS = 100;

interface Refusal {
  readonly index: number;
  readonly problem: ProblemError;
}

/**
 * Makes all changes, each as if it came after those before it, or none of them: one transaction, which joins that of an Idempotency-Key.
 * They are written at once where that goes. Where something is in the way, by halves, down to the change that is to blame, so that what is
 * said of it is what it would be answered alone.
 * @throws ProblemError with what is wrong with each change, by its place
 */
export function runBatch<Request>(
  database: Database,
  collection: Collection<Request>,
  ctx: RequestContext,
  changes: readonly Change<Request>[],
): Promise<readonly Changed[]> {
  return database.unit(ctx, async () => {
    const refusals: Refusal[] = [];
    const done = await writeFrom(0, changes);
    if (refusals.length > 0) throw refusedBatch(refusals);
    return done;

    async function writeFrom(first: number, some: readonly Change<Request>[]): Promise<readonly Changed[]> {
      if (refusals.length >= MOST_REFUSALS) return [];
      const [only] = some;
      try {
        if (only && some.length === 1) return [await collection.writeOne(ctx, only)];
        return await collection.writeAll(ctx, some);
      } catch (error) {
        if (some.length === 1) refusals.push({ index: first, problem: clientProblem(error) });
        else if (!isInTheWay(error)) throw error;
      }
      if (some.length === 1) return [];
      const middle = Math.ceil(some.length / 2);
      const before = await writeFrom(first, some.slice(0, middle));
      return [...before, ...(await writeFrom(first + middle, some.slice(middle)))];
    }
  });
}

/** Whether fewer changes at once may go further. */
const isInTheWay = (error: unknown): boolean =>
  error instanceof EntangledChanges || error instanceof ProblemError || isRefusedContent(error);

function clientProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError && error.definition.status < 500) return error;
  throw error;
}

/** Content first: what cannot be read may be wrong in every other way too. */
const KINDS = [
  { statuses: [400, 404, 422], problem: problems.invalid },
  { statuses: [409], problem: problems.conflict },
  { statuses: [412], problem: problems.preconditionFailed },
  { statuses: [428], problem: problems.preconditionRequired },
];

function refusedBatch(refusals: readonly Refusal[]): Error {
  const statuses = new Set(refusals.map(({ problem }) => problem.definition.status));
  const kind = KINDS.find((candidate) => candidate.statuses.some((status) => statuses.has(status)));
  const count = refusals.length < MOST_REFUSALS ? String(refusals.length) : `${MOST_REFUSALS} or more`;
  return (kind?.problem ?? problems.conflict)({
    detail: `Nothing was changed: ${count} ${count === '1' ? 'item is' : 'items are'} refused. See errors.`,
    errors: refusals.flatMap(({ index, problem }) => refusalFindings(index, problem)),
  });
}

/** What is wrong with one item of a batch, with pointers into the batch. */
export function refusalFindings(index: number, { code, definition, message, options }: ProblemError): Finding[] {
  const item = pointerTo('/items', index);
  const inBody = (options.errors ?? []).map((finding) => ({ ...finding, pointer: `${item}/body${finding.pointer}` }));
  if (inBody.length > 0) return inBody;
  const etag = options.extensions?.['etag'];
  const now = typeof etag === 'string' ? ` Its ETag is ${etag} now.` : '';
  const pointer = `${item}${PLACES[definition.status] ?? ''}`;
  return [{ pointer, rule: `problem.${code}`, detail: `${message}${now}`, severity: 'error' }];
}

/** Where in an item stands what a status is about. */
const PLACES: Readonly<Record<number, string>> = { 404: '/id', 412: '/ifMatch', 428: '/ifMatch' };
