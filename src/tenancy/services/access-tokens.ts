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

const ALGORITHM = 'HS256';
const ISSUER = 'efms';
const AUDIENCE = 'efms-api';

/** Makes and checks access tokens: JWT (RFC 7519) signed with HMAC-SHA-256, which every replica can check by itself. */
@Injectable()
export class AccessTokens {
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
    try {
      const { payload } = await jwtVerify(token, this.keys.jwtSecret, {
        algorithms: [ALGORITHM],
        issuer: ISSUER,
        audience: AUDIENCE,
        typ: 'JWT',
        requiredClaims: ['sub', 'tenant', 'jti', 'iat', 'exp'],
        currentDate: new Date(this.clock.now()),
      });
      const { sub, tenant } = payload;
      if (sub === undefined || typeof tenant !== 'string' || !isUuid(sub) || !isUuid(tenant)) return undefined;
      return { userId: sub, tenantId: tenant };
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  }
}
