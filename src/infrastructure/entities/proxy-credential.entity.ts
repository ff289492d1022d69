import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { ClientCertificate } from '../client-certificate.js';

/** What is kept of the credential itself: of a token its hash. */
export type CredentialProof = { readonly tokenHash: Buffer } | { readonly certificate: ClientCertificate };

export interface NewProxyCredential {
  readonly id: string;
  readonly tenantId: string;
  readonly proxyId: string;
  readonly name: string;
  readonly proof: CredentialProof;
  readonly expiresAt: Date | null;
  readonly createdAt: Date;
}

/** What a proxy proves itself with. A revoked one is kept, so that its use is told apart from a guess. */
@Entity({ tableName: 'proxy_credentials' })
export class ProxyCredential {
  @PrimaryKey({ type: 'uuid' })
  id: string;

  @Property({ type: 'uuid' })
  tenantId: string;

  @Property({ type: 'uuid' })
  proxyId: string;

  @Property({ type: 'text' })
  kind: 'token' | 'certificate';

  @Property({ type: 'text' })
  name: string;

  @Property({ type: 'blob', hidden: true, nullable: true })
  tokenHash: Buffer | null = null;

  @Property({ type: 'text', nullable: true })
  certificateFingerprint: string | null = null;

  @Property({ type: 'text', nullable: true })
  certificateSubject: string | null = null;

  @Property({ type: 'text', nullable: true })
  certificateIssuer: string | null = null;

  @Property({ type: 'text', nullable: true })
  certificateSerial: string | null = null;

  @Property({ type: 'datetime', nullable: true })
  certificateNotBefore: Date | null = null;

  @Property({ type: 'datetime', nullable: true })
  certificateNotAfter: Date | null = null;

  @Property({ type: 'datetime', nullable: true })
  expiresAt: Date | null;

  @Property({ type: 'datetime', nullable: true })
  revokedAt: Date | null = null;

  @Property({ type: 'text', nullable: true })
  revokedReason: string | null = null;

  @Property({ type: 'datetime' })
  createdAt: Date;

  constructor(credential: NewProxyCredential) {
    this.id = credential.id;
    this.tenantId = credential.tenantId;
    this.proxyId = credential.proxyId;
    this.name = credential.name;
    this.expiresAt = credential.expiresAt;
    this.createdAt = credential.createdAt;
    const { proof } = credential;
    this.kind = 'certificate' in proof ? 'certificate' : 'token';
    if ('certificate' in proof) this.keep(proof.certificate);
    else this.tokenHash = proof.tokenHash;
  }

  /** Null for a token. */
  certificate(): ClientCertificate | null {
    const { certificateNotBefore: notBefore, certificateNotAfter: notAfter } = this;
    if (this.certificateFingerprint === null || !notBefore || !notAfter) return null;
    return {
      fingerprintSha256: this.certificateFingerprint,
      subject: this.certificateSubject ?? '',
      issuer: this.certificateIssuer ?? '',
      serialNumber: this.certificateSerial ?? '',
      notBefore,
      notAfter,
    };
  }

  /** Never makes it last longer. */
  endBy(at: Date): void {
    if (this.expiresAt === null || this.expiresAt > at) this.expiresAt = at;
  }

  revoke(at: Date, reason: string | null): void {
    this.revokedAt = at;
    this.revokedReason = reason;
  }

  /** A certificate proves nothing after its own end, whatever was asked for. */
  private keep(certificate: ClientCertificate): void {
    this.certificateFingerprint = certificate.fingerprintSha256;
    this.certificateSubject = certificate.subject;
    this.certificateIssuer = certificate.issuer;
    this.certificateSerial = certificate.serialNumber;
    this.certificateNotBefore = certificate.notBefore;
    this.certificateNotAfter = certificate.notAfter;
    this.endBy(certificate.notAfter);
  }
}
