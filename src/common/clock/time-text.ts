const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

/**
 * Reads an RFC 3339 time like `2030-01-01T00:00:00Z`, to the millisecond; undefined for anything else, also for the 31st of February, which
 * JavaScript takes for a day in March, and for the year 0, which PostgreSQL does not have.
 */
export function readTime(text: string): Date | undefined {
  const [whole, shown] = TIME.exec(text.toUpperCase()) ?? [];
  if (whole === undefined || shown === undefined || shown.startsWith('0000')) return undefined;
  const time = new Date(whole);
  const isOnCalendar = !Number.isNaN(time.getTime()) && new Date(`${shown}Z`).toISOString().startsWith(shown);
  return isOnCalendar ? time : undefined;
}
