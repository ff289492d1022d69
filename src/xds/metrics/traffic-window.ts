import { problems } from '../../common/errors/problem.js';
import { parseDuration } from '../../common/clock/duration.js';

/** Which time is looked at, and in steps of what length; milliseconds since the epoch. */
export interface TrafficWindow {
  readonly from: number;
  readonly to: number;
  readonly step: number;
  /** Up to when minutes are over; behind it nothing can be known yet. */
  readonly known: number;
}

export interface AskedWindow {
  readonly from?: Date;
  readonly to?: Date;
  readonly step?: string;
}

const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
const MAX_STEPS = 1_500;
const EARLIEST = Date.parse('2000-01-01T00:00:00Z');
const LATEST = Date.parse('9999-01-01T00:00:00Z');

/**
 * The window in whole minutes, or whole hours where steps are hours: it begins no later and ends no earlier than was asked. Steps lie at
 * multiples of themselves, so that they are the same whenever it is asked.
 * @throws ProblemError 422
 */
export function windowOf({ from, to, step: text = '1m' }: AskedWindow, known: number): TrafficWindow {
  const step = parseDuration(text) ?? 0;
  const unit = step >= HOUR ? HOUR : MINUTE;
  if (step < MINUTE || step % unit !== 0) {
    throw refused('/step', 'step is whole minutes, such as 5m, or whole hours, such as 1h');
  }
  const end = Math.ceil((to?.getTime() ?? known) / unit) * unit;
  const start = Math.floor((from?.getTime() ?? end - Math.max(HOUR, step)) / step) * step;
  for (const [pointer, time] of [
    ['/from', start],
    ['/to', end],
  ] as const) {
    if (!(time >= EARLIEST && time <= LATEST)) throw refused(pointer, 'a time like 2030-01-01T00:00:00Z is expected');
  }
  if (start >= end) throw refused('/from', 'from must be earlier than to');
  if ((end - start) / step > MAX_STEPS) {
    throw refused('/step', `the window has more than ${MAX_STEPS} steps; make it shorter, or the steps longer`);
  }
  return { from: start, to: end, step, known };
}

function refused(pointer: string, detail: string): Error {
  return problems.invalid({ detail, errors: [{ pointer, rule: 'request.window', detail, severity: 'error' }] });
}
