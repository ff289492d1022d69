import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ApiCall } from '../kit/accounts.js';
import { type Efms, startEfms } from '../kit/efms.js';
import { expectStatus } from '../kit/fleet-of-one.js';
import { joinTenant, openTenant } from '../kit/tenancy.js';

/** See nfr-se-001.spec.ts for every operation with every role. */
describe('FR-MT-003: roles per tenant, narrowed and widened by permissions', () => {
  let efms: Efms;
  let admin: ApiCall;

  beforeAll(async () => {
    efms = await startEfms();
    ({ admin } = await openTenant(efms, 'roles'));
  });
  afterAll(() => efms.stop());

  it('given a viewer with one permission more and one less, lets and refuses exactly those', async () => {
    const permissions = { 'proxies:write': true, 'credentials:read': false };
    const { call } = await joinTenant(efms, admin, { email: 'jo@roles.example', role: 'viewer', permissions });
    expect((await call('GET', '/me')).body.permissions).toEqual(
      expect.arrayContaining(['*:read', 'proxies:write', '-credentials:read']),
    );
    await expectStatus(201, call('PUT', '/proxies/name:p', { nodeId: 'p' }));
    await expectStatus(200, call('GET', '/proxies'));
    const refused = await call('GET', '/proxies/name:p/credentials');
    expect([refused.status, refused.body.detail]).toEqual([403, expect.stringContaining('credentials:read')]);
    await expectStatus(403, call('POST', '/configurations', { name: 'c' }));
  });

  it('given a role that changes, the next request is judged by the new one', async () => {
    const { id, call } = await joinTenant(efms, admin, { email: 'kim@roles.example', role: 'operator' });
    await expectStatus(201, call('PUT', '/proxies/name:q', { nodeId: 'q' }));
    const user = await expectStatus(200, admin('GET', `/users/${id}`));
    const etag = user.headers.get('etag')!;
    await expectStatus(200, admin('PATCH', `/users/${id}`, { role: 'viewer' }, { 'if-match': etag }));
    await expectStatus(412, admin('PATCH', `/users/${id}`, { role: 'admin' }, { 'if-match': etag }));
    await expectStatus(403, call('PUT', '/proxies/name:r', { nodeId: 'r' }));
  });

  it('refuses to give more than one has, and to take the last admin away', async () => {
    const clerk = await joinTenant(efms, admin, {
      email: 'clerk@roles.example',
      role: 'viewer',
      permissions: { 'users:write': true },
    });
    const puppet = await clerk.call('POST', '/users', { email: 'puppet@roles.example', role: 'admin' });
    expect([puppet.status, puppet.body.type]).toEqual([403, '/problems/beyond-caller']);
    await expectStatus(403, clerk.call('PATCH', `/users/${clerk.id}`, { role: 'admin' }, { 'if-match': '*' }));
    const { id } = (await admin('GET', '/me')).body.principal;
    const last = await admin('POST', `/users/${id}/deactivate`);
    expect([last.status, last.body.type]).toEqual([409, '/problems/last-admin']);
  });
});
