import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Efms, startEfms } from '../kit/efms.js';

describe('API-001: resources have addresses, and methods do what HTTP says they do', () => {
  let efms: Efms;

  beforeAll(async () => {
    efms = await startEfms();
  });
  afterAll(() => efms.stop());

  it('given a thing put by name, it is there by id and name alike; the same again changes nothing', async () => {
    const put = (): ReturnType<Efms['api']> => efms.api('PUT', '/proxies/name:a%20b', { nodeId: 'n' });
    const made = await put();
    expect([made.status, made.headers.get('etag')]).toEqual([201, '"1"']);
    expect(made.headers.get('location')).toBe(`/api/v1/proxies/${made.body.id}`);
    const again = await put();
    expect([again.status, again.headers.get('etag'), again.body]).toEqual([200, '"1"', made.body]);
    expect((await efms.api('GET', `/proxies/${made.body.id}`)).body).toEqual(made.body);
  });

  it('given a change, it needs the ETag of what was read, and the old one no longer fits', async () => {
    await efms.api('PUT', '/proxies/name:c', { nodeId: 'c' });
    const change = (cluster: string, headers = {}): ReturnType<Efms['api']> =>
      efms.api('PATCH', '/proxies/name:c', { cluster }, headers);
    expect((await change('x')).status).toBe(428);
    const changed = await change('x', { 'if-match': '"1"' });
    expect([changed.status, changed.headers.get('etag')]).toEqual([200, '"2"']);
    expect((await change('y', { 'if-match': '"1"' })).status).toBe(412);
    expect((await efms.api('DELETE', '/proxies/name:c', undefined, { 'if-match': '"2"' })).status).toBe(204);
    expect((await efms.api('GET', '/proxies/name:c')).status).toBe(404);
  });

  it('given two that put one name at once, both succeed and there is one thing', async () => {
    const both = await Promise.all([1, 2].map(() => efms.api('PUT', '/proxies/name:race', { nodeId: 'race' })));
    expect(both.map(({ status }) => status).sort()).toEqual([200, 201]);
    expect(both[0]!.body.id).toBe(both[1]!.body.id);
  });

  it.each(['%3A', '%3a'])('given a verb whose colon is escaped as %s, it is the same verb', async (colon) => {
    const create = { action: 'create', body: { name: `escaped${colon}`, nodeId: `escaped${colon}` } };
    const key = { 'idempotency-key': `escaped${colon}` };
    const made = await efms.api('POST', `/proxies${colon}batch?dryRun=false`, { items: [create] }, key);
    expect(made.status).toBe(200);
    const again = await efms.api('POST', '/proxies:batch?dryRun=false', { items: [create] }, key);
    expect([again.status, again.body]).toEqual([200, made.body]);
    const refused = await efms.api('GET', `/proxies${colon}batch`);
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'POST']);
    expect((await efms.api('POST', `/proxies${colon}other`, {})).status).toBe(404);
    const name = encodeURIComponent(`escaped${colon}`);
    expect((await efms.api('GET', `/proxies/name${colon}${name}`)).body).toMatchObject({ name: `escaped${colon}` });
  });

  it('refuses methods and paths that are not there', async () => {
    expect((await efms.api('PUT', '/proxies', {})).status).toBe(405);
    expect((await efms.api('GET', '/no-such-thing')).status).toBe(404);
    expect((await efms.api('PUT', '/proxies/01908d3e-0000-7000-8000-000000000001', { nodeId: 'x' })).status).toBe(404);
  });
});
