import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

export interface NewProxyCredential {
  readonly id: string;
  readonly tenantId: string;
  readonly proxyId: string;
  readonly name: string;
  readonly tokenHash: Buffer;
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
  kind: 'token' = 'token' as const;

  @Property({ type: 'text' })
  name: string;

  @Property({ type: 'blob', hidden: true })
  tokenHash: Buffer;

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
    this.tokenHash = credential.tokenHash;
    this.expiresAt = credential.expiresAt;
    this.createdAt = credential.createdAt;
  }

  /** Never makes it last longer. */
  endBy(at: Date): void {
    if (this.expiresAt === null || this.expiresAt > at) this.expiresAt = at;
  }

  revoke(at: Date, reason: string | null): void {
    this.revokedAt = at;
    this.revokedReason = reason;
  }
}
