import { describe, expect, it } from '@jest/globals';
import { CompiledSnapshot, type EncodedResource, resourceVersion, snapshotHash } from './compiled-snapshot.js';
import { SnapshotCache } from './snapshot-cache.js';
import type { ResourcePool } from './snapshot-store.js';

const cluster = (name: string, bytes = 1000): EncodedResource => {
  const value = Buffer.alloc(bytes, name);
  return { kind: 'cluster', name, version: resourceVersion('cluster', value), value, children: [] };
};
const snapshot = (...resources: EncodedResource[]) => new CompiledSnapshot(snapshotHash(resources), resources);

/** A store that counts how often it is asked, and answers when told to. */
class FakeStore {
  readonly loads: string[] = [];
  readonly stored = new Map<string, () => CompiledSnapshot>();
  gate: Promise<void> = Promise.resolve();

  put(...names: string[]): string {
    const make = () => snapshot(...names.map((name) => cluster(name)));
    const { hash } = make();
    this.stored.set(hash, make);
    return hash;
  }

  async load(tenantId: string, hash: string, pool?: ResourcePool): Promise<CompiledSnapshot | undefined> {
    this.loads.push(`${tenantId}/${hash}`);
    await this.gate;
    const made = this.stored.get(hash)?.();
    if (!made) return undefined;
    const resources = [...made.resources('cluster').values()].map((resource) => {
      const known = pool?.get(tenantId, resource.kind, resource.version);
      if (!known) pool?.set(tenantId, resource);
      return known ?? resource;
    });
    return new CompiledSnapshot(hash, resources);
  }
}

describe('SnapshotCache', () => {
  it('loads a snapshot once for all that ask at the same time', async () => {
    const store = new FakeStore();
    const hash = store.put('a');
    const cache = new SnapshotCache(store, 1e6);
    const [one, two] = await Promise.all([cache.get('t', hash), cache.get('t', hash)]);
    expect(one).toBeDefined();
    expect(two).toBe(one);
    expect(await cache.get('t', hash)).toBe(one);
    expect(store.loads).toEqual([`t/${hash}`]);
  });

  it('keeps tenants apart', async () => {
    const store = new FakeStore();
    const hash = store.put('a');
    const cache = new SnapshotCache(store, 1e6);
    const mine = await cache.get('t1', hash);
    const theirs = await cache.get('t2', hash);
    expect(theirs).not.toBe(mine);
    expect(theirs?.resources('cluster').get('a')).not.toBe(mine?.resources('cluster').get('a'));
  });

  it('shares resources between snapshots, and counts them once', async () => {
    const store = new FakeStore();
    const first = store.put('a', 'b');
    const second = store.put('a', 'c');
    const cache = new SnapshotCache(store, 1e6);
    const one = await cache.get('t', first);
    const before = cache.byteLength;
    const two = await cache.get('t', second);
    expect(two?.resources('cluster').get('a')).toBe(one?.resources('cluster').get('a'));
    expect(cache.byteLength - before).toBeLessThan(2000);
  });

  it('keeps within its bytes and lets go of the least recently used', async () => {
    const store = new FakeStore();
    const hashes = ['a', 'b', 'c'].map((name) => store.put(name));
    const cache = new SnapshotCache(store, 3000);
    await cache.get('t', hashes[0]!);
    await cache.get('t', hashes[1]!);
    await cache.get('t', hashes[0]!);
    await cache.get('t', hashes[2]!);
    expect(cache.byteLength).toBeLessThanOrEqual(3000);
    expect(cache.byteLength).toBeGreaterThan(2000);
  });

  it('does not keep a snapshot that is larger than its bound, but serves it', async () => {
    const store = new FakeStore();
    const hash = store.put('a', 'b', 'c');
    const cache = new SnapshotCache(store, 2000);
    const served = await cache.get('t', hash);
    expect(served?.resources('cluster').size).toBe(3);
    expect(cache.byteLength).toBe(0);
    // Whoever serves it keeps it findable.
    expect(await cache.get('t', hash)).toBe(served);
    expect(store.loads).toHaveLength(1);
  });

  it('remembers neither a failure nor an absence', async () => {
    const store = new FakeStore();
    const cache = new SnapshotCache(store, 1e6);
    store.gate = Promise.reject(new Error('away'));
    await expect(cache.get('t', 'x')).rejects.toThrow('away');
    store.gate = Promise.resolve();
    expect(await cache.get('t', 'x')).toBeUndefined();
    expect(await cache.get('t', 'x')).toBeUndefined();
    expect(store.loads).toHaveLength(3);
  });
});
