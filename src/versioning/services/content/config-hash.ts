import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { RESOURCE_TYPES } from '../../../xds/in-threads.js';
import type { NamedResource } from '../diff/snapshot-diff.js';

/**
 * SHA-256 in hex over the canonical JSON (RFC 8785) of a snapshot: equal content has an equal hash, in whatever order and spelling
 * it was sent.
 */
export function configHash(resources: readonly NamedResource[]): string {
  const document = Object.fromEntries(
    RESOURCE_TYPES.map(({ kind, collection }) => [
      collection,
      resources
        .filter((resource) => resource.kind === kind)
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .map(({ json }) => json),
    ]),
  );
  return createHash('sha256')
    .update(canonicalize(document) ?? '')
    .digest('hex');
}
