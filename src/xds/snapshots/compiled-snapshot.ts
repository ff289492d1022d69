import { createHash } from 'node:crypto';
import { type ResourceKind, resourceType } from '../resource-types.js';

/** One resource as it goes over the wire; shared by every snapshot and stream that has the same content. */
export interface EncodedResource {
  readonly kind: ResourceKind;
  readonly name: string;
  /** Hash of the content in hex: equal content has an equal version on every replica and after every restart. */
  readonly version: string;
  /** The deterministically encoded message (the `value` of its `google.protobuf.Any`). */
  readonly value: Buffer;
  /** What this resource waits for before it is warm: the endpoint set of a cluster, the routes of a listener. */
  readonly children: readonly ResourceReference[];
}

export interface ResourceReference {
  readonly kind: ResourceKind;
  readonly name: string;
}

/** The resources of one kind in a snapshot, by name, in name order. */
export type ResourceSet = ReadonlyMap<string, EncodedResource>;

const EMPTY: ResourceSet = new Map();

/**
 * An immutable snapshot in the form that streams serve. It is compiled once per replica and content, whatever the number of
 * proxies.
 */
export class CompiledSnapshot {
  /** Content hash of the snapshot, in hex. It covers the names of secrets and not what they hold. */
  readonly hash: string;
  /** The secrets that it refers to; `withSecrets` adds them. */
  readonly secretNames: readonly string[];
  private readonly sets: ReadonlyMap<ResourceKind, ResourceSet>;
  /** By kind and name of the child. */
  private readonly parentsOf: ReadonlyMap<ResourceKind, ReadonlyMap<string, readonly EncodedResource[]>>;
  private readonly children = new Map<ResourceKind, ReadonlyMap<ResourceKind, readonly EncodedResource[]>>();
  private readonly waiting = new Map<ResourceKind, ReadonlyMap<ResourceKind, readonly EncodedResource[]>>();

  constructor(hash: string, resources: readonly EncodedResource[], secretNames: readonly string[] = []) {
    this.hash = hash;
    this.secretNames = secretNames;
    const sets = new Map<ResourceKind, Map<string, EncodedResource>>();
    const parentsOf = new Map<ResourceKind, Map<string, EncodedResource[]>>();
    for (const resource of [...resources].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const set = sets.get(resource.kind) ?? new Map<string, EncodedResource>();
      sets.set(resource.kind, set.set(resource.name, resource));
      for (const { kind, name } of resource.children) {
        const ofKind = parentsOf.get(kind) ?? new Map<string, EncodedResource[]>();
        parentsOf.set(kind, ofKind);
        const parents = ofKind.get(name);
        if (parents) parents.push(resource);
        else ofKind.set(name, [resource]);
      }
    }
    this.sets = sets;
    this.parentsOf = parentsOf;
  }

  resources(kind: ResourceKind): ResourceSet {
    return this.sets.get(kind) ?? EMPTY;
  }

  /** The same snapshot with these resources in the place of those of their names. */
  withReplaced(replacements: readonly EncodedResource[]): CompiledSnapshot {
    const replaced = new Map(replacements.map((resource) => [`${resource.kind}/${resource.name}`, resource]));
    const all = [...this.sets.values()].flatMap((set) => [...set.values()]);
    const resources = all.map((resource) => replaced.get(`${resource.kind}/${resource.name}`) ?? resource);
    return new CompiledSnapshot(this.hash, resources, this.secretNames);
  }

  /** The same snapshot with these secrets in it. */
  withSecrets(secrets: readonly EncodedResource[]): CompiledSnapshot {
    const others = [...this.sets.values()].flatMap((set) => [...set.values()]);
    return new CompiledSnapshot(this.hash, [...others, ...secrets], this.secretNames);
  }

  /** The clusters that wait for this endpoint set, or the listeners that wait for this route configuration. */
  parents(child: ResourceReference): readonly EncodedResource[] {
    return this.parentsOf.get(child.kind)?.get(child.name) ?? [];
  }

  /** By kind, all that waits for resources of a kind. */
  parentsOfKind(kind: ResourceKind): ReadonlyMap<ResourceKind, readonly EncodedResource[]> {
    let byKind = this.waiting.get(kind);
    if (!byKind) {
      const parents = new Set([...(this.parentsOf.get(kind)?.values() ?? [])].flat());
      byKind = Map.groupBy(parents, (parent) => parent.kind);
      this.waiting.set(kind, byKind);
    }
    return byKind;
  }

  /** By kind, what all the resources of a kind wait for, as far as the snapshot has it. */
  childrenOf(kind: ResourceKind): ReadonlyMap<ResourceKind, readonly EncodedResource[]> {
    let byKind = this.children.get(kind);
    if (!byKind) {
      const found = new Map<ResourceKind, Set<EncodedResource>>();
      for (const parent of this.resources(kind).values()) {
        for (const { kind: childKind, name } of parent.children) {
          const child = this.resources(childKind).get(name);
          if (child) found.set(childKind, (found.get(childKind) ?? new Set()).add(child));
        }
      }
      byKind = new Map([...found].map(([childKind, children]) => [childKind, [...children]]));
      this.children.set(kind, byKind);
    }
    return byKind;
  }

  /** Bytes of all resources; what a cache accounts for. */
  get byteLength(): number {
    let total = 0;
    for (const set of this.sets.values()) for (const resource of set.values()) total += resource.value.byteLength;
    return total;
  }
}

/** SHA-256 over type URL and encoded message, in hex: the version of one resource. */
export function resourceVersion(kind: ResourceKind, value: Uint8Array): string {
  return createHash('sha256').update(resourceType(kind).typeUrl).update('\0').update(value).digest('hex');
}

/** SHA-256 over the sorted kinds, names and versions, in hex: the hash of a snapshot. */
export function snapshotHash(resources: readonly Pick<EncodedResource, 'kind' | 'name' | 'version'>[]): string {
  const lines = resources.map((r) => `${r.kind}\0${r.name}\0${r.version}\n`).sort();
  const hash = createHash('sha256');
  for (const line of lines) hash.update(line);
  return hash.digest('hex');
}
