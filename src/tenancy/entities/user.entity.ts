import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { Role } from '../permissions.js';

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
}
