import { status } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/common/context/ids.js';
import { type ApiCall, makeTenant, makeUser } from '../kit/accounts.js';
import { type ApiOperation, apiOperations, pathOf, PUBLIC_PATHS } from '../kit/api-operations.js';
import { type ApiAnswer, type Efms, startEfms } from '../kit/efms.js';
import { eventually } from '../kit/eventually.js';
import {
  commit,
  deploymentEnd,
  deploymentOf,
  edgeSnapshot,
  type RegisteredProxy,
  registerProxy,
  startDeployment,
} from '../kit/fleet.js';
import { expectStatus } from '../kit/fleet-of-one.js';
import { HollowEnvoy } from '../kit/hollow-envoy.js';
import { Teardown } from '../kit/teardown.js';

const ANY = { 'if-match': '*' };
const PREFIX = '/api/v1';

/** Bodies that would be taken if the thing were there, where an empty object would not. */
const BODIES: Readonly<Record<string, unknown>> = {
  'PUT /proxies/{id}': { nodeId: 'another' },
  'PATCH /proxies/{id}': { cluster: 'another' },
  'POST /proxies/{id}/lifecycle': { state: 'stopped' },
  'PUT /containers/{id}': { vm: 'name:shared-name', containerId: 'another' },
  'POST /containers/{id}/events': { kind: 'started' },
  'PUT /secrets/{id}': { genericSecret: { value: 'another' } },
  'POST /secrets/{id}/versions': { genericSecret: { value: 'another' } },
  'PUT /endpoint-overrides/{id}': {
    clusterName: 'blue',
    address: '10.0.0.1',
    port: 80,
    drain: true,
    reason: 'another',
  },
  'PUT /configurations/{id}': { description: 'another' },
  'POST /configurations/{id}/versions': { branch: 'main', expectedHead: null, snapshot: edgeSnapshot() },
};

