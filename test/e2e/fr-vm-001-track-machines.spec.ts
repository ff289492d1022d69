import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Efms, startEfms } from '../kit/efms.js';
import { expectStatus } from '../kit/fleet-of-one.js';

describe('FR-VM-001: the machines that host Envoys are tracked', () => {
  let efms: Efms;

  beforeAll(async () => {
    efms = await startEfms();
  });
  afterAll(() => efms.stop());

  it('given machines with containers, when they are listed, then each shows what is on it', async () => {
    for (const [i, hostname] of ['web-1', 'web-2'].entries()) {
      await expectStatus(201, efms.api('PUT', `/vms/name:${hostname}`, { region: `r${i}` }));
    }
    const container = { vm: 'name:web-1', containerId: 'c-1' };
    await expectStatus(201, efms.api('PUT', '/containers/name:envoy-1', container));
    const proxy = { nodeId: 'edge-1', container: 'name:envoy-1' };
    await expectStatus(201, efms.api('PUT', '/proxies/name:edge-1', proxy));

    const { body } = await expectStatus(200, efms.api('GET', '/vms'));
    expect(body.items).toMatchObject([
      { hostname: 'web-1', status: 'unknown', containers: 1 },
      { hostname: 'web-2', status: 'unknown', containers: 0 },
    ]);
    expect((await efms.api('GET', '/vms?region=r1')).body.items).toMatchObject([{ hostname: 'web-2' }]);
    expect((await efms.api('GET', '/proxies/name:edge-1')).body.vm).toMatchObject({ hostname: 'web-1' });
  });

  it('refuses a second machine of the same hostname', async () => {
    const refused = await efms.api('POST', '/vms', { hostname: 'web-1' });
    expect([refused.status, refused.body.type]).toEqual([409, '/problems/hostname-taken']);
  });
});
