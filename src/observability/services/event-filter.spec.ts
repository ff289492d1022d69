import { describe, expect, it } from '@jest/globals';
import { matches, permissionOf } from './event-filter.js';

describe('the filter of events', () => {
  const event = {
    id: '1',
    tenantId: 't',
    type: 'deployment.target.failed',
    subjectId: 'd',
    payload: {},
    createdAt: new Date(0),
  };

  it.each([
    ['deployment.started', 'deployments:read'],
    ['configuration.version.committed', 'configurations:read'],
    ['proxy.connected', 'proxies:read'],
    ['proxy.lifecycle_changed', 'proxies:read'],
    ['endpoint_override.created', 'endpoint-overrides:read'],
  ])('needs for %s the permission %s', (type, permission) => {
    expect(permissionOf(type)).toBe(permission);
  });

  it.each([
    [{}, true],
    [{ types: ['deployment.target.failed'] }, true],
    [{ types: ['deployment.*'] }, true],
    [{ types: ['configuration.*', 'deployment.target.*'] }, true],
    [{ types: ['deployment'] }, false],
    [{ types: ['deployment.started'] }, false],
    [{ types: ['deployment.*'], subjectId: 'd' }, true],
    [{ subjectId: 'other' }, false],
  ])('given %j answers %s', (filter, shown) => {
    expect(matches(filter, event)).toBe(shown);
  });
});
