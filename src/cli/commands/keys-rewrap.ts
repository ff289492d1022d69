import { loadConfig } from '../../common/config/config.js';
import { loadKeys } from '../../common/crypto/key-files.js';
import { CannotUnseal } from '../../common/crypto/sealing.js';
import { Database } from '../../common/database/database.js';
import { resealInternalCa } from '../../common/tls/internal-ca.js';
import { openDatabaseSource } from '../../start/database-source.js';
import { rewrapDataKeys } from '../../tenancy/index.js';

/** Raised where a key cannot be opened; the message is the sentence. */
class KeyMissing extends Error {
  override readonly name = 'KeyMissing';
}

/** Brings everything that is sealed under a master key of before under the present one, while servers run or not. */
export async function rewrapKeys(): Promise<void> {
  const config = loadConfig();
  const { masterKey } = loadKeys(config);
  const source = await openDatabaseSource(config);
  try {
    const database = await Database.open({ ...source, entities: [] });
    try {
      const wrapped = await rewrapDataKeys(database, masterKey);
      const sealed = await resealInternalCa(database, masterKey);
      const ca = sealed ? ', and the key of the internal CA' : '';
      process.stdout.write(
        `${wrapped} data keys of tenants${ca} are under ${masterKey.id} now; nothing is under any other\n`,
      );
    } catch (error) {
      if (!(error instanceof CannotUnseal)) throw error;
      throw new KeyMissing(
        'some key is under a master key that is not given: put it into EFMS_MASTER_KEYS_ACCEPTED and run this again',
        { cause: error },
      );
    } finally {
      await database.close();
    }
  } finally {
    await source.stop();
  }
}
