import { describe, expect, it } from '@jest/globals';
import type { ResourceDifference } from '../../../xds/index.js';
import { type SnapshotDiff, snapshotDiff } from './snapshot-diff.js';

const difference = (name: string, more: Partial<ResourceDifference>): ResourceDifference => ({
  kind: 'cluster',
  name,
  index: null,
  wasThere: false,
  before: null,
  after: null,
  ...more,
});
const timeout = (seconds: number): string => JSON.stringify({ connect_timeout: `${seconds}s` });
const diff = (...differences: ResourceDifference[]): Promise<SnapshotDiff> =>
  snapshotDiff(differences, ({ after }) => after);

describe('snapshotDiff', () => {
  it('tells added, removed and changed resources apart', async () => {
    const found = await diff(
      difference('gone', { wasThere: true }),
      difference('new', { index: 0 }),
      difference('slow', { index: 1, wasThere: true, before: timeout(1), after: timeout(2) }),
    );
    expect(found).toEqual({
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

  it('leaves out what is encoded otherwise and says the same', async () => {
    const same = difference('same', { index: 0, wasThere: true, before: '{"a":1,"b":2}', after: '{"b":2,"a":1}' });
    expect(await diff(same)).toEqual({ added: [], removed: [], changed: [] });
  });

  it('does not take content that is missing for content that is empty', async () => {
    await expect(diff(difference('lost', { index: 0, wasThere: true, after: '{}' }))).rejects.toThrow(
      'the content of cluster "lost" is missing',
    );
  });
});
