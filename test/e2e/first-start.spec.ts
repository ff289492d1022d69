import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Reader } from '../../src/xds/server/wire/protobuf.js';
import { apiOperations, pathOf, PUBLIC_PATHS } from '../kit/api-operations.js';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';
import { type ApiAnswer, type SpawnedEfms, spawnEfms } from '../kit/efms.js';
import { expectStatus } from '../kit/fleet-of-one.js';

const EMAIL = 'admin@efms.local';
const SERVING = 1;

describe('the first start of an installation', () => {
  let database: TestDatabase;
  let dataDir: string;
  let efms: SpawnedEfms;
  let password: string;
  let accessToken: string;
  let refreshToken: string;

  // Without a password in the environment one is generated.
  const start = (): Promise<SpawnedEfms> =>
    spawnEfms({ database, env: { EFMS_ADMIN_PASSWORD: '', EFMS_DATA_DIR: dataDir } });

  beforeAll(async () => {
    database = await createTestDatabase();
    dataDir = mkdtempSync(path.join(os.tmpdir(), 'efms-first-'));
    efms = await start();
  }, 60_000);
  afterAll(async () => {
    await efms.stop();
    await database.drop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const as = (credential: string, method: string, at: string, body?: unknown): Promise<ApiAnswer> =>
    efms.api(method, at, body, { authorization: `Bearer ${credential}` });
  const login = (secret: string): Promise<ApiAnswer> =>
    as('', 'POST', '/auth/login', { email: EMAIL, password: secret });

  it('prints a generated password once, and keeps it for its owner only', () => {
    const printed = [...efms.output().matchAll(/^ {2}password (\S+) +\(shown once; kept in (\S+) /gm)];
    expect(printed).toHaveLength(1);
    const [, shown, file] = printed[0] as unknown as [string, string, string];
    password = shown;
    expect(password.length).toBeGreaterThanOrEqual(20);
    expect(readFileSync(file, 'utf8').trim()).toBe(password);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(path.dirname(file)).mode & 0o077).toBe(0);
  });

  it('lets its admin log in, and nobody else', async () => {
    expect((await login(`${password}x`)).status).toBe(401);
    const session = await expectStatus(200, login(password));
    expect(session.headers.get('cache-control')).toBe('no-store');
    ({ accessToken, refreshToken } = session.body);
    expect((await expectStatus(200, as(accessToken, 'GET', '/me'))).body).toMatchObject({
      principal: { kind: 'user', email: EMAIL, platformAdmin: true },
      tenant: { name: 'default' },
      role: 'admin',
      permissions: ['*:read', '*:write'],
    });
  });

  it('renders bootstraps with the xDS port that the system chose', async () => {
    await expectStatus(201, as(accessToken, 'PUT', '/proxies/name:somewhere', { nodeId: 'somewhere' }));
    const { body } = await expectStatus(200, as(accessToken, 'GET', '/proxies/name:somewhere/bootstrap?format=json'));
    expect(JSON.stringify(body)).toContain(`"port_value":${efms.xdsPort}}`);
  });

  it('gives each refresh token one use, and ends the login of one that comes twice', async () => {
    const next = await expectStatus(200, as('', 'POST', '/auth/refresh', { refreshToken }));
    expect(next.body.refreshToken).not.toBe(refreshToken);
    await expectStatus(200, as(next.body.accessToken, 'GET', '/me'));
    await expectStatus(401, as('', 'POST', '/auth/refresh', { refreshToken }));
    await expectStatus(401, as('', 'POST', '/auth/refresh', { refreshToken: next.body.refreshToken }));
  });

  it('makes API keys that do what they are for until they are revoked', async () => {
    const made = await expectStatus(
      201,
      as(accessToken, 'POST', '/api-keys', { name: 'ci', permissions: ['proxies:read'] }),
    );
    const { id, key } = made.body;
    expect((await as(key, 'GET', '/me')).body).toMatchObject({ principal: { kind: 'api_key', name: 'ci' } });
    await expectStatus(200, as(key, 'GET', '/proxies'));
    await expectStatus(403, as(key, 'GET', '/configurations'));
    await expectStatus(403, as(key, 'POST', '/proxies', { name: 'a', nodeId: 'a' }));
    expect(JSON.stringify((await as(accessToken, 'GET', '/api-keys')).body)).not.toContain(key);

    await expectStatus(204, as(accessToken, 'DELETE', `/api-keys/${id}`));
    await expectStatus(401, as(key, 'GET', '/me'));
  });

  it('answers its probes over HTTP and gRPC', async () => {
    for (const probe of ['live', 'ready', 'startup']) {
      const response = await fetch(`${efms.http}/health/${probe}`);
      expect([probe, response.status, ((await response.json()) as { status: string }).status]).toEqual([
        probe,
        200,
        'ok',
      ]);
    }
    expect(await grpcHealth(efms.xdsPort)).toBe(SERVING);
  });

  it('shows metrics, its documentation and its OpenAPI document', async () => {
    const metrics = await fetch(`${efms.http}/metrics`);
    expect([metrics.status, metrics.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/plain')]);
    expect(await metrics.text()).toMatch(/^efms_xds_streams\{.*\} 0$/m);
    const docs = await fetch(`${efms.http}/docs`);
    expect([docs.status, await docs.text()]).toEqual([200, expect.stringContaining('swagger-ui')]);
    const document = await fetch(`${efms.http}/openapi.json`);
    expect([document.status, await document.json()]).toEqual([200, expect.objectContaining({ openapi: '3.1.0' })]);
  });

  it('opens no route to strangers but those that are meant for everybody', async () => {
    const operations = (await apiOperations(efms)).filter((operation) => !PUBLIC_PATHS.includes(operation.path));
    expect(operations.length).toBeGreaterThan(20);
    const forged = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${accessToken.split('.')[1]}.`;
    for (const operation of operations) {
      const url = `${efms.http}${pathOf(operation, Object.fromEntries(operation.parameters.map((name) => [name, '1'])))}`;
      const outcomes = [];
      for (const authorization of [undefined, 'Bearer garbage', `Bearer ${forged}`, `Basic ${accessToken}`]) {
        const headers = { 'content-type': 'application/json', ...(authorization ? { authorization } : {}) };
        const body = operation.method === 'GET' ? {} : { body: '{}' };
        const response = await fetch(url, { method: operation.method, headers, ...body });
        outcomes.push([
          response.status,
          response.headers.get('content-type'),
          response.headers.get('www-authenticate'),
        ]);
      }
      const refused = [401, expect.stringContaining('application/problem+json'), expect.stringContaining('Bearer')];
      expect([operation.method, operation.path, outcomes]).toEqual([
        operation.method,
        operation.path,
        [refused, refused, refused, refused],
      ]);
    }
  });

  it('is no first start a second time: the password is not shown again, and still good', async () => {
    expect(await efms.terminate()).toBe(0);
    efms = await start();
    expect(efms.output()).toContain('EFMS is ready');
    expect(efms.output()).not.toMatch(/password|login/);
    expect(efms.output()).not.toContain(password);
    await expectStatus(200, login(password));
  }, 60_000);
});

/** The status of the whole server by grpc.health.v1. */
function grpcHealth(port: number): Promise<number> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const statusOf = (answer: Buffer): number => {
    const reader = new Reader(answer);
    while (reader.next()) {
      if (reader.field === 1) return reader.int32();
      reader.skip();
    }
    return 0;
  };
  return new Promise<number>((resolve, reject) => {
    client.makeUnaryRequest(
      '/grpc.health.v1.Health/Check',
      (bytes: Buffer) => bytes,
      statusOf,
      Buffer.alloc(0),
      (error, value) => {
        client.close();
        if (error) reject(error);
        else resolve(value ?? 0);
      },
    );
  });
}
