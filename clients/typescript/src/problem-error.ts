import type { Problem } from './generated/types.js';

/** What the server refused, as it said it (RFC 9457). */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  /** For instance 404. */
  readonly status: number;
  /** The document itself; some kinds have members of their own. */
  readonly problem: Problem;
  /** Seconds until trying again makes sense, where the server said so. */
  readonly retryAfter: number | undefined;

  constructor(problem: Problem, retryAfter?: number) {
    super(problem.detail ?? problem.title);
    this.status = problem.status;
    this.problem = problem;
    this.retryAfter = retryAfter;
  }

  /** The kind of problem, for instance `head-moved`. */
  get kind(): string {
    return this.problem.type.slice(this.problem.type.lastIndexOf('/') + 1);
  }
}
