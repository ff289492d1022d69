import { describe, expect, it } from '@jest/globals';
import { allows, describePermissions, narrowed, PERMISSION_ENTRY, permissionsOf } from './permissions.js';

describe('permissionsOf', () => {
  it('lets a viewer read everything but the audit log and write nothing', () => {
    const viewer = permissionsOf('viewer');
    expect(allows(viewer, 'proxies:read')).toBe(true);
    expect(allows(viewer, 'api-keys:read')).toBe(true);
    expect(allows(viewer, 'audit:read')).toBe(false);
    expect(allows(viewer, 'proxies:write')).toBe(false);
  });

  it('gives the audit log to admins, and to others by name alone', () => {
    expect(allows(permissionsOf('admin'), 'audit:read')).toBe(true);
    expect(allows(permissionsOf('operator', { 'audit:read': true }), 'audit:read')).toBe(true);
    expect(allows(permissionsOf('operator', { '*:read': true, '*:*': true }), 'audit:read')).toBe(false);
    expect(allows(narrowed(permissionsOf('operator'), ['audit:read', '*:read']), 'audit:read')).toBe(false);
    expect(allows(narrowed(permissionsOf('admin'), ['*:read']), 'audit:read')).toBe(true);
  });

  it('lets an operator change and deploy, but not manage keys', () => {
    const operator = permissionsOf('operator');
    for (const resource of [
      'vms',
      'containers',
      'proxies',
      'proxy-groups',
      'configurations',
      'deployments',
      'credentials',
    ]) {
      expect(allows(operator, `${resource}:write`)).toBe(true);
    }
    expect(allows(operator, 'api-keys:write')).toBe(false);
    expect(allows(operator, 'users:write')).toBe(false);
  });

  it('lets an admin do everything', () => {
    expect(allows(permissionsOf('admin'), 'api-keys:write')).toBe(true);
    expect(allows(permissionsOf('admin'), 'whatever-comes:write')).toBe(true);
  });

  it('is widened and narrowed by entries, of which a denial wins', () => {
    const viewer = permissionsOf('viewer', { 'proxies:write': true, 'credentials:read': false });
    expect(allows(viewer, 'proxies:write')).toBe(true);
    expect(allows(viewer, 'credentials:read')).toBe(false);
    expect(allows(viewer, 'proxies:read')).toBe(true);
    const admin = permissionsOf('admin', { '*:write': false, 'proxies:write': true });
    expect(allows(admin, 'proxies:write')).toBe(false);
  });
});

describe('narrowed', () => {
  it('gives a key at most what its list and its user both allow', () => {
    const key = narrowed(permissionsOf('operator'), ['proxies:read', 'proxies:write', 'api-keys:write']);
    expect(allows(key, 'proxies:write')).toBe(true);
    expect(allows(key, 'deployments:write')).toBe(false);
    expect(allows(key, 'api-keys:write')).toBe(false);
  });

  it('changes nothing without a list and allows nothing with an empty one', () => {
    expect(allows(narrowed(permissionsOf('admin'), null), 'proxies:write')).toBe(true);
    expect(allows(narrowed(permissionsOf('admin'), []), 'proxies:read')).toBe(false);
  });
});

describe('allows', () => {
  it('wants all of an entry with a star', () => {
    expect(allows(permissionsOf('operator'), '*:read')).toBe(true);
    expect(allows(permissionsOf('operator'), '*:write')).toBe(false);
    expect(allows(permissionsOf('viewer', { 'credentials:read': false }), '*:read')).toBe(false);
  });

  it('takes every action for all of them', () => {
    for (const entry of ['proxies:*', '*:*']) {
      expect(allows(permissionsOf('admin'), entry)).toBe(true);
      expect(allows(permissionsOf('viewer'), entry)).toBe(false);
      expect(allows(permissionsOf('admin', { 'proxies:write': false }), entry)).toBe(false);
    }
    expect(allows(permissionsOf('operator', { '*:*': true }), 'audit:*')).toBe(false);
    expect(allows(narrowed(permissionsOf('admin'), ['proxies:read', 'proxies:write']), 'proxies:*')).toBe(true);
  });
});

describe('describePermissions', () => {
  it('names what is granted and what is denied', () => {
    expect(describePermissions(permissionsOf('viewer', { 'proxies:write': true, 'credentials:read': false }))).toEqual([
      '*:read',
      'proxies:write',
      '-credentials:read',
      '-audit:read',
    ]);
    expect(describePermissions(permissionsOf('admin'))).toEqual(['*:read', '*:write']);
    expect(describePermissions(narrowed(permissionsOf('viewer'), ['proxies:read', 'proxies:write']))).toEqual([
      'proxies:read',
    ]);
  });
});

describe('PERMISSION_ENTRY', () => {
  it('knows entries from other text', () => {
    expect(['proxies:read', '*:write', 'api-keys:*'].every((text) => PERMISSION_ENTRY.test(text))).toBe(true);
    expect(
      ['proxies', 'proxies:delete', 'a:b:read', '', ':read', 'Proxies:read'].some((text) =>
        PERMISSION_ENTRY.test(text),
      ),
    ).toBe(false);
  });
});
