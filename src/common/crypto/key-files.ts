import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import type { Config } from '../config/config.js';
import type { Keys } from './keys.js';
import type { SealingKey } from './sealing.js';

/**
 * The keys from the configuration, or those in `<dataDir>/keys`, which the first start makes (mode 0600 in a folder of
 * mode 0700, beside and never in the database's own folder).
 */
export function loadKeys(
  config: Pick<Config, 'dataDir' | 'jwtSecret' | 'masterKey'> & Partial<Pick<Config, 'acceptedMasterKeys'>>,
): Keys {
  const folder = path.join(config.dataDir, 'keys');
  const jwtSecret = Buffer.from(config.jwtSecret ?? keyFile(folder, 'jwt'));
  const master = Buffer.from(config.masterKey ?? keyFile(folder, 'master'), 'base64');
  if (master.length !== 32) throw new Error(`${path.join(folder, 'master')} does not hold 32 bytes in base64`);
  const accepted = (config.acceptedMasterKeys ?? []).map((key) => named(Buffer.from(key, 'base64')));
  return { jwtSecret, masterKey: { ...named(master), accepted } };
}

const named = (key: Buffer): SealingKey => ({
  id: `master-${createHash('sha256').update(key).digest('hex').slice(0, 12)}`,
  key,
});

/** Reads a key, or makes it. Two processes that start at once end up with the same one: the first link wins. */
function keyFile(folder: string, name: string): string {
  const file = path.join(folder, name);
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    const draft = path.join(folder, `.${name}-${process.pid}`);
    const handle = openSync(draft, 'w', 0o600);
    writeSync(handle, `${randomBytes(32).toString('base64')}\n`);
    fsyncSync(handle);
    closeSync(handle);
    try {
      linkSync(draft, file);
    } catch (error) {
      if (!existsSync(file)) throw error;
    } finally {
      rmSync(draft);
    }
  }
  return readFileSync(file, 'utf8').trim();
}
