import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { RESOURCE_TYPES, type ReadResource, type SnapshotDocument } from '../../xds/index.js';
import type { NamedResource } from './diff/snapshot-diff.js';
import type { JsonObject } from './diff/json-diff.js';

/** The resources of a canonical document with their kinds and names. */
export function namedResources(document: SnapshotDocument): NamedResource[] {
  return RESOURCE_TYPES.flatMap(({ kind, collection, nameField }) =>
    ((document[collection] ?? []) as readonly JsonObject[]).map((json) => ({
      kind,
      name: json[nameField] as string,
      json,
    })),
  );
}

/** The resources of a reading; their canonical documents are plain JSON. */
export function readResources(resources: readonly ReadResource[]): NamedResource[] {
  return resources.map(({ kind, name, json }) => ({ kind, name, json: json as JsonObject }));
}

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
