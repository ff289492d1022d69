import { createHash } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { DeniedAccessLog } from '../../common/audit/denied-access.js';
import { Clock } from '../../common/clock/clock.js';
import { DatabaseUnavailable } from '../../common/database/errors.js';
import { type AuthenticatedProxy, ProxyCredentials } from '../../infrastructure/index.js';
import { type PeerProof, type ProxyIdentity, StreamAuthenticator, StreamRefusal } from '../server/ports.js';
import { addressOf } from '../server/peer-address.js';
import { KnownCredentials } from './known-credentials.js';

/** A proxy that opens several streams at once, or a storm of reconnects, costs one look-up. */
const FRESH_MS = 1_000;

/** A credential that a peer showed. */
interface Shown {
  /** By what it is known here; also this process keeps hashes only. */
  readonly key: string;
  readonly lookUp: () => Promise<AuthenticatedProxy | undefined>;
  /** Why it is refused where it is nobody's: for the audit, and for the peer. */
  readonly unknown: readonly [string, string];
}

/** Tells proxies by their tokens and client certificates. Every refusal is audited, without the token. */
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
   * @throws StreamRefusal `unauthenticated` for no or an unknown credential, `permission_denied` for one that is revoked, expired or not valid
   * yet, `unavailable` while the database is away and the credential was not known to be good a short while ago
   */
  override async authenticate(proof: PeerProof, peer: string): Promise<ProxyIdentity> {
    const shown = this.shownBy(proof);
    if (!shown) {
      throw this.unknown(
        ['no bearer token and no client certificate', 'a bearer token or a client certificate is needed'],
        peer,
      );
    }
    const fresh = this.known.find(shown.key, FRESH_MS);
    if (fresh) return fresh.identity;
    const found = await this.lookUp(shown);
    if (found === 'away') {
      const known = this.known.find(shown.key);
      if (known) return known.identity;
      throw new StreamRefusal('unavailable', 'credentials cannot be checked now; try again');
    }
    if (!found) throw this.unknown(shown.unknown, peer);
    return this.accept(shown.key, found, peer);
  }

  override refused(identity: ProxyIdentity, reason: string, peer: string): void {
    this.audit(identity, reason, peer);
  }

  private shownBy(proof: PeerProof): Shown | undefined {
    const { token } = proof;
    if (token !== undefined) {
      return {
        key: hashOf(token),
        lookUp: () => this.credentials.authenticate(token),
        unknown: ['unknown token', 'the token is not valid'],
      };
    }
    const certificate = proof.certificate();
    return (
      certificate && {
        key: `certificate ${hashOf(certificate)}`,
        lookUp: () => this.credentials.authenticateCertificate(certificate),
        unknown: ['unknown client certificate', 'the client certificate is not registered'],
      }
    );
  }

  private accept(key: string, found: AuthenticatedProxy, peer: string): ProxyIdentity {
    const { tenantId, proxyId, nodeId, credentialId, credentialEpoch, expiresAt } = found;
    const identity: ProxyIdentity = { tenantId, proxyId, nodeId, credentialId, credentialEpoch };
    const state = stateAt(found, this.clock.now());
    if (state !== undefined) {
      this.known.forget(credentialId);
      const reason = `the credential is ${state}`;
      this.audit(identity, reason, peer);
      throw new StreamRefusal('permission_denied', reason);
    }
    this.known.remember(key, { identity, expiresAt });
    return identity;
  }

  private async lookUp(shown: Shown): Promise<AuthenticatedProxy | undefined | 'away'> {
    const { key } = shown;
    let lookup = this.lookups.get(key);
    if (!lookup) {
      lookup = shown.lookUp().finally(() => this.lookups.delete(key));
      this.lookups.set(key, lookup);
    }
    try {
      return await lookup;
    } catch (error) {
      if (!(error instanceof DatabaseUnavailable)) this.log.error({ err: error }, 'a credential could not be checked');
      return 'away';
    }
  }

  private unknown([reason, details]: Shown['unknown'], peer: string): StreamRefusal {
    this.denied.record({
      tenantId: null,
      actor: { kind: 'proxy', id: null, name: 'unknown proxy' },
      action: 'xds.connect',
      resourceType: 'proxy',
      reason,
      ...addressOf(peer),
    });
    return new StreamRefusal('unauthenticated', details);
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

const hashOf = (credential: string | Buffer): string => createHash('sha256').update(credential).digest('base64url');

/** Why a credential does not count now; undefined where it does. @param now milliseconds since the epoch */
function stateAt({ revokedAt, expiresAt, notBefore }: AuthenticatedProxy, now: number): string | undefined {
  if (revokedAt !== null) return 'revoked';
  if (expiresAt !== null && expiresAt.getTime() <= now) return 'expired';
  return notBefore !== null && notBefore.getTime() > now ? 'not valid yet' : undefined;
}
