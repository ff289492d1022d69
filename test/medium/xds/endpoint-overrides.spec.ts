import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { makeTenant, makeUser } from '../../kit/accounts.js';
import { type ApiAnswer, type Efms, startEfms } from '../../kit/efms.js';
import { eventually } from '../../kit/eventually.js';
import { commit, edgeSnapshot, registerProxy, startDeployment } from '../../kit/fleet.js';
import { expectStatus } from '../../kit/fleet-of-one.js';

const ANY = { 'if-match': '*' };
const DRAIN = { clusterName: 'blue', address: '127.0.0.1', port: 8001, drain: true, reason: 'disk' };

describe('endpoint overrides', () => {
  let efms: Efms;

  beforeAll(async () => {
    efms = await startEfms();
    await registerProxy(efms, 'edge');
    await efms.api('POST', '/configurations', { name: 'edge' });
    await commit(efms, 'edge', null, edgeSnapshot());
    await startDeployment(efms, 'edge', 1, ['edge']);
    await eventually('the assignment', async () => {
      const { body } = await efms.api('GET', '/proxies/name:edge/sync');
      return body.assigned ?? undefined;
    });
  });
  afterAll(() => efms.stop());
  beforeEach(async () => {
    for (const { id } of (await api('GET', '')).body.items) await api('DELETE', `/${id}`, undefined, ANY);
  });

  const api = (method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiAnswer> =>
    efms.api(method, `/endpoint-overrides${path}`, body, headers);
  const rev = async (): Promise<number> => {
    const [head] = await efms.database.sql<{ rev: string }>('select max(overrides_rev) as rev from proxy_heads');
    return Number(head?.rev);
  };
  const events = async (): Promise<string[]> => {
    const rows = await efms.database.sql<{ type: string }>(
      `select type from outbox_events where type like 'endpoint_override.%' order by created_at, id`,
    );
    return rows.map(({ type }) => type.slice('endpoint_override.'.length));
  };

  it('say what they change, until when and why, and whether they apply', async () => {
    const expiresAt = '2990-01-01T00:00:00.000Z';
    const made = await expectStatus(201, api('PUT', '/name:disk', { ...DRAIN, weight: 4_294_967_295, expiresAt }));
    expect(made.body).toEqual({
      id: expect.any(String),
      name: 'disk',
      clusterName: 'blue',
      address: '127.0.0.1',
      port: 8001,
      healthStatus: 'DRAINING',
      weight: 4_294_967_295,
      reason: 'disk',
      expiresAt,
      inEffect: true,
      applies: true,
      revision: 1,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    const again = await expectStatus(200, api('PUT', '/name:disk', { ...DRAIN, weight: 4_294_967_295, expiresAt }));
    expect(again.body).toEqual(made.body);
    expect((await api('GET', '?clusterName=blue')).body.items).toEqual([made.body]);
    expect((await api('GET', '?clusterName=green')).body.items).toEqual([]);
    const changed = await expectStatus(200, api('PATCH', '/name:disk', { healthStatus: null, expiresAt: null }, ANY));
    expect(changed.body).toMatchObject({ healthStatus: null, expiresAt: null, weight: 4_294_967_295, revision: 2 });
  });

  it.each([
    ['another endpoint set', { clusterName: 'red' }],
    ['another address', { address: '127.0.0.2' }],
    ['another port', { port: 8002 }],
  ])('of %s do not apply', async (_, more) => {
    expect((await expectStatus(201, api('PUT', '/name:other', { ...DRAIN, ...more }))).body.applies).toBe(false);
  });

  it.each([
    ['nothing that is overridden', { drain: false }, ''],
    ['two healths', { healthStatus: 'HEALTHY' }, '/drain'],
    ['a health that Envoy does not know', { healthStatus: 'SICK' }, '/healthStatus'],
    ['no weight', { weight: 0 }, '/weight'],
    ['a weight beyond what Envoy takes', { weight: 4_294_967_296 }, '/weight'],
    ['an address that is a name', { address: 'blue.example' }, '/address'],
    ['a time that is none', { expiresAt: 'soon' }, '/expiresAt'],
  ])('with %s are refused', async (_, more, pointer) => {
    const { body } = await expectStatus(422, api('POST', '', { name: 'refused', ...DRAIN, ...more }));
    expect(body.errors).toMatchObject([{ pointer }]);
  });

  it('that cannot be patched into nothing', async () => {
    await expectStatus(201, api('PUT', '/name:disk', DRAIN));
    await expectStatus(422, api('PATCH', '/name:disk', { healthStatus: null }, ANY));
  });

  it('are one for each endpoint, by one name each', async () => {
    await expectStatus(201, api('POST', '', { name: 'disk', ...DRAIN }));
    const named = await expectStatus(409, api('POST', '', { name: 'disk', ...DRAIN, port: 8002 }));
    expect(named.body.type).toBe('/problems/endpoint-override-name-taken');
    const second = await expectStatus(409, api('POST', '', { name: 'other', ...DRAIN }));
    expect(second.body.type).toBe('/problems/endpoint-overridden');
  });

  it('change the heads of proxies with every change, and not with a dry run or equal content', async () => {
    const revs = [await rev()];
    const after = async (call: Promise<ApiAnswer>): Promise<void> => {
      expect((await call).status).toBeLessThan(300);
      revs.push((await rev()) - revs[0]!);
    };
    await after(api('PUT', '/name:disk?dryRun=true', DRAIN));
    await after(api('PUT', '/name:disk', DRAIN));
    await after(api('PUT', '/name:disk', DRAIN));
    await after(api('PATCH', '/name:disk', { weight: 2 }, ANY));
    await after(api('DELETE', '/name:disk', undefined, ANY));
    expect(revs.slice(1)).toEqual([0, 1, 1, 2, 3]);
  });

  it('are audited, and told as events', async () => {
    const before = (await events()).length;
    await expectStatus(201, api('PUT', '/name:told', DRAIN));
    await expectStatus(200, api('PATCH', '/name:told', { weight: 2 }, ANY));
    await expectStatus(204, api('DELETE', '/name:told', undefined, ANY));
    expect((await events()).slice(before)).toEqual(['created', 'changed', 'deleted']);
    const rows = await efms.database.sql(
      `select action, actor_name from audit_logs where resource_name = 'told' order by created_at`,
    );
    expect(rows).toEqual(['create', 'update', 'delete'].map((action) => ({ action, actor_name: 'admin@efms.local' })));
  });

  it('have no effect once they expire, and are removed and told by a job', async () => {
    await expectStatus(201, api('PUT', '/name:short', { ...DRAIN, expiresAt: '2000-01-01T00:00:00Z' }));
    await expectStatus(201, api('PUT', '/name:long', { ...DRAIN, port: 8002 }));
    const before = await rev();
    await eventually('removal', async () => ((await api('GET', '/name:short')).status === 404 ? true : undefined));
    expect((await events()).at(-1)).toBe('expired');
    expect(await rev()).toBeGreaterThanOrEqual(before);
    const [row] = await efms.database.sql<{ actor_kind: string }>(
      `select actor_kind from audit_logs where resource_name = 'short' and action = 'delete'`,
    );
    expect(row?.actor_kind).toBe('system');
    expect((await api('GET', '/name:long')).status).toBe(200);
  });

  it('are their tenant’s alone', async () => {
    await expectStatus(201, api('PUT', '/name:disk', DRAIN));
    const before = await rev();
    const tenantId = await makeTenant(efms, 'other');
    const other = await makeUser(efms, { tenantId, email: 'admin@other.example', role: 'admin' });
    expect((await other('GET', '/endpoint-overrides')).body.items).toEqual([]);
    const theirs = await expectStatus(201, other('PUT', '/endpoint-overrides/name:disk', DRAIN));
    expect(theirs.body.applies).toBe(false);
    expect(await rev()).toBe(before);
  });

  it('can be written many at once', async () => {
    const items = [8001, 8002].map((port) => ({
      action: 'put',
      id: `name:b-${port}`,
      body: { ...DRAIN, port },
    }));
    const { body } = await expectStatus(200, efms.api('POST', '/endpoint-overrides:batch', { items }));
    expect(body.items).toHaveLength(2);
  });
});
