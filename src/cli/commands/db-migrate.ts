import { loadConfig } from '../../common/config/config.js';
import { MigrationError, migrate } from '../../common/database/migrations.js';
import { openDatabaseSource } from '../../start/database-source.js';

/** Applies pending migrations as the owner, for deployments in which servers do not (`EFMS_MIGRATE_ON_START=0`). */
export async function migrateDatabase(): Promise<void> {
  const config = loadConfig();
  const database = await openDatabaseSource(config);
  try {
    if (database.ownerUrl === undefined) throw new MigrationError('DATABASE_OWNER_URL is needed to run migrations');
    const applied = await migrate({ ownerUrl: database.ownerUrl });
    process.stdout.write(applied.length === 0 ? 'the schema is up to date\n' : `applied ${applied.join(', ')}\n`);
  } finally {
    await database.stop();
  }
}
