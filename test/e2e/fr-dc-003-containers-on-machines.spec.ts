import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Efms, startEfms } from '../kit/efms.js';
import { expectStatus } from '../kit/fleet-of-one.js';

describe('FR-DC-003: containers are mapped to the machines that they are on', () => {
  let efms: Efms;

  beforeAll(async () => {
    efms = await startEfms();
    for (const hostname of ['web-1', 'web-2']) await expectStatus(201, efms.api('PUT', `/vms/name:${hostname}`, {}));
  });
  afterAll(() => efms.stop());

  const on = async (vm: string): Promise<string[]> => {
    const { body } = await expectStatus(200, efms.api('GET', `/containers?vm=name:${vm}`));
    return body.items.map(({ name }: { name: string }) => name);
  };

  it('given a container with a proxy in it, when it moves, then it and the proxy are on the other machine', async () => {
    await expectStatus(201, efms.api('PUT', '/containers/name:envoy', { vm: 'name:web-1', containerId: 'c-1' }));
    const proxy = { nodeId: 'edge-1', container: 'name:envoy' };
    await expectStatus(201, efms.api('PUT', '/proxies/name:edge-1', proxy));
    expect([await on('web-1'), await on('web-2')]).toEqual([['envoy'], []]);
    const moved = { vm: 'name:web-2', containerId: 'c-2' };
    await expectStatus(200, efms.api('PATCH', '/containers/name:envoy', moved, { 'if-match': '*' }));
    expect([await on('web-1'), await on('web-2')]).toEqual([[], ['envoy']]);
    expect((await efms.api('GET', '/proxies/name:edge-1')).body.vm.hostname).toBe('web-2');
  });

  it('refuses a container on a machine that does not exist, and a proxy that says its container is elsewhere', async () => {
    const nowhere = await efms.api('PUT', '/containers/name:lost', { vm: 'name:nowhere', containerId: 'c-3' });
    expect([nowhere.status, nowhere.body.errors[0]]).toMatchObject([422, { pointer: '/vm', rule: 'reference.vm' }]);
    const body = { nodeId: 'edge-2', container: 'name:envoy', vm: 'name:web-1' };
    const elsewhere = await efms.api('PUT', '/proxies/name:edge-2', body);
    expect([elsewhere.status, elsewhere.body.errors[0].pointer]).toEqual([422, '/vm']);
  });
});
