import { UnsafeDatabase } from './errors.js';

type Query = (sql: string) => Promise<object[]>;

interface Facts {
  readonly role: string;
  readonly superuser: boolean;
  readonly bypassrls: boolean;
  readonly memberships: string[];
  readonly owned: string[];
  readonly version: string;
  readonly version_number: number;
}

const FACTS = `
  select r.rolname as role, r.rolsuper as superuser, r.rolbypassrls as bypassrls,
         array(select g.rolname::text from pg_auth_members m join pg_roles g on g.oid = m.roleid where m.member = r.oid) as memberships,
         array(select c.relname::text from pg_class c where c.relowner = r.oid) as owned,
         current_setting('server_version') as version, current_setting('server_version_num')::int as version_number
    from pg_roles r where r.rolname = current_user`;

/** The first minor release of a major version whose planner statistics do not leak past row-level security (CVE-2025-8713). */
const FIRST_SAFE_MINOR: Readonly<Record<number, number>> = { 16: 10, 17: 6 };
const OLDEST_MAJOR = 16;

/**
 * Refuses roles and servers with which row-level security would not hold: superuser, BYPASSRLS, membership in any role, ownership of
 * tables, and PostgreSQL older than 16.10 or 17.6.
 * @param connections runs SQL as each of the two roles that the server uses
 * @throws UnsafeDatabase with every reason found
 */
export async function assertSafeRoles(connections: Readonly<Record<'efms_app' | 'efms_system', Query>>): Promise<void> {
  const reasons = new Set<string>();
  for (const [expected, query] of Object.entries(connections)) {
    const [facts] = (await query(FACTS)) as Facts[];
    if (facts) for (const reason of reasonsAgainst(facts, expected)) reasons.add(reason);
  }
  if (reasons.size > 0) throw new UnsafeDatabase(`EFMS does not run on this database: ${[...reasons].join('; ')}`);
}

function reasonsAgainst(facts: Facts, expected: string): string[] {
  const { role } = facts;
  return [
    ...(role === expected ? [] : [`the role is ${role} where ${expected} is needed`]),
    ...(facts.superuser ? [`${role} is a superuser`] : []),
    ...(facts.bypassrls ? [`${role} has BYPASSRLS`] : []),
    ...facts.memberships.map((group) => `${role} is a member of ${group}`),
    ...(facts.owned.length > 0 ? [`${role} owns ${facts.owned.slice(0, 5).join(', ')}`] : []),
    ...versionReasons(facts),
  ];
}

function versionReasons({ version, version_number: number }: Facts): string[] {
  const major = Math.floor(number / 10_000);
  const safe = major >= OLDEST_MAJOR && number % 10_000 >= (FIRST_SAFE_MINOR[major] ?? 0);
  return safe ? [] : [`PostgreSQL ${version} is too old, it must be 16.10, 17.6, 18 or newer`];
}
