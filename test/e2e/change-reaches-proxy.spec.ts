import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';
import { type Efms, startEfms } from '../kit/efms.js';
import { commit, deploymentEnd, deploymentOf, edgeSnapshot, registerProxy, startDeployment } from '../kit/fleet.js';
import { expectStatus } from '../kit/fleet-of-one.js';
import { HollowEnvoy } from '../kit/hollow-envoy.js';
import { Teardown } from '../kit/teardown.js';
import type { Variant } from '../kit/xds-stream.js';

const VARIANTS: readonly Variant[] = ['delta', 'sotw'];

describe('a change on its way from the API to a proxy', () => {
  const teardown = new Teardown();
  let efms: Efms;

  beforeAll(async () => {
    efms = await startEfms();
  });
  afterEach(() => teardown.run());
  afterAll(() => efms.stop());

  const connect = (token: string, nodeId: string, variant: Variant, silent = false): HollowEnvoy =>
    teardown.add(new HollowEnvoy({ port: efms.xdsPort, token, nodeId, variant, silent }));

  it.each(VARIANTS)('follows the calls of the README, over %s', async (variant) => {
    const [proxy, configuration] = [`edge-${variant}`, `edge-${variant}`];
    const login = await fetch(`${efms.http}/api/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'admin@efms.local', password: 'correct-horse-battery' }),
    });
    expect(login.status).toBe(200);
    expect(await login.json()).toEqual({
      accessToken: expect.any(String),
      expiresIn: expect.any(Number),
      refreshToken: expect.any(String),
    });
    expect((await efms.api('GET', '/me')).body).toMatchObject({ tenant: { name: 'default' }, role: 'admin' });

    const wanted = { nodeId: proxy, labels: { role: 'edge', zone: 'a' } };
    const created = await expectStatus(201, efms.api('PUT', `/proxies/name:${proxy}`, wanted));
    const again = await expectStatus(200, efms.api('PUT', `/proxies/name:${proxy}`, wanted));
    expect(again.headers.get('etag')).toBe(created.headers.get('etag'));
    expect(created.body.status).toMatchObject({ connection: 'never_seen' });

    const credential = await expectStatus(201, efms.api('POST', `/proxies/name:${proxy}/credentials`, {}));
    expect(credential.body.bootstrap).toContain(credential.body.token);
    const bootstrap = await expectStatus(200, efms.api('GET', `/proxies/name:${proxy}/bootstrap?format=yaml`));
    expect(bootstrap.body).toContain('EFMS_TOKEN');
    expect(bootstrap.body).not.toContain(credential.body.token);

    const made = await expectStatus(201, efms.api('POST', '/configurations', { name: configuration }));
    expect(made.body.branches).toEqual([{ name: 'main', head: null }]);
    const version = { branch: 'main', expectedHead: null, message: 'first', snapshot: edgeSnapshot() };
    const path = `/configurations/name:${configuration}/versions`;
    const first = await expectStatus(201, efms.api('POST', path, stringify(version)));
    expect(first.body).toMatchObject({ number: 1, message: 'first', validation: 'passed', findings: [] });

    const envoy = connect(credential.body.token, proxy, variant);
    const started = await expectStatus(202, efms.api('POST', '/deployments', deploymentOf(configuration, 1, [proxy])));
    expect(started.headers.get('location')).toBe(`/api/v1/deployments/${started.body.id}`);
    const deployment = await deploymentEnd(efms, started.body.id);
    expect(deployment).toMatchObject({ status: 'succeeded', progress: { total: 1, successful: 1, failed: 0 } });
    expect(deployment.timeline.map(({ kind }) => kind)).toEqual(['created', 'started', 'assigned', 'succeeded']);
    for (const { reason } of deployment.timeline) expect(reason).toMatch(/^.{10,}\.$/);

    await envoy.sees('route', 'routes', 'blue');
    expect([...envoy.resources('cluster').keys()].sort()).toEqual(['blue', 'green']);
    expect([...envoy.resources('endpoint').keys()].sort()).toEqual(['blue', 'green']);
    expect((await efms.api('GET', `/proxies/name:${proxy}/sync`)).body).toMatchObject({
      converged: true,
      sync: { cluster: { state: 'SYNCED' }, route: { state: 'SYNCED' } },
    });
  });

  it.each(VARIANTS)('sends a changed route as exactly that resource, over %s', async (variant) => {
    const name = `exact-${variant}`;
    const { token } = await registerProxy(efms, name);
    await efms.api('POST', '/configurations', { name });
    await commit(efms, name, null, edgeSnapshot());
    const envoy = connect(token, name, variant);
    await deploymentEnd(efms, await startDeployment(efms, name, 1, [name]));
    const before = envoy.received.length;

    await commit(efms, name, 1, edgeSnapshot({ '/': 'green' }));
    const deployment = await deploymentEnd(efms, await startDeployment(efms, name, 2, [name]));

    expect(deployment.status).toBe('succeeded');
    const news = envoy.received.slice(before);
    expect(news.map(({ kind, resources, removed }) => [kind, [...resources.keys()], removed])).toEqual([
      ['route', ['routes'], []],
    ]);
    expect(news[0]?.resources.get('routes')?.includes('green')).toBe(true);
  });

  it('sends nothing for equal content, and the deployment succeeds at once', async () => {
    const name = 'equal';
    const { token } = await registerProxy(efms, name);
    await efms.api('POST', '/configurations', { name });
    await commit(efms, name, null, edgeSnapshot());
    const envoy = connect(token, name, 'delta');
    await deploymentEnd(efms, await startDeployment(efms, name, 1, [name]));
    const before = envoy.received.length;

    const body = { branch: 'main', expectedHead: 1, snapshot: edgeSnapshot() };
    const repeated = await efms.api('POST', `/configurations/name:${name}/versions`, body);
    expect([repeated.status, repeated.body.number]).toEqual([200, 1]);
    const deployment = await deploymentEnd(efms, await startDeployment(efms, name, 1, [name]));

    expect(deployment.status).toBe('succeeded');
    expect(envoy.received.length).toBe(before);
  });

  it('offers refused content once more when it is deployed again', async () => {
    const name = 'mended';
    const { token } = await registerProxy(efms, name);
    await efms.api('POST', '/configurations', { name });
    await commit(efms, name, null, edgeSnapshot());
    const envoy = connect(token, name, 'delta');
    envoy.refuse('listener', 'cannot bind: Address already in use');
    const refused = await deploymentEnd(efms, await startDeployment(efms, name, 1, [name]));
    expect(refused.status).toBe('halted');

    envoy.accept('listener');
    const mended = await deploymentEnd(efms, await startDeployment(efms, name, 1, [name]));
    expect(mended.status).toBe('succeeded');
  });

  it('stores nothing in a dry run', async () => {
    const name = 'dry';
    await registerProxy(efms, name);
    await efms.api('POST', '/configurations', { name });
    const body = { branch: 'main', expectedHead: null, snapshot: edgeSnapshot() };
    const path = `/configurations/name:${name}/versions`;
    const report = await expectStatus(200, efms.api('POST', `${path}?dryRun=true`, body));
    expect(report.body).toMatchObject({ number: 1, changes: true, findings: [] });
    expect((await efms.api('GET', path)).body.items).toEqual([]);

    await commit(efms, name, null, edgeSnapshot());
    const plan = await expectStatus(200, efms.api('POST', '/deployments?dryRun=true', deploymentOf(name, 1, [name])));
    expect(plan.body).toMatchObject({
      version: { number: 1 },
      targets: [{ proxy: { name }, current: null, changes: true }],
      busy: [],
    });
    const rows = await efms.database.sql('select 1 from configuration_deployments where configuration_name = $1', [
      name,
    ]);
    expect(rows).toEqual([]);
  });

  it('names the deployment that has a proxy, and lets go of it when that is aborted', async () => {
    const name = 'busy';
    const { token } = await registerProxy(efms, name);
    await efms.api('POST', '/configurations', { name });
    await commit(efms, name, null, edgeSnapshot());
    const envoy = connect(token, name, 'delta', true);
    const running = await startDeployment(efms, name, 1, [name]);

    const refused = await efms.api('POST', '/deployments', deploymentOf(name, 1, [name]));
    expect(refused.status).toBe(409);
    expect(refused.headers.get('content-type')).toContain('application/problem+json');
    expect(refused.body).toMatchObject({
      type: '/problems/proxy-in-deployment',
      busy: [{ proxy: name, deploymentId: running }],
    });
    expect(refused.body.detail).toContain(running);

    const aborted = await expectStatus(200, efms.api('POST', `/deployments/${running}/abort`));
    expect(aborted.body.status).toBe('aborted');
    expect(aborted.body.timeline.at(-1)).toMatchObject({ kind: 'aborted', reason: expect.stringContaining('admin') });
    expect(aborted.body.targets.items).toMatchObject([{ status: 'skipped', reason: 'aborted' }]);
    const twice = await efms.api('POST', `/deployments/${running}/abort`);
    expect([twice.status, twice.body.detail]).toEqual([409, expect.stringContaining('aborted')]);

    envoy.release();
    const next = await deploymentEnd(efms, await startDeployment(efms, name, 1, [name]));
    expect(next.status).toBe('succeeded');
  });
});
