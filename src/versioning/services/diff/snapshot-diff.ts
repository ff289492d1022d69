import type { ResourceKind } from '../../../xds/index.js';
import { type JsonChange, type JsonObject, diffJson } from './json-diff.js';

/** One resource of a snapshot: its name is unique within its kind, `json` is the canonical document. */
export interface NamedResource {
  readonly kind: ResourceKind;
  readonly name: string;
  readonly json: JsonObject;
}

export interface ResourceName {
  readonly kind: ResourceKind;
  readonly name: string;
}

export interface ChangedResource extends ResourceName {
  /** Pointers are within the resource. */
  readonly changes: readonly JsonChange[];
}

/** What lies between two snapshots, by resource, each list ordered by kind and name. */
export interface SnapshotDiff {
  readonly added: readonly ResourceName[];
  readonly removed: readonly ResourceName[];
  readonly changed: readonly ChangedResource[];
}

/** Compares two snapshots by kind and name of their resources. The order of resources in them means nothing. */
export function diffSnapshots(before: readonly NamedResource[], after: readonly NamedResource[]): SnapshotDiff {
  const old = byKey(before);
  const now = byKey(after);
  const changed: ChangedResource[] = [];
  for (const [key, { kind, name, json }] of now) {
    const was = old.get(key);
    if (!was) continue;
    const changes = diffJson(was.json, json);
    if (changes.length > 0) changed.push({ kind, name, changes });
  }
  return { added: missingIn(old, now), removed: missingIn(now, old), changed };
}

/** In order of kind and name. */
function byKey(resources: readonly NamedResource[]): Map<string, NamedResource> {
  const entries = resources.map((resource): [string, NamedResource] => [`${resource.kind}/${resource.name}`, resource]);
  return new Map(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function missingIn(set: ReadonlyMap<string, NamedResource>, of: ReadonlyMap<string, NamedResource>): ResourceName[] {
  return [...of].filter(([key]) => !set.has(key)).map(([, { kind, name }]) => ({ kind, name }));
}
