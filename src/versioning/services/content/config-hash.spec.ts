import { describe, expect, it } from '@jest/globals';
import type { NamedResource } from '../diff/snapshot-diff.js';
import { configHash } from './config-hash.js';

const cluster = (name: string, more = {}): NamedResource => ({ kind: 'cluster', name, json: { name, ...more } });
const CONTENT = [cluster('b'), cluster('a', { connect_timeout: '1s' })];

describe('configHash', () => {
  it('is the same for equal content in another order', () => {
    const reordered: NamedResource[] = [
      { kind: 'cluster', name: 'a', json: { connect_timeout: '1s', name: 'a' } },
      cluster('b'),
    ];
    expect(configHash(reordered)).toBe(configHash(CONTENT));
  });

  it('is another for other content, and for the same resource of another kind', () => {
    const listener: NamedResource = { kind: 'listener', name: 'a', json: { name: 'a' } };
    const hashes = [[], CONTENT, [cluster('a')], [listener]].map(configHash);
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});
