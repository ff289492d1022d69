import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Efms, startEfms } from '../kit/efms.js';
import { expectStatus } from '../kit/fleet-of-one.js';

describe('FR-DC-001: the containers that run Envoys are tracked', () => {
  let efms: Efms;

  beforeAll(async () => {
    efms = await startEfms();
    await expectStatus(201, efms.api('PUT', '/vms/name:web-1', {}));
  });
  afterAll(() => efms.stop());

  it('given a container, when it starts and dies, then its status and its history show it', async () => {
    await expectStatus(201, efms.api('PUT', '/containers/name:envoy', { vm: 'name:web-1', containerId: 'c-1' }));
    const report = (event: object) => expectStatus(201, efms.api('POST', '/containers/name:envoy/events', event));
    await report({ kind: 'started' });
    expect((await efms.api('GET', '/containers?status=running')).body.items).toMatchObject([{ name: 'envoy' }]);
    await report({ kind: 'died', exitCode: 137 });
    const { body } = await expectStatus(200, efms.api('GET', '/containers/name:envoy'));
    expect(body.status).toMatchObject({ status: 'exited', exitCode: 137 });
    const events = await expectStatus(200, efms.api('GET', '/containers/name:envoy/events'));
    expect(events.body.items.map(({ kind }: { kind: string }) => kind)).toEqual(['died', 'started']);
  });

  it('refuses an event of a kind that it does not know, and one of a container that it does not know', async () => {
    const unknownKind = await efms.api('POST', '/containers/name:envoy/events', { kind: 'exploded' });
    expect([unknownKind.status, unknownKind.body.errors[0].pointer]).toEqual([422, '/kind']);
    expect((await efms.api('POST', '/containers/name:nobody/events', { kind: 'started' })).status).toBe(404);
  });
});
