import { type Registry, toBinary } from '@bufbuild/protobuf';
import { resourceVersion, type ResourceReference } from '../snapshots/compiled-snapshot.js';
import type { ResourceType } from '../resource-types.js';
import { canonicalJson } from './canonical-json.js';
import type { MessageTree, TypedMessage } from './message-tree.js';
import type { Step } from './place.js';
import type { FoundReference } from './references.js';
import type { ReadResource } from './resource.js';

/** One resource of a snapshot document while it is being checked. */
export interface SnapshotResource extends TypedMessage {
  readonly resourceType: ResourceType;
  readonly name: string;
  readonly references: readonly FoundReference[];
  readonly tree: MessageTree;
  /** The pointer into the snapshot document for steps that lead from the resource to a value. */
  readonly pointerTo: (steps: readonly Step[]) => string;
}

/** The resource as it is stored and served. */
export function encodeResource(
  { resourceType, type, message, name, references }: SnapshotResource,
  registry: Registry,
): ReadResource {
  const value = Buffer.from(toBinary(type, message));
  return {
    kind: resourceType.kind,
    name,
    value,
    version: resourceVersion(resourceType.kind, value),
    json: canonicalJson(type, message, registry),
    children: distinct(references.filter((reference) => reference.isAwaited)),
    // A secret in a snapshot refers to the tenant's secret of its name.
    references: resourceType.kind === 'secret' ? [{ kind: 'secret', name }] : distinct(references),
  };
}

function distinct(references: readonly ResourceReference[]): ResourceReference[] {
  const byKey = new Map(references.map(({ kind, name }) => [`${kind}/${name}`, { kind, name }]));
  return [...byKey.keys()].sort().flatMap((key) => byKey.get(key) ?? []);
}
