import { describe, expect, it } from '@jest/globals';
import type { Version } from '../../versioning/index.js';
import type { CurrentAssignment } from '../../xds/index.js';
import { planDeployment } from './deployment-plan.js';

const version = { snapshotHash: 'new' } as Version;
const proxies = ['a', 'b', 'c', 'd'].map((name) => ({ id: `id-${name}`, name }));
const assignment = (snapshotHash: string, versionId: string | null): CurrentAssignment => ({
  proxyId: '',
  snapshotHash,
  versionId,
  previousSnapshotHash: null,
  previousVersionId: null,
  assignedAt: new Date(0),
});

describe('planDeployment', () => {
  it('groups the targets that change by what they have now, the most common first', () => {
    const current = new Map([
      ['id-a', assignment('other', 'v7')],
      ['id-b', assignment('old', 'v1')],
      ['id-c', assignment('old', 'v1')],
    ]);
    const names = new Map([['v1', { configuration: 'edge', number: 1 }]]);
    const { targets, changes } = planDeployment({ version, proxies, current, names });
    expect(targets.map(({ current: now, changes: moves }) => [now?.number ?? null, moves])).toEqual([
      [null, true],
      [1, true],
      [1, true],
      [null, true],
    ]);
    expect(changes).toEqual([
      { from: { configuration: 'edge', number: 1 }, fromSnapshotHash: 'old', targets: 2 },
      { from: null, fromSnapshotHash: 'other', targets: 1 },
      { from: null, fromSnapshotHash: null, targets: 1 },
    ]);
  });

  it('changes nothing for a target that has this content, whatever version it came with', () => {
    const current = new Map(proxies.map(({ id }) => [id, assignment('new', 'v0')]));
    const plan = planDeployment({ version, proxies, current, names: new Map() });
    expect(plan.changes).toEqual([]);
    expect(plan.targets.some(({ changes }) => changes)).toBe(false);
  });
});
