import type { IncomingMessage } from 'node:http';

/** A collection of the API with an escaped colon behind it, and nothing further. */
const ESCAPED_VERB = /^(\/api\/v\d+\/[a-z-]+)%3a([a-z-]+(?:\?|$))/i;

/**
 * The address for the router, which compares a verb behind a collection (`/proxies:batch`) as it is written: some clients escape its colon.
 * Elsewhere an escape may mean something, in names above all, and stays.
 */
export const withPlainVerb = ({ url = '/' }: Pick<IncomingMessage, 'url'>): string =>
  url.replace(ESCAPED_VERB, '$1:$2');
