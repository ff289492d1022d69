/**
 * A `timestamptz::text` as the API shows times, without a Date in between: that costs a twentieth, and a page has hundreds of times. The
 * sessions of EFMS are in UTC.
 */
export function timeText(text: string): string {
  if (!text.endsWith('+00')) return new Date(text).toISOString();
  const milliseconds = text.slice(20, -3).slice(0, 3).padEnd(3, '0');
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${milliseconds}Z`;
}
