import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Efms, startEfms } from '../kit/efms.js';
import { expectStatus } from '../kit/fleet-of-one.js';
import { openTenant } from '../kit/tenancy.js';

describe('FR-MT-001: many tenants in one installation', () => {
  let efms: Efms;

  beforeAll(async () => {
    efms = await startEfms();
  });
  afterAll(() => efms.stop());

  it('given two tenants, each has its own admin and its own things of the same name', async () => {
    const [acme, globex] = [await openTenant(efms, 'acme'), await openTenant(efms, 'globex')];
    for (const { admin } of [acme, globex]) {
      await expectStatus(201, admin('PUT', '/proxies/name:edge-1', { nodeId: 'edge-1' }));
    }
    const [one] = (await acme.admin('GET', '/proxies')).body.items;
    const [other] = (await globex.admin('GET', '/proxies')).body.items;
    expect(one.id).not.toBe(other.id);
    const names = (await efms.api('GET', '/tenants')).body.items.map(({ name }: { name: string }) => name);
    expect(names).toEqual(['acme', 'default', 'globex']);
  });

  it('given a tenant that is closed, its people and proxies are out until it is opened again', async () => {
    const { id, admin } = await openTenant(efms, 'closing');
    await expectStatus(201, admin('PUT', '/proxies/name:p', { nodeId: 'p' }));
    await expectStatus(200, efms.api('POST', `/tenants/${id}/close`));
    await expectStatus(401, admin('GET', '/proxies'));
    await expectStatus(200, efms.api('POST', `/tenants/${id}/reopen`));
    expect((await admin('GET', '/proxies')).body.items).toHaveLength(1);
  });

  it('refuses the name of a tenant that looks like an id, which X-EFMS-Tenant would take it for', async () => {
    const name = '01908D3E-0000-7000-8000-000000000001';
    const { body: renamed } = await expectStatus(201, efms.api('POST', '/tenants', { name: 'renamed' }));
    const any = { 'if-match': '*' };
    for (const refused of [
      await efms.api('POST', '/tenants', { name }),
      await efms.api('PUT', `/tenants/name:${name}`, {}),
      await efms.api('PATCH', `/tenants/${renamed.id}`, { name }, any),
    ]) {
      expect([refused.status, refused.body.errors]).toEqual([
        422,
        [expect.objectContaining({ pointer: '/name', detail: expect.stringContaining('X-EFMS-Tenant') })],
      ]);
    }
    await expectStatus(404, efms.api('GET', `/tenants/name:${name}`));
  });

  it.each([
    ['/proxies', { nodeId: 'n' }],
    ['/proxy-groups', { selector: 'a=b' }],
    ['/vms', {}],
    ['/configurations', {}],
    ['/secrets', { genericSecret: { value: 's' } }],
  ])('takes such a name in %s, where `name:` tells it from an id', async (collection, body) => {
    const name = '01908d3e-0000-7000-8000-000000000001';
    const { body: made } = await expectStatus(201, efms.api('PUT', `${collection}/name:${name}`, body));
    expect(made.id).not.toBe(name);
    expect((await efms.api('GET', `${collection}/name:${name}`)).body.id).toBe(made.id);
    await expectStatus(404, efms.api('GET', `${collection}/${name}`));
  });

  it('refuses a name that is taken, a first admin whose e-mail is, and the closing of one’s own tenant', async () => {
    await openTenant(efms, 'first');
    const taken = await efms.api('POST', '/tenants', { name: 'first' });
    expect([taken.status, taken.body.type]).toEqual([409, '/problems/tenant-name-taken']);
    const admin = { email: 'admin@first.example' };
    const half = await efms.api('POST', '/tenants', { name: 'half', admin });
    expect([half.status, half.body.type]).toEqual([409, '/problems/email-taken']);
    await expectStatus(404, efms.api('GET', '/tenants/name:half'));
    await expectStatus(409, efms.api('POST', '/tenants/name:default/close'));
  });
});
