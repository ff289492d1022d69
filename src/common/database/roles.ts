import pg from 'pg';

// This file has no relative imports and only erasable types: jest's global setup loads it with Node's type stripping.

/** The three login roles of DATA.md: schema and migrations, work for one tenant, work across tenants. */
export const ROLES = ['efms_owner', 'efms_app', 'efms_system'] as const;
export type Role = (typeof ROLES)[number];

/** An arbitrary number that only this function locks. */
const LOCK_KEY = 4_701_226_037_212;

export interface RoleSettings {
  /** The database that EFMS uses; made when absent. */
  readonly database: string;
  readonly passwords: Readonly<Record<Role, string>>;
}

/**
 * Makes the roles and the database of EFMS, or brings existing ones to the state that the server demands: logins that are neither
 * superuser nor BYPASSRLS nor members of anything, in UTC, and a database that only they may connect to. Safe to repeat.
 * @param adminUrl a superuser, or a role that may create roles and databases
 */
export async function initialiseRoles(adminUrl: string, settings: RoleSettings): Promise<void> {
  await withClient(adminUrl, async (client) => {
    await client.query('begin');
    // Two that alter a role at once fail with "tuple concurrently updated", so they take turns.
    await client.query('select pg_advisory_xact_lock($1)', [LOCK_KEY]);
    for (const role of ROLES) await ensureRole(client, role, settings.passwords[role]);
    await client.query('commit');
  });
  await initialiseDatabase(adminUrl, settings.database);
}

/** The part of `initialiseRoles` that concerns one database; the roles must exist. */
export async function initialiseDatabase(adminUrl: string, database: string): Promise<void> {
  await withClient(adminUrl, (client) => ensureDatabase(client, database));
  await withClient(onDatabase(adminUrl, database), async (client) => {
    await client.query('revoke all on schema public from public');
    await client.query('alter schema public owner to efms_owner');
    await client.query('grant usage on schema public to efms_app, efms_system');
  });
}

/** The same server and credentials, another database. */
export function onDatabase(url: string, database: string): string {
  const result = new URL(url);
  result.pathname = `/${encodeURIComponent(database)}`;
  return result.href;
}

/** The same server and database, the credentials of a role. */
export function asRole(url: string, role: Role, password: string): string {
  const result = new URL(url);
  result.username = role;
  result.password = encodeURIComponent(password);
  return result.href;
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function ensureRole(client: pg.Client, role: Role, password: string): Promise<void> {
  const { rowCount } = await client.query('select 1 from pg_roles where rolname = $1', [role]);
  if (rowCount === 0) await client.query(`create role ${role}`);
  // Only a superuser may name these, even to deny them; without the words a new role has none of them.
  const denied = (await isSuperuser(client)) ? 'nosuperuser nobypassrls noreplication' : '';
  await client.query(
    `alter role ${role} with login nocreatedb nocreaterole ${denied} password ${client.escapeLiteral(password)}`,
  );
  await client.query(`alter role ${role} set timezone to 'UTC'`);
  const { rows } = await client.query<{ granted: string }>(
    'select g.rolname as granted from pg_auth_members m join pg_roles g on g.oid = m.roleid join pg_roles r on r.oid = m.member where r.rolname = $1',
    [role],
  );
  for (const { granted } of rows) await client.query(`revoke ${client.escapeIdentifier(granted)} from ${role}`);
}

async function isSuperuser(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ rolsuper: boolean }>(
    'select rolsuper from pg_roles where rolname = current_user',
  );
  return rows[0]?.rolsuper === true;
}

async function ensureDatabase(client: pg.Client, database: string): Promise<void> {
  const name = client.escapeIdentifier(database);
  // To give something to another role, an administrator who is no superuser must be able to act as that role.
  if (!(await isSuperuser(client))) await client.query('grant efms_owner to current_user');
  const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [database]);
  if (rowCount === 0) await client.query(`create database ${name} owner efms_owner`);
  else await client.query(`alter database ${name} owner to efms_owner`);
  await client.query(`revoke all on database ${name} from public`);
  await client.query(`grant connect on database ${name} to efms_owner, efms_app, efms_system`);
}
