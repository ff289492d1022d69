import { createHash } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { DeniedAccessLog } from '../../common/audit/denied-access.js';
import { Clock } from '../../common/clock/clock.js';
import { DatabaseUnavailable } from '../../common/database/errors.js';
import { type AuthenticatedProxy, ProxyCredentials } from '../../infrastructure/index.js';
import { type ProxyIdentity, StreamAuthenticator, StreamRefusal } from '../server/ports.js';
import { addressOf } from '../server/peer-address.js';
import { KnownCredentials } from './known-credentials.js';

/** A proxy that opens several streams at once, or a storm of reconnects, costs one look-up. */
const FRESH_MS = 1_000;

/** Tells proxies by their tokens. Every refusal is audited, without the token. */
@Injectable()
export class CredentialAuthenticator extends StreamAuthenticator {
  private readonly log = new Logger(CredentialAuthenticator.name);
  private readonly lookups = new Map<string, Promise<AuthenticatedProxy | undefined>>();

  constructor(
    private readonly credentials: ProxyCredentials,
    private readonly known: KnownCredentials,
    private readonly denied: DeniedAccessLog,
    private readonly clock: Clock,
  ) {
    super();
  }

  /**
   * @throws StreamRefusal `unauthenticated` for no or an unknown token, `permission_denied` for a revoked or expired one,
   * `unavailable` while the database is away and the token was not known to be good a short while ago
   */
  override async authenticate(token: string | undefined, peer: string): Promise<ProxyIdentity> {
    if (token === undefined) throw this.unknown('no bearer token', peer);
    // Also this process keeps hashes only.
    const tokenKey = createHash('sha256').update(token).digest('base64url');
    const fresh = this.known.find(tokenKey, FRESH_MS);
    if (fresh) return fresh.identity;
    const found = await this.lookUp(tokenKey, token);
    if (found === 'away') {
      const known = this.known.find(tokenKey);
      if (known) return known.identity;
      throw new StreamRefusal('unavailable', 'credentials cannot be checked now; try again');
    }
    if (!found) throw this.unknown('unknown token', peer);
    return this.accept(tokenKey, found, peer);
  }

  override refused(identity: ProxyIdentity, reason: string, peer: string): void {
    this.audit(identity, reason, peer);
  }

  private accept(tokenKey: string, found: AuthenticatedProxy, peer: string): ProxyIdentity {
    const { tenantId, proxyId, nodeId, credentialId, credentialEpoch, expiresAt, revokedAt } = found;
    const identity: ProxyIdentity = { tenantId, proxyId, nodeId, credentialId, credentialEpoch };
    const isExpired = expiresAt !== null && expiresAt.getTime() <= this.clock.now();
    if (revokedAt !== null || isExpired) {
      this.known.forget(credentialId);
      const reason = revokedAt === null ? 'the credential is expired' : 'the credential is revoked';
      this.audit(identity, reason, peer);
      throw new StreamRefusal('permission_denied', reason);
    }
    this.known.remember(tokenKey, { identity, expiresAt });
    return identity;
  }

  private async lookUp(tokenKey: string, token: string): Promise<AuthenticatedProxy | undefined | 'away'> {
    let lookup = this.lookups.get(tokenKey);
    if (!lookup) {
      lookup = this.credentials.authenticate(token).finally(() => this.lookups.delete(tokenKey));
      this.lookups.set(tokenKey, lookup);
    }
    try {
      return await lookup;
    } catch (error) {
      if (!(error instanceof DatabaseUnavailable)) this.log.error({ err: error }, 'a credential could not be checked');
      return 'away';
    }
  }

  private unknown(reason: string, peer: string): StreamRefusal {
    this.denied.record({
      tenantId: null,
      actor: { kind: 'proxy', id: null, name: 'unknown proxy' },
      action: 'xds.connect',
      resourceType: 'proxy',
      reason,
      ...addressOf(peer),
    });
    return new StreamRefusal('unauthenticated', reason === 'unknown token' ? 'the token is not valid' : reason);
  }

  private audit(identity: ProxyIdentity, reason: string, peer: string): void {
    this.denied.record({
      tenantId: identity.tenantId,
      actor: { kind: 'proxy', id: identity.proxyId, name: identity.nodeId },
      action: 'xds.connect',
      resourceType: 'proxy',
      resourceId: identity.proxyId,
      reason,
      ...addressOf(peer),
    });
  }
}
