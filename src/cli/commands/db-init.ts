import { randomBytes } from 'node:crypto';
import { ROLES, type Role, asRole, initialiseRoles, onDatabase } from '../../common/database/roles.js';

/** What the variables are called that a server reads each role's connection from. */
const VARIABLES: Readonly<Record<Role, string>> = {
  efms_owner: 'DATABASE_OWNER_URL',
  efms_app: 'DATABASE_URL',
  efms_system: 'DATABASE_SYSTEM_URL',
};

/** Makes roles and database with fresh passwords, and prints the settings to start EFMS with; they are kept nowhere else. */
export async function initialiseDatabase(options: { adminUrl: string; database: string }): Promise<void> {
  const passwords = Object.fromEntries(ROLES.map((role) => [role, randomBytes(24).toString('base64url')])) as Record<
    Role,
    string
  >;
  await initialiseRoles(options.adminUrl, { database: options.database, passwords });
  const database = onDatabase(options.adminUrl, options.database);
  const settings = [
    ...ROLES.map((role) => `${VARIABLES[role]}=${asRole(database, role, passwords[role])}`),
    `EFMS_JWT_SECRET=${randomBytes(32).toString('base64')}`,
    `EFMS_MASTER_KEY=${randomBytes(32).toString('base64')}`,
  ];
  process.stdout.write(`${settings.join('\n')}\n`);
}
