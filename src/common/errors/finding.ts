/**
 * One thing found wrong, or worth saying, in a document that somebody sent.
 *
 * `pointer` is an RFC 6901 JSON pointer into that document, `rule` a stable dotted identifier that tools may match on, and
 * `detail` a sentence for people that says what to do. Errors refuse the document, warnings are stored with it.
 */
export interface Finding {
  readonly pointer: string;
  readonly rule: string;
  readonly detail: string;
  readonly severity: 'error' | 'warning';
}

/** Appends one reference token to a JSON pointer, escaped as RFC 6901 §3 demands. */
export function pointerTo(parent: string, token: string | number): string {
  return `${parent}/${String(token).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
