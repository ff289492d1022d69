/**
 * A map that does not keep its values alive: an entry is there for as long as somebody else holds its value. For immutable values
 * that are found by their content, so that a second copy is never made while one exists.
 */
export class WeakValues<V extends object> {
  private readonly references = new Map<string, WeakRef<V>>();
  private readonly registry = new FinalizationRegistry<string>((key) => {
    // The key may have a new value by now.
    if (this.references.get(key)?.deref() === undefined) this.references.delete(key);
  });

  get(key: string): V | undefined {
    return this.references.get(key)?.deref();
  }

  set(key: string, value: V): void {
    this.references.set(key, new WeakRef(value));
    this.registry.register(value, key);
  }
}
