import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type EmbeddedPostgres, type EmbeddedPostgresOptions, startEmbeddedPostgres } from './embedded-postgres.js';
import { asRole, initialiseRoles, onDatabase, type Role } from './roles.js';

export interface EmbeddedDatabase {
  readonly appUrl: string;
  readonly systemUrl: string;
  readonly ownerUrl: string;
  readonly server: EmbeddedPostgres;
  stop(): Promise<void>;
}

const DATABASE = 'efms';

/**
 * Starts the embedded PostgreSQL with the roles and the empty database of EFMS; `migrate` comes next. The passwords of the roles are
 * made once and kept in `keys/` of the data directory, mode 0600.
 * @throws EmbeddedPostgresError
 */
export async function startEmbeddedDatabase(options: EmbeddedPostgresOptions): Promise<EmbeddedDatabase> {
  const server = await startEmbeddedPostgres(options);
  try {
    const adminUrl = `postgresql://${server.user}:${server.password}@${server.host}:${server.port}/postgres`;
    const passwords: Record<Role, string> = {
      efms_owner: passwordOf(options.dataDir, 'efms_owner'),
      efms_app: passwordOf(options.dataDir, 'efms_app'),
      efms_system: passwordOf(options.dataDir, 'efms_system'),
    };
    await initialiseRoles(adminUrl, { database: DATABASE, passwords });
    const urlOf = (role: Role): string => asRole(onDatabase(adminUrl, DATABASE), role, passwords[role]);
    return {
      appUrl: urlOf('efms_app'),
      systemUrl: urlOf('efms_system'),
      ownerUrl: urlOf('efms_owner'),
      server,
      stop: () => server.stop(),
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

function passwordOf(dataDir: string, role: Role): string {
  const file = path.join(dataDir, 'keys', role);
  if (!existsSync(file)) writeFileSync(file, `${randomBytes(24).toString('base64url')}\n`, { flag: 'wx', mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}
