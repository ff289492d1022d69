import type { MasterKey } from './sealing.js';

/** The two keys that every replica of one installation shares. Rotating the first logs everybody out, nothing else. */
export abstract class Keys {
  /** Signs access tokens (HMAC-SHA-256); at least 32 bytes. */
  abstract readonly jwtSecret: Buffer;
  /** Wraps the data keys of tenants; 32 bytes. */
  abstract readonly masterKey: MasterKey;
}
