import { hash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { errors, jwtVerify, SignJWT } from 'jose';
import { Clock } from '../../common/clock/clock.js';
import { isUuid, newId } from '../../common/context/ids.js';
import { Keys } from '../../common/crypto/keys.js';

/** Whom an access token speaks for. */
export interface AccessClaims {
  readonly userId: string;
  readonly tenantId: string;
}

/** Seconds that an access token is valid. */
export const ACCESS_TOKEN_LIFETIME = 15 * 60;

/** Most tokens whose signature is remembered. */
const MOST_VERIFIED = 10_000;

interface Verified {
  readonly claims: AccessClaims;
  /** Seconds since 1970. */
  readonly expiresAt: number;
}

const ALGORITHM = 'HS256';
const ISSUER = 'efms';
const AUDIENCE = 'efms-api';

/** Makes and checks access tokens: JWT (RFC 7519) signed with HMAC-SHA-256, which every replica can check by itself. */
@Injectable()
export class AccessTokens {
  /** By hash. What was signed once stays signed, so that a token is verified once and not with every request. */
  private readonly verified = new Map<string, Verified>();

  constructor(
    private readonly keys: Keys,
    private readonly clock: Clock,
  ) {}

  issue({ userId, tenantId }: AccessClaims): Promise<string> {
    const now = Math.floor(this.clock.now() / 1000);
    return new SignJWT({ tenant: tenantId })
      .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
      .setSubject(userId)
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setJti(newId())
      .setIssuedAt(now)
      .setExpirationTime(now + ACCESS_TOKEN_LIFETIME)
      .sign(this.keys.jwtSecret);
  }

  /** The claims of a token that this installation signed and that is valid now; undefined for any other text. */
  async verify(token: string): Promise<AccessClaims | undefined> {
    const key = hash('sha256', token);
    const known = this.verified.get(key);
    if (known) return known.expiresAt * 1000 > this.clock.now() ? known.claims : undefined;
    const verified = await this.read(token);
    if (verified) this.remember(key, verified);
    return verified?.claims;
  }

  private remember(key: string, verified: Verified): void {
    this.verified.set(key, verified);
    const oldest = this.verified.size > MOST_VERIFIED ? this.verified.keys().next().value : undefined;
    if (oldest !== undefined) this.verified.delete(oldest);
  }

  private async read(token: string): Promise<Verified | undefined> {
    try {
      const { payload } = await jwtVerify(token, this.keys.jwtSecret, {
        algorithms: [ALGORITHM],
        issuer: ISSUER,
        audience: AUDIENCE,
        typ: 'JWT',
        requiredClaims: ['sub', 'tenant', 'jti', 'iat', 'exp'],
        currentDate: new Date(this.clock.now()),
      });
      const { sub, tenant, exp = 0 } = payload;
      if (sub === undefined || typeof tenant !== 'string' || !isUuid(sub) || !isUuid(tenant)) return undefined;
      return { claims: { userId: sub, tenantId: tenant }, expiresAt: exp };
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  }
}
