import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Efms, startEfms } from '../kit/efms.js';
import { commit, deploymentEnd, edgeSnapshot, registerProxy } from '../kit/fleet.js';
import { expectStatus } from '../kit/fleet-of-one.js';
import { HollowEnvoy } from '../kit/hollow-envoy.js';
import { Teardown } from '../kit/teardown.js';

describe('FR-CL-003: a configuration reaches a whole group at once', () => {
  const teardown = new Teardown();
  let efms: Efms;

  beforeAll(async () => {
    efms = await startEfms();
  });
  afterEach(() => teardown.run());
  afterAll(() => efms.stop());

  const deployment = (groups: readonly string[]) => ({
    configuration: 'name:edge',
    version: 1,
    targets: { groups },
    strategy: { type: 'immediate' },
  });

  it('given a group with one under it, when a version is deployed to it, then every proxy of both has it', async () => {
    await expectStatus(201, efms.api('PUT', '/proxy-groups/name:all', { selector: 'tier=all' }));
    await expectStatus(201, efms.api('PUT', '/proxy-groups/name:edges', { selector: 'role=edge', parent: 'name:all' }));
    const envoys: HollowEnvoy[] = [];
    for (const nodeId of ['edge-1', 'edge-2']) {
      const { token } = await registerProxy(efms, nodeId);
      envoys.push(teardown.add(new HollowEnvoy({ port: efms.xdsPort, token, nodeId, variant: 'delta' })));
    }
    await expectStatus(201, efms.api('PUT', '/proxies/name:mesh-1', { nodeId: 'mesh-1', labels: { role: 'mesh' } }));
    await expectStatus(201, efms.api('POST', '/configurations', { name: 'edge' }));
    await commit(efms, 'edge', null, edgeSnapshot());

    const plan = await expectStatus(200, efms.api('POST', '/deployments?dryRun=true', deployment(['name:all'])));
    expect(plan.body.targets.map(({ proxy }: { proxy: { name: string } }) => proxy.name)).toEqual(['edge-1', 'edge-2']);
    const started = await expectStatus(202, efms.api('POST', '/deployments', deployment(['name:all'])));
    const ended = await deploymentEnd(efms, started.body.id);

    expect(ended).toMatchObject({ status: 'succeeded', progress: { total: 2, successful: 2 } });
    for (const envoy of envoys) await envoy.sees('route', 'routes', 'blue');
  });

  it('refuses a group that is unknown, inactive or empty, each with its place', async () => {
    await expectStatus(201, efms.api('PUT', '/proxy-groups/name:retired', { isActive: false }));
    const refused = await efms.api('POST', '/deployments', deployment(['name:retired', 'name:nobody']));
    expect(refused.status).toBe(422);
    expect(refused.body.errors).toMatchObject([
      { pointer: '/targets/groups/0', rule: 'group.inactive' },
      { pointer: '/targets/groups/1', rule: 'reference.proxy-group' },
    ]);
    await expectStatus(201, efms.api('PUT', '/proxy-groups/name:empty', {}));
    const empty = await efms.api('POST', '/deployments', deployment(['name:empty']));
    expect([empty.status, empty.body.errors[0].pointer]).toEqual([422, '/targets/groups']);
  });
});
