import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Efms, startEfms } from '../kit/efms.js';
import { expectStatus } from '../kit/fleet-of-one.js';

describe('FR-CL-004: changes of membership are kept', () => {
  let efms: Efms;

  beforeAll(async () => {
    efms = await startEfms();
  });
  afterAll(() => efms.stop());

  it('given a group, when labels, its selector and people move proxies, then its history tells who, when and why', async () => {
    const relabel = (labels: object) => efms.api('PATCH', '/proxies/name:p-1', { labels }, { 'if-match': '*' });
    await expectStatus(201, efms.api('PUT', '/proxy-groups/name:prod', { selector: 'env=prod' }));
    await expectStatus(201, efms.api('PUT', '/proxies/name:p-1', { nodeId: 'p-1', labels: { env: 'test' } }));
    await expectStatus(200, relabel({ env: 'prod' }));
    await expectStatus(200, relabel({ env: 'test' }));
    await expectStatus(204, efms.api('PUT', '/proxy-groups/name:prod/members/name:p-1'));
    const selector = { selector: 'env in (prod,test)' };
    await expectStatus(200, efms.api('PATCH', '/proxy-groups/name:prod', selector, { 'if-match': '*' }));

    const { body } = await expectStatus(200, efms.api('GET', '/proxy-groups/name:prod/membership-events'));
    const told = body.items.map(({ change, source, reason }: Record<string, string>) => [change, source, reason]);
    expect(told).toEqual([
      ['joined', 'selector', 'selector'],
      ['joined', 'static', 'added'],
      ['left', 'selector', 'labels'],
      ['joined', 'selector', 'labels'],
    ]);
    for (const event of body.items) {
      expect(event).toMatchObject({ proxy: { name: 'p-1' }, actor: { kind: 'user', name: 'admin@efms.local' } });
      expect(Math.abs(Date.parse(event.at) - Date.now())).toBeLessThan(600_000);
    }
  });

  it('keeps what was when the proxy is gone', async () => {
    await expectStatus(204, efms.api('DELETE', '/proxies/name:p-1', undefined, { 'if-match': '*' }));
    const { body } = await expectStatus(200, efms.api('GET', '/proxy-groups/name:prod/membership-events?limit=2'));
    expect(body.items).toMatchObject([
      { change: 'left', reason: 'proxy_deleted', proxy: { name: 'p-1' } },
      { change: 'left', reason: 'proxy_deleted', proxy: { name: 'p-1' } },
    ]);
    expect(body.nextCursor).not.toBeNull();
  });

  it('refuses to take out who was never put in, and records nothing of it', async () => {
    await expectStatus(201, efms.api('PUT', '/proxies/name:p-2', { nodeId: 'p-2', labels: { env: 'prod' } }));
    const refused = await efms.api('DELETE', '/proxy-groups/name:prod/members/name:p-2');
    expect([refused.status, refused.body.type]).toEqual([404, '/problems/member-not-found']);
    const { body } = await expectStatus(200, efms.api('GET', '/proxy-groups/name:prod/membership-events?limit=1'));
    expect(body.items).toMatchObject([{ change: 'joined', proxy: { name: 'p-2' } }]);
  });
});
