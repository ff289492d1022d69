import type { Config } from '../common/config/config.js';
import { startEmbeddedDatabase } from '../common/database/embedded-database.js';
import { makeDataDir } from './data-dir.js';

/** Where the three roles connect to, and how to let go of it. */
export interface DatabaseSource {
  readonly appUrl: string;
  readonly systemUrl: string;
  /** Absent where migrations are run by somebody else (`efms db migrate`). */
  readonly ownerUrl?: string;
  stop(): Promise<void>;
}

/** The database that the configuration names, or the embedded one, started and with its roles in place. @throws ConfigError */
export async function openDatabaseSource(config: Config): Promise<DatabaseSource> {
  if (!config.database) {
    makeDataDir(config.dataDir);
    return startEmbeddedDatabase({ dataDir: config.dataDir });
  }
  const { app, system, owner } = config.database;
  return {
    appUrl: app,
    systemUrl: system,
    ...(owner === undefined ? {} : { ownerUrl: owner }),
    stop: () => Promise.resolve(),
  };
}
