import { newId } from '../../common/context/ids.js';
import type { Transaction } from '../../common/database/database.js';
import { isUniqueViolation } from '../../common/database/errors.js';
import { addToCredentialIndex, lookupHash } from '../credential-index.js';
import type { User } from '../entities/user.entity.js';
import type { Role } from '../permissions.js';
import { tenancyProblems } from '../tenancy.errors.js';
import type { Invitation } from './invitations.js';

/** What an admin says about a user. */
export interface UserDocument {
  readonly username: string;
  readonly fullName: string;
  readonly role: Role;
  /** Entries that widen (`true`) or narrow (`false`) the role. */
  readonly permissions: Readonly<Record<string, boolean>>;
}

export interface NewUser extends UserDocument {
  /** In lower case; unique in the installation. */
  readonly email: string;
}

export interface InvitedUser {
  readonly user: User;
  readonly invitation: Invitation;
}

/** Makes a user without a password, as either role. @returns the id @throws unique violations; see `refuseTaken` */
export async function insertUser(tx: Transaction, tenantId: string, user: NewUser): Promise<string> {
  const id = newId();
  await tx.query(
    `insert into users (tenant_id, id, email, username, full_name, role, permissions) values ($1, $2, $3, $4, $5, $6, $7)`,
    [tenantId, id, user.email, user.username, user.fullName, user.role, user.permissions],
  );
  await addToCredentialIndex(tx, { kind: 'email', hash: lookupHash(user.email), tenantId, subjectId: id });
  return id;
}

/** The problem behind a unique violation of users; any other error as it is. */
export function refuseTaken(error: unknown): unknown {
  if (isUniqueViolation(error, 'users_username_key')) {
    return tenancyProblems.usernameTaken({ detail: 'Choose another username.' });
  }
  if (isUniqueViolation(error, 'users_email_key') || isUniqueViolation(error, 'credential_index_pkey')) {
    return tenancyProblems.emailTaken({ detail: 'An e-mail logs in to one tenant only; use another one.' });
  }
  return error;
}
