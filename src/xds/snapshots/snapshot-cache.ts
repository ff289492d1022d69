import { RESOURCE_TYPES, type ResourceKind } from '../resource-types.js';
import type { CompiledSnapshot, EncodedResource } from './compiled-snapshot.js';
import type { ResourcePool, SnapshotStore } from './snapshot-store.js';
import { WeakValues } from './weak-values.js';

/** What one entry of a snapshot's maps costs beside the bytes of its resource; measured roughly, and only to bound the cache. */
const ENTRY_BYTES = 256;

/**
 * The compiled snapshots of this replica, by tenant and content hash. Loading happens once however many ask at the same time.
 *
 * Two things keep a snapshot in memory: the streams that serve it, and this cache, which holds the most recently used up to a
 * bound of bytes so that proxies that come back need no query. What is in memory for either reason is found here; a resource that
 * several snapshots share is in memory, and counted, once.
 */
export class SnapshotCache {
  private readonly snapshots = new WeakValues<CompiledSnapshot>();
  private readonly pool = new SharedResources();
  /** Least recently used first. */
  private readonly kept = new Map<string, CompiledSnapshot>();
  /** How many of the kept snapshots hold a resource. */
  private readonly holders = new Map<EncodedResource, number>();
  private readonly loading = new Map<string, Promise<CompiledSnapshot | undefined>>();
  private bytes = 0;

  /** @param maxBytes bound of what is kept only because it was used; a snapshot that alone is larger is not kept */
  constructor(
    private readonly store: Pick<SnapshotStore, 'load'>,
    private readonly maxBytes: number,
  ) {}

  /** Bytes that the cache keeps in memory. */
  get byteLength(): number {
    return this.bytes;
  }

  /** @returns undefined where the tenant has no such snapshot; that is not remembered */
  async get(tenantId: string, hash: string): Promise<CompiledSnapshot | undefined> {
    const key = `${tenantId}/${hash}`;
    const known = this.snapshots.get(key);
    if (known) {
      this.keep(key, known);
      return known;
    }
    let loading = this.loading.get(key);
    if (!loading) {
      loading = this.load(key, tenantId, hash).finally(() => this.loading.delete(key));
      this.loading.set(key, loading);
    }
    return loading;
  }

  private async load(key: string, tenantId: string, hash: string): Promise<CompiledSnapshot | undefined> {
    const snapshot = await this.store.load(tenantId, hash, this.pool);
    if (!snapshot) return undefined;
    this.snapshots.set(key, snapshot);
    this.keep(key, snapshot);
    return snapshot;
  }

  /** Makes it the most recently used, and lets go of the least recently used beyond the bound. */
  private keep(key: string, snapshot: CompiledSnapshot): void {
    if (this.kept.delete(key)) {
      this.kept.set(key, snapshot);
      return;
    }
    this.kept.set(key, snapshot);
    for (const resource of resourcesOf(snapshot)) {
      const holders = this.holders.get(resource) ?? 0;
      if (holders === 0) this.bytes += resource.value.byteLength;
      this.bytes += ENTRY_BYTES;
      this.holders.set(resource, holders + 1);
    }
    for (const [oldKey, old] of this.kept) {
      if (this.bytes <= this.maxBytes) return;
      this.release(oldKey, old);
    }
  }

  private release(key: string, snapshot: CompiledSnapshot): void {
    this.kept.delete(key);
    for (const resource of resourcesOf(snapshot)) {
      const holders = (this.holders.get(resource) ?? 1) - 1;
      this.bytes -= ENTRY_BYTES;
      if (holders > 0) {
        this.holders.set(resource, holders);
      } else {
        this.holders.delete(resource);
        this.bytes -= resource.value.byteLength;
      }
    }
  }
}

/** The resources of all snapshots in memory. */
class SharedResources implements ResourcePool {
  private readonly resources = new WeakValues<EncodedResource>();

  get(tenantId: string, kind: ResourceKind, version: string): EncodedResource | undefined {
    return this.resources.get(`${tenantId}/${kind}/${version}`);
  }

  set(tenantId: string, resource: EncodedResource): void {
    this.resources.set(`${tenantId}/${resource.kind}/${resource.version}`, resource);
  }
}

function* resourcesOf(snapshot: CompiledSnapshot): Iterable<EncodedResource> {
  for (const { kind } of RESOURCE_TYPES) yield* snapshot.resources(kind).values();
}
