import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type NamedResource, diffSnapshots } from './snapshot-diff.js';

const cluster = (name: string, timeout: string): NamedResource => ({
  kind: 'cluster',
  name,
  json: { name, connect_timeout: timeout },
});

const snapshots = fc.uniqueArray(
  fc.record<NamedResource>({
    kind: fc.constantFrom('cluster', 'listener', 'route'),
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    json: fc.record({ timeout: fc.constantFrom('1s', '2s') }),
  }),
  { selector: ({ kind, name }) => `${kind}/${name}` },
);

describe('diffSnapshots', () => {
  it('tells added, removed and changed resources apart', () => {
    const diff = diffSnapshots(
      [cluster('gone', '1s'), cluster('same', '1s'), cluster('slow', '1s')],
      [cluster('slow', '2s'), cluster('new', '1s'), cluster('same', '1s')],
    );
    expect(diff).toEqual({
      added: [{ kind: 'cluster', name: 'new' }],
      removed: [{ kind: 'cluster', name: 'gone' }],
      changed: [
        {
          kind: 'cluster',
          name: 'slow',
          changes: [{ op: 'replace', pointer: '/connect_timeout', before: '1s', value: '2s' }],
        },
      ],
    });
  });

  it('does not take equal names of different kinds for one resource', () => {
    const listener: NamedResource = { kind: 'listener', name: 'a', json: { name: 'a' } };
    expect(diffSnapshots([cluster('a', '1s')], [listener])).toEqual({
      added: [{ kind: 'listener', name: 'a' }],
      removed: [{ kind: 'cluster', name: 'a' }],
      changed: [],
    });
  });

  it('accounts for every resource exactly once, whatever the order', () => {
    fc.assert(
      fc.property(snapshots, snapshots, (before, after) => {
        const diff = diffSnapshots(before, after);
        expect(diffSnapshots([...before].reverse(), [...after].reverse())).toEqual(diff);
        expect(before.length - diff.removed.length + diff.added.length).toBe(after.length);
        const backwards = diffSnapshots(after, before);
        expect([backwards.added, backwards.removed]).toEqual([diff.removed, diff.added]);
        expect(backwards.changed.map(({ name }) => name)).toEqual(diff.changed.map(({ name }) => name));
      }),
    );
  });
});
