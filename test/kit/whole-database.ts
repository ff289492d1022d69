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
