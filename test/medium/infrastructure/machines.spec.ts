import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Answer, TestApp } from '../tenancy/app.js';

const DIGEST = `sha256:${'ab'.repeat(32)}`;

describe('machines and containers', () => {
  let app: TestApp;
  let token: string;

  beforeAll(async () => {
    app = await TestApp.start();
    token = await app.login();
    for (const name of ['host-a', 'host-b']) await put('vms', name, {});
  });
  afterAll(() => app.stop());

  const call = (method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown, ifMatch?: string) =>
    app.call(method, path, { token, body, headers: ifMatch === undefined ? {} : { 'if-match': ifMatch } });
  const put = (kind: 'vms' | 'containers' | 'proxies', name: string, body: object, ifMatch?: string) =>
    call('PUT', `/${kind}/name:${name}`, body, ifMatch);
  const container = (containerId: string, more: object = {}) => ({ vm: 'name:host-a', containerId, ...more });
  const problem = ({ status, body }: Answer) => [status, body.type];

  it('of a machine keep what people say, in one form', async () => {
    const body = {
      ipAddress: '2001:DB8:0::1',
      region: 'eu',
      availabilityZone: 'eu-a',
      cpuCores: 8,
      memoryMb: 16_384,
      diskGb: 200,
      labels: { rack: '4' },
      metadata: { owner: 'web' },
    };
    const created = await put('vms', 'web-1', body);
    expect(created.status).toBe(201);
    expect(created.headers).toMatchObject({ etag: '"1"', location: `/api/v1/vms/${created.body.id}` });
    expect(created.body).toEqual({
      id: expect.any(String),
      hostname: 'web-1',
      ...body,
      ipAddress: '2001:db8::1',
      status: 'unknown',
      lastHeartbeat: null,
      containers: 0,
      revision: 1,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    const again = await put('vms', 'web-1', body);
    expect([again.status, again.body]).toEqual([200, created.body]);
    expect((await put('vms', 'web-1', {})).status).toBe(428);
    const patched = await call('PATCH', '/vms/name:web-1', { ipAddress: null, cpuCores: 16 }, '"1"');
    expect(patched.body).toMatchObject({ ipAddress: null, cpuCores: 16, diskGb: 200, revision: 2 });
    expect(problem(await call('POST', '/vms', { hostname: 'web-1' }))).toEqual([409, '/problems/hostname-taken']);
    expect((await call('POST', '/vms', { hostname: 'web-2', ipAddress: '10.0.0.1' })).body.ipAddress).toBe('10.0.0.1');
    expect((await call('DELETE', '/vms/name:web-1', undefined, '"1"')).status).toBe(412);
    expect((await call('DELETE', '/vms/name:web-1', undefined, '"2"')).status).toBe(204);
    expect(problem(await call('GET', '/vms/name:web-1'))).toEqual([404, '/problems/vm-not-found']);
  });

  it.each([
    ['vms', { ipAddress: '10.0.0' }, '/ipAddress'],
    ['vms', { ipAddress: 'fe80::1%eth0' }, '/ipAddress'],
    ['vms', { cpuCores: 0 }, '/cpuCores'],
    ['vms', { memoryMb: 1.5 }, '/memoryMb'],
    ['vms', { region: 'a\nb' }, '/region'],
    ['vms', { status: 'healthy' }, '/status'],
    ['containers', { vm: 'name:host-a' }, '/containerId'],
    ['containers', { containerId: 'x' }, '/vm'],
    ['containers', { containerId: 'x', vm: 'name:nowhere' }, '/vm'],
    ['containers', { containerId: 'x', vm: 'name:host-a', imageDigest: 'sha256:xyz' }, '/imageDigest'],
    ['containers', { containerId: 'x', vm: 'name:host-a', environment: { API_TOKEN: 'x' } }, '/environment'],
    ['containers', { containerId: 'x', vm: 'name:host-a', resourceLimits: { cpus: 0 } }, '/resourceLimits/cpus'],
  ] as const)('are refused among %s for %j', async (kind, body, pointer) => {
    const answer = await put(kind, 'refused', body);
    expect(answer.status).toBe(422);
    expect(answer.body.errors).toContainEqual(expect.objectContaining({ pointer }));
    expect((await call('GET', `/${kind}/name:refused`)).status).toBe(404);
  });

  it('are listed, filtered and sorted', async () => {
    for (const [i, region] of ['x', 'y', 'x'].entries()) {
      await put('vms', `list-${i}`, { region, labels: { suite: 'list', n: `${i}` } });
      await put(
        'containers',
        `list-${i}`,
        container(`list-${i}`, { vm: `name:list-${i % 2}`, labels: { suite: 'list' } }),
      );
    }
    await app.db.sql(
      `update vm_status set status = 'healthy' where vm_id in (select id from virtual_machines where hostname = 'list-1')`,
    );
    const vms = async (query: string) =>
      (await call('GET', `/vms?labels=suite=list&${query}`)).body.items.map((vm: { hostname: string }) => vm.hostname);
    expect(await vms('')).toEqual(['list-0', 'list-1', 'list-2']);
    expect(await vms('region=x&sort=-createdAt')).toEqual(['list-2', 'list-0']);
    expect(await vms('status=healthy')).toEqual(['list-1']);
    expect(await vms('hostname=list-2')).toEqual(['list-2']);
    expect((await call('GET', '/vms?status=sick')).status).toBe(422);
    expect((await call('GET', '/vms?sort=memoryMb')).status).toBe(422);
    const containers = async (query: string) =>
      (await call('GET', `/containers?labels=suite=list&${query}`)).body.items.map(
        ({ name }: { name: string }) => name,
      );
    expect(await containers('vm=name:list-0')).toEqual(['list-0', 'list-2']);
    expect(await containers('status=running')).toEqual([]);
    await call('POST', '/containers/name:list-1/events', { kind: 'started' });
    expect(await containers('status=running')).toEqual(['list-1']);
    expect(await containers('vm=name:nowhere')).toEqual([]);
    const first = await call('GET', '/vms?labels=suite=list&limit=2');
    const rest = await call('GET', `/vms?labels=suite=list&limit=2&cursor=${first.body.nextCursor}`);
    expect(rest.body).toMatchObject({ items: [{ hostname: 'list-2' }], nextCursor: null });
  });

  it('of a container keep the image, limits and environment, and the machine that it is on', async () => {
    const body = container('0a1b', {
      image: 'envoy:v1',
      imageDigest: DIGEST,
      resourceLimits: { cpus: 1.5, memoryMb: 512 },
      environment: { ENVOY_UID: '101' },
      labels: { role: 'edge' },
    });
    const created = await put('containers', 'host-a%2Fenvoy', body);
    expect(created.status).toBe(201);
    const { vm: _, ...rest } = body;
    expect(created.body).toMatchObject({ name: 'host-a/envoy', vm: { hostname: 'host-a' }, ...rest });
    expect(created.body.status).toEqual({
      status: 'unknown',
      health: 'unknown',
      restartCount: 0,
      exitCode: null,
      startedAt: null,
      asOf: null,
    });
    expect((await put('containers', 'host-a%2Fenvoy', body)).body).toEqual(created.body);
    const moved = await call(
      'PATCH',
      '/containers/name:host-a%2Fenvoy',
      { vm: 'name:host-b', containerId: '0a1c' },
      '*',
    );
    expect(moved.body).toMatchObject({
      vm: { hostname: 'host-b' },
      containerId: '0a1c',
      image: 'envoy:v1',
      revision: 2,
    });
    expect(problem(await put('containers', 'other', container('0a1c')))).toEqual([409, '/problems/container-id-taken']);
    const taken = await call('POST', '/containers', container('0a1d', { name: 'host-a/envoy' }));
    expect(problem(taken)).toEqual([409, '/problems/container-name-taken']);
  });

  it('follow the events of a container, but not those that come late', async () => {
    await put('containers', 'life', container('life'));
    const report = (kind: string, at: string, more: object = {}) =>
      call('POST', '/containers/name:life/events', { kind, at: `2026-01-01T${at}Z`, ...more });
    const known = async () => (await call('GET', '/containers/name:life')).body.status;
    expect((await report('started', '10:00:00')).status).toBe(201);
    await report('healthy', '10:00:05');
    expect(await known()).toMatchObject({
      status: 'running',
      health: 'healthy',
      startedAt: '2026-01-01T10:00:00.000Z',
    });
    await report('died', '10:01:00', { exitCode: 137, message: 'killed' });
    await report('unhealthy', '10:00:30');
    expect(await known()).toMatchObject({ status: 'exited', health: 'unknown', exitCode: 137, restartCount: 0 });
    await report('restarted', '10:02:00');
    expect(await known()).toMatchObject({ status: 'running', exitCode: null, restartCount: 1 });
    const events = await call('GET', '/containers/name:life/events');
    expect(events.body.items.map(({ kind }: { kind: string }) => kind)).toEqual([
      'restarted',
      'unhealthy',
      'died',
      'healthy',
      'started',
    ]);
    expect(events.body.items[2]).toMatchObject({ exitCode: 137, message: 'killed', actor: { kind: 'user' } });
    const page = await call('GET', '/containers/name:life/events?limit=4');
    const rest = await call('GET', `/containers/name:life/events?cursor=${page.body.nextCursor}`);
    expect(rest.body).toMatchObject({ items: [{ kind: 'started' }], nextCursor: null });
    expect((await report('exploded', '10:03:00')).status).toBe(422);
    expect((await call('POST', '/containers/name:nobody/events', { kind: 'started' })).status).toBe(404);
    expect((await call('GET', '/containers/name:life')).body.revision).toBe(1);
  });

  it('host proxies, whose machine is that of their container', async () => {
    await put('containers', 'home', container('home'));
    const proxy = (more: object, ifMatch?: string) => put('proxies', 'p', { nodeId: 'p', ...more }, ifMatch);
    expect((await proxy({ container: 'name:home' })).body).toMatchObject({
      vm: { hostname: 'host-a' },
      container: { name: 'home' },
    });
    expect((await proxy({ container: 'name:home', vm: 'name:host-a' })).body.revision).toBe(1);
    const elsewhere = await proxy({ container: 'name:home', vm: 'name:host-b' }, '*');
    expect([elsewhere.status, elsewhere.body.errors[0].pointer]).toEqual([422, '/vm']);
    await call('PATCH', '/containers/name:home', { vm: 'name:host-b' }, '*');
    expect((await call('GET', '/proxies/name:p')).body.vm.hostname).toBe('host-b');
    expect(problem(await call('DELETE', '/containers/name:home', undefined, '*'))).toEqual([
      409,
      '/problems/container-in-use',
    ]);
    await put('vms', 'bare', {});
    const bare = await call('PATCH', '/proxies/name:p', { container: null, vm: 'name:bare' }, '*');
    expect(bare.body).toMatchObject({ vm: { hostname: 'bare' }, container: null });
    expect((await call('DELETE', '/containers/name:home', undefined, '*')).status).toBe(204);
    expect(problem(await call('DELETE', '/vms/name:bare', undefined, '*'))).toEqual([409, '/problems/vm-in-use']);
    expect((await proxy({ vm: 'name:nowhere' }, '*')).body.errors[0].pointer).toBe('/vm');
  });

  it('stay while containers are on them', async () => {
    await put('vms', 'busy', {});
    await put('containers', 'busy', container('busy', { vm: 'name:busy' }));
    expect((await call('GET', '/vms/name:busy')).body.containers).toBe(1);
    expect(problem(await call('DELETE', '/vms/name:busy', undefined, '*'))).toEqual([409, '/problems/vm-in-use']);
    await call('DELETE', '/containers/name:busy', undefined, '*');
    expect((await call('DELETE', '/vms/name:busy', undefined, '*')).status).toBe(204);
  });

  it('of another tenant do not exist', async () => {
    const { login } = await app.addTenant('machine-strangers');
    const stranger = await app.login(login);
    const { body: mine } = await put('containers', 'mine', container('mine'));
    for (const path of [
      `/vms/${mine.vm.id}`,
      '/vms/name:host-a',
      `/containers/${mine.id}`,
      `/containers/${mine.id}/events`,
    ]) {
      expect((await app.call('GET', path, { token: stranger })).status).toBe(404);
    }
    const body = { containerId: 'mine', vm: mine.vm.id };
    const refused = await app.call('PUT', '/containers/name:theirs', { token: stranger, body });
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, '/vm']);
    expect((await app.call('GET', '/vms', { token: stranger })).body.items).toEqual([]);
  });
});
