import { hash } from 'node:crypto';
import { WeakValues } from '../../snapshots/weak-values.js';

/**
 * A reader of bytes that reads the same ones once: thousands of proxies of one configuration ask for the same names and claim the same
 * versions. What it returns is shared by all who sent the same, for as long as one of them holds it, so nobody may change it; and what
 * follows from it can be remembered by it.
 */
export function readOnce<T extends object>(read: (bytes: Buffer) => T): (bytes: Buffer) => T {
  const known = new WeakValues<T>();
  return (bytes) => {
    // Peers choose the bytes, so nothing less than a cryptographic hash tells them apart.
    const key = hash('sha256', bytes, 'base64');
    let value = known.get(key);
    if (!value) known.set(key, (value = read(bytes)));
    return value;
  };
}
