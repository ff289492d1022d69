import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

export interface NewApiKey {
  readonly id: string;
  readonly tenantId: string;
  readonly userId: string;
  readonly name: string;
  readonly keyPrefix: string;
  readonly keyHash: Buffer;
  readonly permissions: readonly string[] | null;
  readonly expiresAt: Date | null;
  readonly createdAt: Date;
}

/** A credential for programs that acts as its user, narrowed by its own permissions. Revoking makes it inactive for good. */
@Entity({ tableName: 'api_keys' })
export class ApiKey {
  @PrimaryKey({ type: 'uuid' })
  id: string;

  @Property({ type: 'uuid' })
  tenantId: string;

  @Property({ type: 'uuid' })
  userId: string;

  @Property({ type: 'text' })
  name: string;

  /** The beginning of the key, so that people recognise it. */
  @Property({ type: 'text' })
  keyPrefix: string;

  @Property({ type: 'blob', hidden: true })
  keyHash: Buffer;

  /** Null: all that the user may. */
  @Property({ type: 'jsonb', nullable: true })
  permissions: readonly string[] | null;

  @Property({ type: 'datetime', nullable: true })
  expiresAt: Date | null;

  @Property({ type: 'boolean' })
  isActive = true;

  @Property({ type: 'datetime' })
  createdAt: Date;

  constructor(key: NewApiKey) {
    this.id = key.id;
    this.tenantId = key.tenantId;
    this.userId = key.userId;
    this.name = key.name;
    this.keyPrefix = key.keyPrefix;
    this.keyHash = key.keyHash;
    this.permissions = key.permissions;
    this.expiresAt = key.expiresAt;
    this.createdAt = key.createdAt;
  }

  revoke(): void {
    this.isActive = false;
  }
}
