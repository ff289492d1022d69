import type { TestDatabase } from './database.js';

/** Every row of every table as text, by table. */
export async function wholeDatabase(database: TestDatabase): Promise<{ name: string; text: string }[]> {
  const tables = await database.sql<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
      where schemaname not in ('pg_catalog', 'information_schema')`,
  );
  const all = [];
  for (const { name } of tables) {
    const rows = await database.sql<{ text: string }>(`select t::text as text from ${name} t`);
    all.push({ name, text: rows.map(({ text }) => text).join('\n') });
  }
  return all;
}

/** Tables that processes write by themselves while a test runs. */
const WRITTEN_BY_JOBS = ['leases', 'audit_chain', 'audit_chain_position', 'traffic_rollups'];

/** A digest of each table but those that processes keep for themselves. */
export async function digests(database: TestDatabase): Promise<Record<string, string>> {
  const tables = await database.sql<{ name: string }>(
    `select c.relname as name from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
        and c.relname <> all($1::text[]) order by 1`,
    [WRITTEN_BY_JOBS],
  );
  const queries = tables.map(
    ({ name }) =>
      `select '${name}' as name, count(*) || ' ' || coalesce(md5(string_agg(t::text, ',' order by t::text)), '') as digest from ${name} t`,
  );
  const rows = await database.sql<{ name: string; digest: string }>(queries.join(' union all '));
  return Object.fromEntries(rows.map(({ name, digest }) => [name, digest]));
}
