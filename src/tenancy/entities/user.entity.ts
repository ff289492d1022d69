import { BigIntType } from '@mikro-orm/core';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { Role } from '../permissions.js';

export const USER_STATES = ['invited', 'active', 'deactivated', 'anonymised'] as const;
export type UserState = (typeof USER_STATES)[number];

/** A person with a login in one tenant. Users are deactivated, never deleted. `revision` is kept by the database. */
@Entity({ tableName: 'users' })
export class User {
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Property({ type: 'uuid' })
  tenantId!: string;

  /** In lower case. */
  @Property({ type: 'text' })
  email!: string;

  @Property({ type: 'text' })
  username!: string;

  @Property({ type: 'text' })
  fullName!: string;

  /** Argon2id; null where somebody else checks who this is. */
  @Property({ type: 'text', nullable: true, hidden: true })
  passwordHash!: string | null;

  @Property({ type: 'text' })
  role!: Role;

  /** Entries that widen (`true`) or narrow (`false`) the role. */
  @Property({ type: 'jsonb' })
  permissions!: Record<string, boolean>;

  @Property({ type: 'boolean' })
  platformAdmin!: boolean;

  @Property({ type: 'boolean' })
  isActive!: boolean;

  @Property({ type: 'text' })
  authProvider!: 'local' | 'oidc';

  @Property({ type: 'datetime', nullable: true })
  anonymisedAt!: Date | null;

  @Property({ type: new BigIntType('number') })
  revision!: number;

  @Property({ type: 'datetime' })
  createdAt!: Date;

  @Property({ type: 'datetime' })
  updatedAt!: Date;

  get state(): UserState {
    if (this.anonymisedAt !== null) return 'anonymised';
    if (!this.isActive) return 'deactivated';
    return this.authProvider === 'local' && this.passwordHash === null ? 'invited' : 'active';
  }
}
