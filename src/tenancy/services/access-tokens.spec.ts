import { describe, expect, it } from '@jest/globals';
import { SignJWT } from 'jose';
import { Clock } from '../../common/clock/clock.js';
import { newId } from '../../common/context/ids.js';
import type { Keys } from '../../common/crypto/keys.js';
import { ACCESS_TOKEN_LIFETIME, AccessTokens } from './access-tokens.js';

class SetClock extends Clock {
  at = Date.parse('2026-11-21T10:00:00Z');

  now(): number {
    return this.at;
  }

  monotonic(): number {
    return this.at;
  }
}

const keys: Keys = {
  jwtSecret: Buffer.alloc(32, 1),
  masterKey: { id: 'test', key: Buffer.alloc(32), accepted: [] },
};
const claims = { userId: newId(), tenantId: newId() };

const signed = (
  change: (jwt: SignJWT) => SignJWT,
  header = { alg: 'HS256', typ: 'JWT' },
  secret = keys.jwtSecret,
): Promise<string> => {
  const now = Date.parse('2026-11-21T10:00:00Z') / 1000;
  const jwt = new SignJWT({ tenant: claims.tenantId })
    .setProtectedHeader(header)
    .setSubject(claims.userId)
    .setIssuer('efms')
    .setAudience('efms-api')
    .setJti('1')
    .setIssuedAt(now)
    .setExpirationTime(now + 60);
  return change(jwt).sign(secret);
};

describe('AccessTokens', () => {
  const clock = new SetClock();
  const tokens = new AccessTokens(keys, clock);

  it('verifies what it issued, until it expires', async () => {
    const token = await tokens.issue(claims);
    expect(await tokens.verify(token)).toEqual(claims);
    const later = new SetClock();
    later.at += ACCESS_TOKEN_LIFETIME * 1000;
    expect(await new AccessTokens(keys, later).verify(token)).toBeUndefined();
  });

  it('forgets no end of what it has verified', async () => {
    const moving = new SetClock();
    const remembering = new AccessTokens(keys, moving);
    const token = await remembering.issue(claims);
    for (let i = 0; i < 3; i += 1) expect(await remembering.verify(token)).toEqual(claims);
    moving.at += ACCESS_TOKEN_LIFETIME * 1000 - 1;
    expect(await remembering.verify(token)).toEqual(claims);
    moving.at += 1;
    expect(await remembering.verify(token)).toBeUndefined();
  });

  it('accepts a token of the expected form, as a control of the refusals below', async () => {
    expect(await tokens.verify(await signed((jwt) => jwt))).toEqual(claims);
  });

  it('refuses another issuer, audience, algorithm, secret, subject or type', async () => {
    const refused = await Promise.all([
      signed((jwt) => jwt.setIssuer('other')),
      signed((jwt) => jwt.setAudience('other')),
      signed((jwt) => jwt.setSubject('not-a-uuid')),
      signed((jwt) => jwt, { alg: 'HS256', typ: 'at+jwt' }),
      signed((jwt) => jwt, { alg: 'HS512', typ: 'JWT' }, Buffer.alloc(64, 1)),
      signed((jwt) => jwt, { alg: 'HS256', typ: 'JWT' }, Buffer.alloc(32, 2)),
    ]);
    for (const token of refused) expect(await tokens.verify(token)).toBeUndefined();
  });

  it('refuses an unsigned token and text that is no token', async () => {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const body = {
      sub: claims.userId,
      tenant: claims.tenantId,
      iss: 'efms',
      aud: 'efms-api',
      jti: '1',
      iat: 1,
      exp: 9e9,
    };
    expect(await tokens.verify(`${part({ alg: 'none', typ: 'JWT' })}.${part(body)}.`)).toBeUndefined();
    expect(await tokens.verify('')).toBeUndefined();
    expect(await tokens.verify('a.b.c')).toBeUndefined();
  });
});
