import { Injectable } from '@nestjs/common';
import { newId } from '../../common/context/ids.js';
import { Keys } from '../../common/crypto/keys.js';
import { Database, type Transaction } from '../../common/database/database.js';
import { addToCredentialIndex, lookupHash } from '../credential-index.js';
import { generatePassword, hashPassword } from './passwords.js';
import { insertTenant } from './tenant-rows.js';

export interface FirstAdmin {
  readonly email: string;
  /** Absent: one is generated. */
  readonly password?: string;
  /**
   * Told of the generated password before the admin exists, so that a crash between the two can lose neither. May be called
   * without an admin being made of it, where another replica was faster.
   */
  readonly keepPassword?: (password: string) => void;
}

export interface FirstStartResult {
  /** False where a tenant existed already; then nothing was written. */
  readonly created: boolean;
  readonly email: string;
  /** To be shown once; EFMS keeps only its hash. */
  readonly generatedPassword?: string;
}

const DEFAULT_TENANT = 'default';

/** An arbitrary number that only this lock uses. */
const LOCK_KEY = 4_701_226_037_212;

/** Makes the first tenant and the first person of an empty installation. */
@Injectable()
export class FirstStart {
  constructor(
    private readonly database: Database,
    private readonly keys: Keys,
  ) {}

  /**
   * Makes the tenant `default` with its data key and an admin of it who is platform admin too, when there is no tenant yet; all
   * of it or nothing. Replicas that start at once take turns, and only the first writes.
   */
  async ensure(admin: FirstAdmin): Promise<FirstStartResult> {
    const email = admin.email.toLowerCase();
    if (await this.database.system(tenantExists)) return { created: false, email };
    const password = admin.password ?? generatePassword();
    const passwordHash = await hashPassword(password);
    const created = await this.database.system(
      async (tx) => {
        await tx.query('select pg_advisory_xact_lock($1)', [LOCK_KEY]);
        if (await tenantExists(tx)) return false;
        if (admin.password === undefined) admin.keepPassword?.(password);
        const tenantId = await insertTenant(tx, this.keys.masterKey, {
          name: DEFAULT_TENANT,
          description: '',
          metadata: {},
        });
        await makeAdmin(tx, { tenantId, email, passwordHash });
        return true;
      },
      { actor: { kind: 'system', id: null, name: 'first start' } },
    );
    return created && admin.password === undefined
      ? { created, email, generatedPassword: password }
      : { created, email };
  }
}

async function tenantExists(tx: Transaction): Promise<boolean> {
  const rows = await tx.query('select 1 from tenants limit 1');
  return rows.length > 0;
}

async function makeAdmin(
  tx: Transaction,
  { tenantId, email, passwordHash }: { tenantId: string; email: string; passwordHash: string },
): Promise<void> {
  const id = newId();
  await tx.query(
    `insert into users (tenant_id, id, email, username, password_hash, role, platform_admin)
     values ($1, $2, $3, 'admin', $4, 'admin', true)`,
    [tenantId, id, email, passwordHash],
  );
  await addToCredentialIndex(tx, { kind: 'email', hash: lookupHash(email), tenantId, subjectId: id });
}
