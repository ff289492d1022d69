import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Efms, startEfms } from '../kit/efms.js';
import { expectStatus } from '../kit/fleet-of-one.js';

describe('FR-CL-001: proxies are grouped into logical clusters', () => {
  let efms: Efms;

  beforeAll(async () => {
    efms = await startEfms();
  });
  afterAll(() => efms.stop());

  const proxiesOf = async (group: string): Promise<string[]> => {
    const { body } = await expectStatus(200, efms.api('GET', `/proxy-groups/name:${group}/proxies`));
    return body.items.map(({ name }: { name: string }) => name);
  };

  it('given proxies with labels, when a group is made with a selector and a member, then it holds both', async () => {
    for (const [name, role] of Object.entries({ 'edge-1': 'edge', 'edge-2': 'edge', 'mesh-1': 'mesh' })) {
      await expectStatus(201, efms.api('PUT', `/proxies/name:${name}`, { nodeId: name, labels: { role } }));
    }
    const made = await expectStatus(201, efms.api('PUT', '/proxy-groups/name:edge', { selector: 'role=edge' }));
    expect(made.headers.get('etag')).toBe('"1"');
    expect(await proxiesOf('edge')).toEqual(['edge-1', 'edge-2']);

    await expectStatus(204, efms.api('PUT', '/proxy-groups/name:edge/members/name:mesh-1'));
    expect(await proxiesOf('edge')).toEqual(['edge-1', 'edge-2', 'mesh-1']);
    const again = await expectStatus(200, efms.api('PUT', '/proxy-groups/name:edge', { selector: 'role=edge' }));
    expect(again.headers.get('etag')).toBe('"1"');
  });

  it('refuses a selector that cannot be read, and says where', async () => {
    const refused = await efms.api('PUT', '/proxy-groups/name:broken', { selector: 'role in edge' });
    expect(refused.status).toBe(422);
    expect(refused.headers.get('content-type')).toContain('application/problem+json');
    expect(refused.body.errors).toMatchObject([
      { pointer: '/selector', detail: expect.stringContaining('role in edge') },
    ]);
    expect((await efms.api('GET', '/proxy-groups/name:broken')).status).toBe(404);
  });
});
