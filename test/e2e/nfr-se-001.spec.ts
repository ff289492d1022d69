import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SignJWT } from 'jose';
import { newId } from '../../src/common/context/ids.js';
import type { ApiCall } from '../kit/accounts.js';
import { PUBLIC_PATHS } from '../kit/api-operations.js';
import { type Efms, startEfms } from '../kit/efms.js';
import { expectStatus } from '../kit/fleet-of-one.js';
import { callAs, joinTenant, openTenant } from '../kit/tenancy.js';

/** Settings of the kit's servers, and what their access tokens say. */
const SECRET = Buffer.from('only-for-tests-only-for-tests-only');

interface Operation {
  readonly method: string;
  readonly path: string;
  /** `resource:action`; absent where any principal will do. */
  readonly permission?: string;
}

/** What each role may write (SPEC.md §4.1), said here again so that a slip in the program shows. Everybody reads but the audit log. */
const RUNS_THE_FLEET = [
  'vms',
  'containers',
  'proxies',
  'proxy-groups',
  'credentials',
  'configurations',
  'secrets',
  'endpoint-overrides',
  'deployments',
];
const MAY_WRITE: Readonly<Record<string, (resource: string) => boolean>> = {
  viewer: () => false,
  operator: (resource) => RUNS_THE_FLEET.includes(resource),
  admin: () => true,
};

describe('NFR-SE-001: every operation wants a credential that allows it', () => {
  let efms: Efms;
  let operations: Operation[];
  let tenantId: string;
  let admin: ApiCall;

  beforeAll(async () => {
    efms = await startEfms();
    const document = (await (await fetch(`${efms.http}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, { 'x-efms-permission'?: string }>>;
    };
    operations = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item).flatMap(([method, { 'x-efms-permission': permission }]) =>
        PUBLIC_PATHS.includes(path)
          ? []
          : [{ method: method.toUpperCase(), path, ...(permission !== 'authenticated' && { permission }) }],
      ),
    );
    ({ id: tenantId, admin } = await openTenant(efms, 'walked'));
  });
  afterAll(() => efms.stop());

  /** The status of an operation on things that do not exist; the body is left unread, for some never end. */
  async function statusOf({ method, path }: Operation, headers: Record<string, string>): Promise<number> {
    const url = efms.http + path.replace('{number}', '1').replaceAll(/\{\w+\}/g, () => newId());
    const hasBody = method !== 'GET' && method !== 'DELETE';
    const response = await fetch(url, {
      method,
      headers: { ...headers, 'if-match': '*', ...(hasBody ? { 'content-type': 'application/json' } : {}) },
      ...(hasBody ? { body: '{}' } : {}),
      signal: AbortSignal.timeout(10_000),
    });
    await response.body?.cancel();
    return response.status;
  }

  const isOfPlatform = ({ path }: Operation): boolean => path.startsWith('/api/v1/tenants');
  const isPassword = ({ path }: Operation): boolean => path.endsWith('/me/password');

  async function walk(credential: ApiCall, isAllowed: (operation: Operation) => boolean): Promise<void> {
    const wrong: unknown[] = [];
    for (const operation of operations) {
      const status = await statusOf(operation, { authorization: credential.authorization });
      const isRefused = status === 403;
      if (status === 401 || status >= 500 || (isRefused === isAllowed(operation) && !isPassword(operation))) {
        wrong.push({ ...operation, status });
      }
    }
    expect(wrong).toEqual([]);
  }

  const accessToken = (expires: number, secret = SECRET, claims: object = { tenant: tenantId }): Promise<string> =>
    new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setSubject(newId())
      .setIssuer('efms')
      .setAudience('efms-api')
      .setJti(newId())
      .setIssuedAt(expires - 900)
      .setExpirationTime(expires)
      .sign(secret);

  it('names the permission of every operation but those of one’s own account and the list of events', () => {
    expect(operations.length).toBeGreaterThan(50);
    const free = operations.filter(({ permission }) => permission === undefined).map(({ path }) => path);
    expect(free.filter((path) => !/\/(me|me\/password|events)$/.test(path) && !path.startsWith('/docs'))).toEqual([]);
  });

  it('refuses no credential, a bad one, an expired one, and one that somebody else signed', async () => {
    const now = Math.floor(Date.now() / 1000);
    const { body: key } = await expectStatus(201, admin('POST', '/api-keys', { name: 'short' }));
    await efms.database.sql(`update api_keys set expires_at = now() - interval '1 second' where id = $1`, [key.id]);
    const credentials: Record<string, string>[] = [
      {},
      { authorization: 'Bearer nonsense' },
      { authorization: 'Basic YWRtaW46YWRtaW4=' },
      { authorization: `Bearer ${await accessToken(now - 10)}` },
      { authorization: `Bearer ${await accessToken(now + 900, Buffer.alloc(34, 1))}` },
      { authorization: `Bearer ${await accessToken(now + 900)}` },
      { authorization: `Bearer ${key.key}` },
    ];
    for (const operation of operations) {
      for (const headers of credentials) {
        const status = await statusOf(operation, headers);
        expect([operation.method, operation.path, headers, status]).toEqual([
          operation.method,
          operation.path,
          headers,
          401,
        ]);
      }
    }
  });

  it.each(Object.keys(MAY_WRITE))('lets a %s do what the role says, and nothing else', async (role) => {
    const { call } = await joinTenant(efms, admin, { email: `a-${role}@walked.example`, role });
    await walk(call, (operation) => {
      if (isOfPlatform(operation)) return false;
      const [resource = '', action] = operation.permission?.split(':') ?? [];
      if (resource === 'audit') return role === 'admin';
      return action !== 'write' || MAY_WRITE[role]!(resource);
    });
  });

  it('lets an API key do what its scope says, and nothing else', async () => {
    const scope = ['proxies:read', 'configurations:write'];
    const made = await expectStatus(201, admin('POST', '/api-keys', { name: 'narrow', permissions: scope }));
    await walk(callAs(efms, made.body.key), ({ permission }) => permission === undefined || scope.includes(permission));
  });

  it('lets a platform admin into the tenants, and no other', async () => {
    for (const operation of operations.filter(isOfPlatform)) {
      const asPlatform = await statusOf(operation, { authorization: `Bearer ${efms.adminToken}` });
      expect([operation.path, [401, 403].includes(asPlatform)]).toEqual([operation.path, false]);
      expect(await statusOf(operation, { authorization: admin.authorization })).toBe(403);
    }
  });
});
