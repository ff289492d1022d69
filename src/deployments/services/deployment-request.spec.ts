import { describe, expect, it } from '@jest/globals';
import { ProblemError } from '../../common/errors/problem.js';
import { type DeploymentRequest, readRequest } from './deployment-request.js';

const request = (changes: Partial<DeploymentRequest> = {}): DeploymentRequest => ({
  configuration: 'name:edge',
  version: 1,
  targets: { proxies: ['name:edge-1'] },
  strategy: { type: 'immediate' },
  ...changes,
});

const pointersOf = (changes: Partial<DeploymentRequest>): readonly string[] => {
  try {
    readRequest(request(changes));
  } catch (error) {
    if (error instanceof ProblemError) return (error.options.errors ?? []).map(({ pointer }) => pointer);
    throw error;
  }
  return [];
};

describe('readRequest', () => {
  it('fills in what is left out', () => {
    expect(readRequest(request())).toEqual({
      configuration: { name: 'edge' },
      version: 1,
      proxies: [{ name: 'edge-1' }],
      groups: [],
      strategy: 'immediate',
      timeoutSeconds: 300,
      disconnected: 'wait',
      notes: '',
    });
  });

  it('takes ids and names', () => {
    const id = '01890a5d-ac96-774b-bcce-b302099a8057';
    const { configuration, proxies } = readRequest(
      request({ configuration: id, targets: { proxies: [id, 'name:x'] } }),
    );
    expect([configuration, proxies]).toEqual([{ id }, [{ id }, { name: 'x' }]]);
    const byGroup = readRequest(request({ targets: { groups: ['name:edge', id] } }));
    expect([byGroup.proxies, byGroup.groups]).toEqual([[], [{ name: 'edge' }, { id }]]);
  });

  it('names every part that cannot be read', () => {
    expect(pointersOf({ configuration: 'edge', targets: { proxies: ['name:a', 'b'] }, timeout: '5 minutes' })).toEqual([
      '/configuration',
      '/targets/proxies/1',
      '/timeout',
    ]);
    expect(pointersOf({ targets: { groups: ['edge'] } })).toEqual(['/targets/groups/0']);
    expect(pointersOf({ targets: { proxies: [] }, strategy: { type: 'canary' } })).toEqual([
      '/targets',
      '/strategy/type',
    ]);
  });

  it('takes timeouts of whole seconds up to a week', () => {
    expect(readRequest(request({ timeout: '168h' })).timeoutSeconds).toBe(604_800);
    for (const timeout of ['0', '500ms', '1.5s', '168h1s']) expect(pointersOf({ timeout })).toEqual(['/timeout']);
  });
});
