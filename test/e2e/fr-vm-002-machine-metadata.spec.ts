import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Efms, startEfms } from '../kit/efms.js';
import { expectStatus } from '../kit/fleet-of-one.js';

describe('FR-VM-002: address, hostname, region and zone of machines are stored', () => {
  let efms: Efms;

  beforeAll(async () => {
    efms = await startEfms();
  });
  afterAll(() => efms.stop());

  const vm = { ipAddress: '10.1.2.3', region: 'eu-central', availabilityZone: 'eu-central-a', labels: { rack: '4' } };

  it('given a machine, when it is read, then it is what was put, until somebody with its ETag changes it', async () => {
    const put = await expectStatus(201, efms.api('PUT', '/vms/name:web-1', vm));
    const read = await expectStatus(200, efms.api('GET', `/vms/${put.body.id}`));
    expect(read.body).toMatchObject({ hostname: 'web-1', ...vm });
    const etag = read.headers.get('etag') ?? '';
    const moved = { region: 'eu-west', availabilityZone: null };
    const patched = await expectStatus(200, efms.api('PATCH', '/vms/name:web-1', moved, { 'if-match': etag }));
    expect(patched.body).toMatchObject({ ...vm, ...moved });
    expect((await efms.api('PATCH', '/vms/name:web-1', moved, { 'if-match': etag })).status).toBe(412);
  });

  it('refuses what is no address, and says where', async () => {
    const refused = await efms.api('PUT', '/vms/name:web-2', { ...vm, ipAddress: '10.1.2.300' });
    expect(refused.status).toBe(422);
    expect(refused.body.errors).toMatchObject([{ pointer: '/ipAddress' }]);
    expect((await efms.api('GET', '/vms/name:web-2')).status).toBe(404);
  });
});
