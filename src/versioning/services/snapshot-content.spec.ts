import { describe, expect, it } from '@jest/globals';
import { configHash, namedResources } from './snapshot-content.js';

const DOCUMENT = {
  clusters: [{ name: 'b' }, { name: 'a', connect_timeout: '1s' }],
  endpoints: [{ cluster_name: 'a' }],
};

describe('namedResources', () => {
  it('names each resource by the field that its kind is named by', () => {
    expect(namedResources(DOCUMENT).map(({ kind, name }) => `${kind}/${name}`)).toEqual([
      'cluster/b',
      'cluster/a',
      'endpoint/a',
    ]);
  });
});

describe('configHash', () => {
  it('is the same for equal content in another order', () => {
    const reordered = {
      endpoints: DOCUMENT.endpoints,
      clusters: [{ connect_timeout: '1s', name: 'a' }, { name: 'b' }],
    };
    expect(configHash(namedResources(reordered))).toBe(configHash(namedResources(DOCUMENT)));
  });

  it('is another for other content, and for the same resource of another kind', () => {
    const hashes = [{}, DOCUMENT, { clusters: [{ name: 'a' }] }, { listeners: [{ name: 'a' }] }].map((document) =>
      configHash(namedResources(document)),
    );
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});
