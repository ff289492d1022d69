import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ApiAnswer, type Efms, startEfms } from '../kit/efms.js';
import { expectStatus } from '../kit/fleet-of-one.js';

describe('the lifecycle of a proxy', () => {
  let efms: Efms;
  let proxyId: string;

  beforeAll(async () => {
    efms = await startEfms();
    proxyId = (await expectStatus(201, efms.api('PUT', '/proxies/name:edge-1', { nodeId: 'edge-1' }))).body.id;
  });
  afterAll(() => efms.stop());

  const change = (body: object): Promise<ApiAnswer> => efms.api('POST', '/proxies/name:edge-1/lifecycle', body);
  const events = (query = ''): Promise<ApiAnswer> => efms.api('GET', `/proxies/${proxyId}/lifecycle-events${query}`);

  it('given a proxy, when people take it out of service and back, then it and its history tell who, when and why', async () => {
    expect((await expectStatus(200, events())).body.items).toEqual([]);
    const drained = await expectStatus(200, change({ state: 'draining', reason: 'kernel update' }));
    expect(drained.body).toMatchObject({ id: proxyId, revision: 2, status: { lifecycle: 'draining' } });
    expect(drained.headers.get('etag')).toBe('"2"');
    await expectStatus(200, change({ state: 'stopped' }));
    await expectStatus(200, change({ state: 'running', reason: 'updated' }));
    expect((await efms.api('GET', '/proxies/name:edge-1')).body).toMatchObject({ status: { lifecycle: 'running' } });

    const { body } = await expectStatus(200, events());
    expect(body.items).toMatchObject([
      { from: 'stopped', to: 'running', reason: 'updated' },
      { from: 'draining', to: 'stopped', reason: '' },
      { from: 'running', to: 'draining', reason: 'kernel update' },
    ]);
    for (const event of body.items) {
      expect(event).toMatchObject({
        proxy: { id: proxyId, name: 'edge-1' },
        actor: { kind: 'user', name: 'admin@efms.local' },
      });
      expect(Math.abs(Date.parse(event.at) - Date.now())).toBeLessThan(600_000);
    }
  });

  it('changes and records nothing where the state is the one that it has', async () => {
    const before = await efms.api('GET', '/proxies/name:edge-1');
    const again = await expectStatus(200, change({ state: 'running', reason: 'again' }));
    expect(again.body).toEqual(before.body);
    expect((await events()).body.items).toHaveLength(3);
  });

  it('goes through its history page by page, in both directions', async () => {
    const first = await expectStatus(200, events('?sort=at&limit=2'));
    expect(first.body.items.map(({ to }: { to: string }) => to)).toEqual(['draining', 'stopped']);
    const cursor = encodeURIComponent(first.body.nextCursor);
    const second = await expectStatus(200, events(`?sort=at&limit=2&cursor=${cursor}`));
    expect(second.body).toMatchObject({ items: [{ to: 'running' }], nextCursor: null });
    await expectStatus(400, events(`?limit=2&cursor=${cursor}`));
    await expectStatus(422, events('?sort=reason'));
  });

  it('refuses what is no state, and proxies that are not there', async () => {
    const refused = await expectStatus(422, change({ state: 'gone' }));
    expect(refused.body.errors).toMatchObject([{ pointer: '/state' }]);
    for (const reason of [1, 'x'.repeat(2001), 'a\0b', '\ud800']) {
      const { body } = await expectStatus(422, change({ state: 'stopped', reason }));
      expect(body.errors[0]).toMatchObject({ pointer: '/reason' });
    }
    const nobody = await expectStatus(404, efms.api('POST', '/proxies/name:nobody/lifecycle', { state: 'stopped' }));
    expect(nobody.body.type).toBe('/problems/proxy-not-found');
    await expectStatus(404, efms.api('GET', '/proxies/name:nobody/lifecycle-events'));
  });

  it('tells those who follow events', async () => {
    const rows = await efms.database.sql(
      `select subject_id, payload from outbox_events where type = 'proxy.lifecycle_changed' order by xid, id limit 1`,
    );
    const payload = { name: 'edge-1', from: 'running', to: 'draining', reason: 'kernel update' };
    expect(rows).toEqual([{ subject_id: proxyId, payload }]);
  });

  it('keeps what was, by the id, when the proxy is gone and another has its name', async () => {
    await expectStatus(204, efms.api('DELETE', '/proxies/name:edge-1', undefined, { 'if-match': '*' }));
    const { body } = await expectStatus(200, events('?limit=1'));
    expect(body.items).toMatchObject([{ to: 'running', proxy: { id: proxyId, name: 'edge-1' } }]);
    await expectStatus(404, efms.api('GET', '/proxies/name:edge-1/lifecycle-events'));
    await expectStatus(404, efms.api('POST', `/proxies/${proxyId}/lifecycle`, { state: 'stopped' }));
    await expectStatus(201, efms.api('PUT', '/proxies/name:edge-1', { nodeId: 'edge-1' }));
    expect((await efms.api('GET', '/proxies/name:edge-1/lifecycle-events')).body.items).toEqual([]);
  });
});
