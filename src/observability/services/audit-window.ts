import { problems } from '../../common/errors/problem.js';

export interface AuditWindow {
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
}

/**
 * SQL for the window from `$1` to `$2`: an absent end means now, on the database's clock, an absent beginning 30 days before the end.
 * Nothing is read without one, so that the index on time serves and partitions beyond it stay closed (DATA.md).
 */
export const auditWindow = (column: string): string =>
  `${column} >= coalesce($1::timestamptz, coalesce($2::timestamptz, now()) - interval '30 days')
   and ${column} < coalesce($2::timestamptz, now())`;

/** @throws ProblemError 422 for a window that ends before it begins */
export function requireWindow({ from, to }: AuditWindow): void {
  if (!from || !to || from < to) return;
  const detail = 'from must be earlier than to';
  throw problems.invalid({ detail, errors: [{ pointer: '/from', rule: 'request.window', detail, severity: 'error' }] });
}
