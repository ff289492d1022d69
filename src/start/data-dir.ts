import { existsSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../common/config/config.js';

/** Makes the folder of `EFMS_DATA_DIR`, for its owner alone. @throws ConfigError */
export function makeDataDir(dataDir: string): void {
  try {
    makeFolder(dataDir);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError([`EFMS_DATA_DIR: ${dataDir} cannot be made a folder (${reason})`]);
  }
}

/** Folder by folder: `mkdirSync` with `recursive` never returns where a system refuses new folders with ENOENT, as /proc does. */
function makeFolder(folder: string): void {
  const parent = path.dirname(folder);
  if (!existsSync(parent)) makeFolder(parent);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (!existsSync(folder) || !statSync(folder).isDirectory()) throw error;
  }
}
