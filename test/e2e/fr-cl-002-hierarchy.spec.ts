import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Efms, startEfms } from '../kit/efms.js';
import { expectStatus } from '../kit/fleet-of-one.js';

describe('FR-CL-002: groups stand in a hierarchy', () => {
  let efms: Efms;

  beforeAll(async () => {
    efms = await startEfms();
    await expectStatus(201, efms.api('PUT', '/proxy-groups/name:world', {}));
    await expectStatus(201, efms.api('PUT', '/proxy-groups/name:europe', { parent: 'name:world' }));
    await expectStatus(201, efms.api('PUT', '/proxy-groups/name:berlin', { parent: 'name:europe' }));
  });
  afterAll(() => efms.stop());

  it('given three levels, when a proxy joins the lowest, then it belongs to every group above', async () => {
    await expectStatus(201, efms.api('PUT', '/proxies/name:b-1', { nodeId: 'b-1' }));
    await expectStatus(204, efms.api('PUT', '/proxy-groups/name:berlin/members/name:b-1'));
    for (const group of ['berlin', 'europe', 'world']) {
      const { body } = await expectStatus(200, efms.api('GET', `/proxy-groups/name:${group}/proxies`));
      expect(body.items).toMatchObject([{ name: 'b-1' }]);
    }
    const under = await expectStatus(200, efms.api('GET', '/proxy-groups?parent=name:world'));
    expect(under.body.items).toMatchObject([{ name: 'europe', parent: { name: 'world' } }]);
  });

  it('refuses a circle, and to delete a group that others are under', async () => {
    const circle = await efms.api('PATCH', '/proxy-groups/name:world', { parent: 'name:berlin' }, { 'if-match': '*' });
    expect([circle.status, circle.body.type]).toEqual([409, '/problems/group-circle']);
    const inUse = await efms.api('DELETE', '/proxy-groups/name:europe', undefined, { 'if-match': '*' });
    expect([inUse.status, inUse.body.type]).toEqual([409, '/problems/group-in-use']);
    expect((await efms.api('GET', '/proxy-groups/name:world')).body).toMatchObject({ parent: null, revision: 1 });
  });
});
