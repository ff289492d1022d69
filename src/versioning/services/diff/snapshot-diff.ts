import { Slices } from '../../../common/threads/slices.js';
import type { ResourceDifference, ResourceKind } from '../../../xds/index.js';
import { type Json, type JsonChange, type JsonObject, diffJson } from './json-diff.js';

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

/**
 * What lies between two snapshots, from the resources that they do not have alike. Takes its time in slices.
 * @param after the later document of a resource that both have
 * @throws Error where a document is missing
 */
export async function snapshotDiff(
  differences: readonly ResourceDifference[],
  after: (difference: ResourceDifference & { readonly index: number }) => string | null,
): Promise<SnapshotDiff> {
  const diff = { added: [] as ResourceName[], removed: [] as ResourceName[], changed: [] as ChangedResource[] };
  const slices = new Slices();
  for (const difference of differences) {
    const { kind, name, index, wasThere, before } = difference;
    if (index === null) diff.removed.push({ kind, name });
    else if (!wasThere) diff.added.push({ kind, name });
    else {
      const documents = [before, after({ ...difference, index })].map((text) => parsed(text, difference));
      const changes = diffJson(documents[0] ?? null, documents[1] ?? null);
      if (changes.length > 0) diff.changed.push({ kind, name, changes });
      await slices.next();
    }
  }
  return diff;
}

function parsed(text: string | null, { kind, name }: ResourceName): Json {
  if (text === null) throw new Error(`the content of ${kind} "${name}" is missing`);
  return JSON.parse(text) as Json;
}