describe('two tenants', () => {
  const teardown = new Teardown();
  let efms: Efms;
  let operations: ApiOperation[];
  let mine: RegisteredProxy;
  let deploymentId: string;
  let configurationId: string;
  const ids = new Map<string, string>();
  let otherTenant: string;
  /** The admin of the second tenant. */
  let other: ApiCall;

  beforeAll(async () => {
    efms = await startEfms();
    operations = await apiOperations(efms);
    mine = await registerProxy(efms, 'shared-name');
    const made = await expectStatus(201, efms.api('POST', '/configurations', { name: 'shared-name' }));
    configurationId = made.body.id;
    await commit(efms, 'shared-name', null, edgeSnapshot());
    const envoy = hollow(mine.token, 'shared-name');
    deploymentId = await startDeployment(efms, 'shared-name', 1, ['shared-name']);
    await deploymentEnd(efms, deploymentId);
    await envoy.sees('route', 'routes', 'blue');
    for (const kind of new Set(addressed().map(kindOf))) {
      const id = await makers[kind]?.();
      if (id !== undefined) ids.set(kind, id);
    }
    otherTenant = await makeTenant(efms, 'other');
    other = await makeUser(efms, { tenantId: otherTenant, email: 'admin@other.example', role: 'admin' });
  });
  afterEach(() => teardown.run());
  afterAll(() => efms.stop());

  /** Tenants are the platform's: admins of tenants have no access to any, their own included. */
  const isOfTenants = ({ path }: ApiOperation): boolean => !path.startsWith(`${PREFIX}/tenants`);
  const addressed = (): ApiOperation[] =>
    operations.filter((operation) => operation.parameters.length > 0 && isOfTenants(operation));
  const hollow = (token: string, nodeId: string): HollowEnvoy =>
    teardown.add(new HollowEnvoy({ port: efms.xdsPort, token, nodeId, variant: 'delta' }));

  const vmId = async (): Promise<string> => (await efms.api('PUT', '/vms/name:shared-name', {})).body.id;
  /** Makes what the ids of the paths lead to, for the first tenant; by the first part of the path. */
  const makers: Readonly<Record<string, () => Promise<string>>> = {
    proxies: () => Promise.resolve(mine.id),
    configurations: () => Promise.resolve(configurationId),
    deployments: () => Promise.resolve(deploymentId),
    'api-keys': async () => (await expectStatus(201, efms.api('POST', '/api-keys', { name: 'shared-name' }))).body.id,
    users: async () => (await expectStatus(200, efms.api('GET', '/users'))).body.items[0].id,
    vms: () => vmId(),
    containers: async () => {
      const body = { vm: await vmId(), containerId: 'shared-name' };
      return (await expectStatus(201, efms.api('PUT', '/containers/name:shared-name', body))).body.id;
    },
    'enrolment-tokens': async () => {
      const body = { name: 'shared-name', expiresAt: '2990-01-01T00:00:00Z' };
      return (await expectStatus(201, efms.api('POST', '/enrolment-tokens', body))).body.id;
    },
    secrets: async () => {
      const body = { genericSecret: { value: 'theirs alone' } };
      return (await expectStatus(201, efms.api('PUT', '/secrets/name:shared-name', body))).body.id;
    },
    'endpoint-overrides': async () => {
      const body = { clusterName: 'blue', address: '10.0.0.1', port: 80, drain: true, reason: 'theirs alone' };
      return (await expectStatus(201, efms.api('PUT', '/endpoint-overrides/name:shared-name', body))).body.id;
    },
    'proxy-groups': async () =>
      (await expectStatus(201, efms.api('PUT', '/proxy-groups/name:shared-name', { selector: 'role=edge' }))).body.id,
  };
  const kindOf = ({ path }: ApiOperation): string => path.slice(PREFIX.length).split('/')[1] ?? '';

  /** What the path of an operation takes: ids of the first tenant's things, or as many that nothing ever had. */
  function values(operation: ApiOperation, real: boolean): Record<string, string> {
    const id = ids.get(kindOf(operation));
    if (id === undefined) throw new Error(`add to "makers" what the id of ${operation.path} leads to`);
    if (!real) return { id: newId(), number: '1', credentialId: newId(), proxyId: newId() };
    return { id, number: '1', credentialId: mine.credentialId, proxyId: mine.id };
  }

  const send = (call: ApiCall, operation: ApiOperation, parameters: Record<string, string>): Promise<ApiAnswer> => {
    const path = pathOf(operation, parameters).slice(PREFIX.length);
    const isWrite = ['POST', 'PUT', 'PATCH'].includes(operation.method);
    const body = BODIES[`${operation.method} ${operation.path.slice(PREFIX.length)}`] ?? (isWrite ? {} : undefined);
    return call(operation.method, path, body, ANY);
  };

  /** What is told but for the ids that were asked for. */
  function told({ status: code, body, headers }: ApiAnswer, parameters: Record<string, string>): unknown {
    let text = JSON.stringify({ ...body, requestId: '' });
    for (const [name, value] of Object.entries(parameters)) if (name !== 'number') text = text.replaceAll(value, '*');
    return { code, body: JSON.parse(text), type: headers.get('content-type'), etag: headers.get('etag') };
  }

  it('answers each id of the other tenant as one that never existed, on every operation', async () => {
    expect(addressed().length).toBeGreaterThan(12);
    for (const operation of addressed()) {
      const [real, invented] = [values(operation, true), values(operation, false)];
      const answer = await send(other, operation, real);
      expect([operation.method, operation.path, answer.status]).toEqual([operation.method, operation.path, 404]);
      expect(told(answer, real)).toEqual(told(await send(other, operation, invented), invented));
    }
    // None of it did anything.
    expect((await efms.api('GET', `/proxies/${mine.id}`)).body).toMatchObject({ nodeId: 'shared-name', revision: 1 });
    expect((await efms.api('GET', `/configurations/${configurationId}`)).status).toBe(200);
    expect((await efms.api('GET', '/api-keys')).body.items).toHaveLength(1);
  });

  it('answers each name of the other tenant as one that never existed', async () => {
    for (const path of ['/proxies', '/configurations']) {
      for (const method of ['GET', 'DELETE']) {
        const answers = [];
        for (const name of ['shared-name', 'never-was']) {
          answers.push(told(await other(method, `${path}/name:${name}`, undefined, ANY), { name }));
        }
        expect(answers[0]).toMatchObject({ code: 404 });
        expect(answers[0]).toEqual(answers[1]);
      }
    }
  });

  it('refuses a deployment of the other tenant’s version or proxies as of things that are not there', async () => {
    const body = (configuration: string, proxy: string): object => ({
      ...deploymentOf('', 1, []),
      configuration,
      targets: { proxies: [proxy] },
    });
    const real = await other('POST', '/deployments', body(configurationId, mine.id));
    const [a, b] = [newId(), newId()];
    const invented = await other('POST', '/deployments', body(a, b));
    expect(real.status).toBe(422);
    expect(told(real, { a: configurationId, b: mine.id })).toEqual(told(invented, { a, b }));
  });

  it('shows nothing of the other tenant in any list', async () => {
    const lists = operations.filter(
      (operation) =>
        operation.method === 'GET' &&
        operation.path.startsWith(PREFIX) &&
        operation.parameters.length === 0 &&
        !operation.isStream &&
        isOfTenants(operation),
    );
    expect(lists.length).toBeGreaterThan(3);
    for (const { path } of lists) {
      // As text: one of them is an export.
      const response = await fetch(`${efms.http}${path}`, { headers: { authorization: other.authorization } });
      const text = await response.text();
      expect([path, response.status]).toEqual([path, 200]);
      for (const foreign of [...ids.values(), 'shared-name']) {
        expect([path, text.includes(foreign)]).toEqual([path, false]);
      }
    }
    expect((await other('GET', '/me')).body.tenant).toEqual({ id: otherTenant, name: 'other' });
  });

  it('have things of the same names beside each other, and each proxy gets what its own tenant deployed', async () => {
    const body = { nodeId: 'shared-name', labels: { role: 'edge' } };
    const theirs = await expectStatus(201, other('PUT', '/proxies/name:shared-name', body));
    expect(theirs.body.id).not.toBe(mine.id);
    const { token } = (await expectStatus(201, other('POST', '/proxies/name:shared-name/credentials', {}))).body;
    const ours = hollow(mine.token, 'shared-name');
    const envoy = hollow(token, 'shared-name');
    await ours.sees('route', 'routes', 'blue');

    // Its tenant has assigned nothing: it is told so, and nothing of the other's.
    await eventually('an empty answer', () => envoy.received.length >= 2 || undefined);
    for (const { resources, removed } of envoy.received) expect([resources.size, removed]).toEqual([0, []]);

    await expectStatus(201, other('POST', '/configurations', { name: 'shared-name' }));
    const snapshot = edgeSnapshot({ '/': 'theirs' }, ['theirs']);
    const version = { branch: 'main', expectedHead: null, snapshot };
    await expectStatus(201, other('POST', '/configurations/name:shared-name/versions', version));
    await expectStatus(202, other('POST', '/deployments', deploymentOf('shared-name', 1, ['shared-name'])));
    await envoy.sees('route', 'routes', 'theirs');
    expect([...envoy.resources('cluster').keys()]).toEqual(['theirs']);
    expect([...ours.resources('cluster').keys()].sort()).toEqual(['blue', 'green']);
  });

  it('a token of one never opens a stream as a node of the other', async () => {
    await registerProxy(efms, 'only-here');
    await expectStatus(201, other('PUT', '/proxies/name:theirs', { nodeId: 'theirs' }));
    const { token } = (await expectStatus(201, other('POST', '/proxies/name:theirs/credentials', {}))).body;
    const spoofed = hollow(token, 'only-here');
    expect(await spoofed.ended).toMatchObject({ code: status.PERMISSION_DENIED });
    expect(spoofed.received).toEqual([]);
    // The tenant of the credential is told, the other has nothing to do with it.
    const denials = await eventually('an audit row', async () => {
      const rows = await efms.database.sql<{ tenant_id: string }>(
        `select tenant_id from audit_logs where outcome = 'denied' and action = 'xds.connect'`,
      );
      return rows.length > 0 ? rows : undefined;
    });
    expect(denials).toEqual([{ tenant_id: otherTenant }]);
  });

  describe('a role', () => {
    const writes = (): ApiOperation[] =>
      operations.filter(
        ({ method, path }) => method !== 'GET' && !PUBLIC_PATHS.includes(path) && path !== `${PREFIX}/me/password`,
      );
    const denied = (email: string): Promise<{ action: string; resource_type: string }[]> =>
      efms.database.sql(
        `select distinct resource_type, action from audit_logs
          where outcome = 'denied' and actor_name = $1 and tenant_id = $2 order by 1, 2`,
        [email, otherTenant],
      );

    it('viewer reads everything and writes nothing, and each attempt is audited', async () => {
      const email = 'viewer@other.example';
      const viewer = await makeUser(efms, { tenantId: otherTenant, email, role: 'viewer' });
      for (const operation of writes()) {
        const answer = await send(viewer, operation, anyValues(operation));
        expect([operation.method, operation.path, answer.status]).toEqual([operation.method, operation.path, 403]);
        expect(answer.headers.get('content-type')).toContain('application/problem+json');
        expect(answer.body.detail).toMatch(/:write/);
      }
      for (const path of ['/proxies', '/configurations', '/deployments', '/api-keys', '/proxies/name:shared-name']) {
        await expectStatus(200, viewer('GET', path));
      }
      const everything = ['api-keys', 'configurations', 'credentials', 'deployments', 'proxies'];
      await eventually('an audited refusal of each kind', async () => {
        const refused = (await denied(email)).filter(({ action }) => action === 'write');
        return everything.every((kind) => refused.some(({ resource_type }) => resource_type === kind)) || undefined;
      });
    });

    it('operator runs the fleet but gives nobody access', async () => {
      const email = 'operator@other.example';
      const operator = await makeUser(efms, { tenantId: otherTenant, email, role: 'operator' });
      await expectStatus(201, operator('PUT', '/proxies/name:operated', { nodeId: 'operated' }));
      await expectStatus(201, operator('POST', '/proxies/name:operated/credentials', {}));
      await expectStatus(201, operator('POST', '/configurations', { name: 'operated' }));
      const version = { branch: 'main', expectedHead: null, snapshot: edgeSnapshot() };
      await expectStatus(201, operator('POST', '/configurations/name:operated/versions', version));
      const started = await expectStatus(
        202,
        operator('POST', '/deployments', deploymentOf('operated', 1, ['operated'])),
      );
      await expectStatus(200, operator('POST', `/deployments/${started.body.id}/abort`));
      await expectStatus(403, operator('POST', '/api-keys', { name: 'mine' }));
      await expectStatus(403, operator('DELETE', `/api-keys/${newId()}`));
      const rows = await eventually('an audited refusal', async () => {
        const found = await denied(email);
        return found.length > 0 ? found : undefined;
      });
      expect(rows).toEqual([{ resource_type: 'api-keys', action: 'write' }]);
    });

    /** Ids for any operation: the guard speaks before anything is looked up. */
    const anyValues = (operation: ApiOperation): Record<string, string> =>
      Object.fromEntries(operation.parameters.map((name) => [name, newId()]));
  });
});
