import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Efms, startEfms } from '../kit/efms.js';
import { expectStatus } from '../kit/fleet-of-one.js';

describe('FR-VM-004: machines come and go while EFMS runs', () => {
  let efms: Efms;

  beforeAll(async () => {
    efms = await startEfms();
  });
  afterAll(() => efms.stop());

  it('given a machine, when it is removed, then it is gone, and its hostname is free again', async () => {
    const first = await expectStatus(201, efms.api('PUT', '/vms/name:web-1', {}));
    await expectStatus(204, efms.api('DELETE', '/vms/name:web-1', undefined, { 'if-match': '*' }));
    expect((await efms.api('GET', `/vms/${first.body.id}`)).status).toBe(404);
    const second = await expectStatus(201, efms.api('PUT', '/vms/name:web-1', {}));
    expect(second.body.id).not.toBe(first.body.id);
  });

  it('refuses to remove a machine while containers are on it', async () => {
    await expectStatus(201, efms.api('PUT', '/containers/name:envoy', { vm: 'name:web-1', containerId: 'c' }));
    const refused = await efms.api('DELETE', '/vms/name:web-1', undefined, { 'if-match': '*' });
    expect([refused.status, refused.body.type]).toEqual([409, '/problems/vm-in-use']);
    expect(refused.body.detail).toContain('Containers');
    await expectStatus(204, efms.api('DELETE', '/containers/name:envoy', undefined, { 'if-match': '*' }));
    await expectStatus(204, efms.api('DELETE', '/vms/name:web-1', undefined, { 'if-match': '*' }));
  });
});
