import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { type ApiAnswer, type Efms, startEfms } from '../kit/efms.js';
import { callAs } from '../kit/tenancy.js';

const ADMIN = { email: 'admin@efms.local', password: 'correct-horse-battery' };

describe('NFR-SE-002: sessions are JSON Web Tokens', () => {
  let efms: Efms;

  beforeAll(async () => {
    efms = await startEfms();
  });
  afterAll(() => efms.stop());

  const login = (body: object): Promise<ApiAnswer> => efms.api('POST', '/auth/login', body);

  it('given the right password, answers a short-lived signed token that names user and tenant and opens the API', async () => {
    const { status, body, headers } = await login(ADMIN);
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(decodeProtectedHeader(body.accessToken)).toEqual({ alg: 'HS256', typ: 'JWT' });
    const claims = decodeJwt(body.accessToken);
    expect(claims.exp! - claims.iat!).toBe(body.expiresIn);
    expect(body.expiresIn).toBeLessThanOrEqual(900);
    const me = await callAs(efms, body.accessToken)('GET', '/me');
    expect(me.body).toMatchObject({ principal: { id: claims.sub }, tenant: { id: claims['tenant'] } });
  });

  it('refuses a token whose claims were changed, or that says it needs no signature', async () => {
    const { accessToken } = (await login(ADMIN)).body as { accessToken: string };
    const [header, payload, signature] = accessToken.split('.') as [string, string, string];
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const forged = encode({ ...decodeJwt(accessToken), exp: 9_999_999_999 });
    for (const token of [
      `${header}.${forged}.${signature}`,
      `${encode({ alg: 'none', typ: 'JWT' })}.${payload}.`,
      `${encode({ alg: 'HS512', typ: 'JWT' })}.${payload}.${signature}`,
      `${header}.${payload}.`,
    ]) {
      const answer = await callAs(efms, token)('GET', '/me');
      expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    }
  });

  it.each([
    ['POST', '/auth/login'],
    ['POST', '/auth/accept-invitation'],
    ['PATCH', '/me/password'],
    ['POST', '/enrol'],
  ] as const)('quotes nothing of a body that cannot be read: %s %s', async (method, path) => {
    for (const type of ['application/json', 'application/yaml']) {
      const response = await fetch(`${efms.http}/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${efms.adminToken}`, 'content-type': type },
        body: '{"password": "hunter2-marker" "token": "hunter2-marker"',
      });
      expect(response.status).toBe(400);
      expect(await response.text()).not.toContain('hunter2');
    }
  });

  it('gives the next session for a refresh token once, and ends all of them when it comes again', async () => {
    const refresh = (refreshToken: string): Promise<ApiAnswer> => efms.api('POST', '/auth/refresh', { refreshToken });
    const first = (await login(ADMIN)).body.refreshToken;
    const second = await refresh(first);
    expect(second.status).toBe(200);
    expect((await refresh(first)).status).toBe(401);
    expect((await refresh(second.body.refreshToken)).status).toBe(401);
  });

  it('answers an unknown e-mail as a wrong password, and both with 429 after ten', async () => {
    const told = async (email: string): Promise<unknown[]> => {
      const answers: unknown[] = [];
      for (let i = 0; i < 11; i++) {
        const { status, body, headers } = await login({ email, password: 'wrong' });
        answers.push([status, body.type, body.detail, headers.get('retry-after') !== null]);
      }
      return answers;
    };
    const known = await told(ADMIN.email);
    expect(known).toEqual(await told('nobody@efms.local'));
    expect(known.at(9)).toEqual([401, '/problems/login-failed', undefined, false]);
    expect(known.at(10)).toEqual([429, '/problems/too-many-logins', expect.any(String), true]);
  });
});
