/** Raises a counter among many, which begins at nothing. */
export function addTo<Key>(counters: Map<Key, number>, key: Key, amount = 1): void {
  counters.set(key, (counters.get(key) ?? 0) + amount);
}
