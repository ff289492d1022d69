import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Efms, startEfms } from '../kit/efms.js';
import { expectStatus } from '../kit/fleet-of-one.js';

describe('FR-DC-002: id, name, status and limits of containers are stored', () => {
  let efms: Efms;

  beforeAll(async () => {
    efms = await startEfms();
    await expectStatus(201, efms.api('PUT', '/vms/name:web-1', {}));
  });
  afterAll(() => efms.stop());

  const described = {
    containerId: '4f5c1f6a0a3e',
    image: 'envoyproxy/envoy:v1.36.0',
    imageDigest: `sha256:${'0a'.repeat(32)}`,
    resourceLimits: { cpus: 1.5, memoryMb: 512, pids: 256 },
    environment: { ENVOY_UID: '101' },
    labels: { role: 'edge' },
  };

  it('given a container, when it is read, then it is what was put, with what was reported beside it', async () => {
    const body = { vm: 'name:web-1', ...described };
    await expectStatus(201, efms.api('PUT', '/containers/name:envoy', body));
    await expectStatus(200, efms.api('PUT', '/containers/name:envoy', body));
    await expectStatus(201, efms.api('POST', '/containers/name:envoy/events', { kind: 'started' }));
    const read = await expectStatus(200, efms.api('GET', '/containers/name:envoy'));
    expect(read.body).toMatchObject({ name: 'envoy', ...described, status: { status: 'running' }, revision: 1 });
  });

  it('refuses environment variables that stand for secrets', async () => {
    const body = { vm: 'name:web-1', containerId: 'c-2', environment: { DB_PASSWORD: 'hunter2' } };
    const refused = await efms.api('PUT', '/containers/name:other', body);
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, '/environment']);
    expect(JSON.stringify(refused.body)).not.toContain('hunter2');
  });
});
