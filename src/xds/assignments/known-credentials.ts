import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock/clock.js';
import type { ProxyIdentity } from '../server/ports.js';

/** How long a credential counts after the database last said that it is good. */
const GOOD_FOR_MS = 15 * 60_000;
const MAX_KNOWN = 50_000;

export interface KnownCredential {
  readonly identity: ProxyIdentity;
  readonly expiresAt: Date | null;
}

interface Entry extends KnownCredential {
  /** Monotonic time at which it was last known to be good. */
  goodAt: number;
}

/**
 * Credentials that were good a short while ago, by the hash of token or certificate, so that proxies can come back while the database is
 * away. One that is connected stays known for as long as its checks succeed; one that was revoked is forgotten with the check
 * that finds it, or after 15 minutes.
 */
@Injectable()
export class KnownCredentials {
  /** Least recently confirmed first. */
  private readonly byToken = new Map<string, Entry>();
  private readonly tokens = new Map<string, string>();

  constructor(private readonly clock: Clock) {}

  remember(tokenKey: string, credential: KnownCredential): void {
    this.forget(credential.identity.credentialId);
    this.byToken.set(tokenKey, { ...credential, goodAt: this.clock.monotonic() });
    this.tokens.set(credential.identity.credentialId, tokenKey);
    const oldest = this.byToken.values().next().value;
    if (this.byToken.size > MAX_KNOWN && oldest) this.forget(oldest.identity.credentialId);
  }

  confirm(credentialId: string): void {
    const entry = this.byToken.get(this.tokens.get(credentialId) ?? '');
    if (entry) entry.goodAt = this.clock.monotonic();
  }

  forget(credentialId: string): void {
    const tokenKey = this.tokens.get(credentialId);
    if (tokenKey !== undefined) this.byToken.delete(tokenKey);
    this.tokens.delete(credentialId);
  }

  /** @param maxAgeMs how long ago it may have been confirmed at most */
  find(tokenKey: string, maxAgeMs = GOOD_FOR_MS): KnownCredential | undefined {
    const entry = this.byToken.get(tokenKey);
    if (!entry || this.clock.monotonic() - entry.goodAt > maxAgeMs) return undefined;
    return entry.expiresAt !== null && entry.expiresAt.getTime() <= this.clock.now() ? undefined : entry;
  }
}
