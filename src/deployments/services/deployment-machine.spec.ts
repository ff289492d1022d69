import { describe, expect, it } from '@jest/globals';
import {
  DEPLOYMENT_STATUSES,
  type DeploymentStatus,
  ENGINE_STATUSES,
  INITIAL_STATUS,
  actionsIn,
  nextStatus,
} from './deployment-machine.js';

function reachableFrom(start: DeploymentStatus): Set<DeploymentStatus> {
  const found = new Set([start]);
  for (const status of found) {
    for (const action of actionsIn(status)) found.add(nextStatus(status, action)!);
  }
  return found;
}

const isFinal = (status: DeploymentStatus) => actionsIn(status).length === 0;

describe('the deployment machine', () => {
  it('reaches every state from the first', () => {
    expect([...reachableFrom(INITIAL_STATUS)].sort()).toEqual([...DEPLOYMENT_STATUSES].sort());
  });

  it('can end from every state', () => {
    for (const status of DEPLOYMENT_STATUSES) expect([...reachableFrom(status)].some(isFinal)).toBe(true);
  });

  it('lets a person stop whatever the engine is working on', () => {
    for (const status of ENGINE_STATUSES) expect(nextStatus(status, 'abort')).toBe('aborted');
  });

  it('gives the engine a way on in every state that it works on, and in no other', () => {
    for (const status of DEPLOYMENT_STATUSES) {
      const engineActions = actionsIn(status).filter((action) => action !== 'abort');
      expect(engineActions.length > 0).toBe(ENGINE_STATUSES.includes(status));
    }
  });

  it('knows no action that does not fit', () => {
    expect(nextStatus('succeeded', 'abort')).toBeUndefined();
    expect(nextStatus('pending', 'succeed')).toBeUndefined();
  });
});
