import type { Transaction } from '../common/database/database.js';
import { tokenHash } from '../common/crypto/tokens.js';

/** What credentials are looked up by before any tenant is known (DATA.md, `credential_index`). */
export type CredentialKind =
  'email' | 'api_key' | 'refresh_token' | 'proxy_token' | 'proxy_certificate' | 'invitation' | 'enrolment_token';

export interface CredentialEntry {
  readonly kind: CredentialKind;
  readonly hash: Buffer;
  readonly tenantId: string;
  /** The row that the credential belongs to. */
  readonly subjectId: string;
}

/** SHA-256 of a credential, as the index and the tables keep it. E-mails are to be given in lower case. */
export const lookupHash = (credential: string): Buffer => Buffer.from(tokenHash(credential), 'hex');

/**
 * Adds a credential, in the transaction that makes it.
 * @throws a unique violation of `credential_index_pkey` where the credential exists in any tenant
 */
export async function addToCredentialIndex(tx: Transaction, entry: CredentialEntry): Promise<void> {
  await tx.query('insert into credential_index (kind, lookup_hash, tenant_id, subject_id) values ($1, $2, $3, $4)', [
    entry.kind,
    entry.hash,
    entry.tenantId,
    entry.subjectId,
  ]);
}

/** Removes every credential of these rows, in the transaction that removes the rows. */
export async function removeFromCredentialIndex(tx: Transaction, subjectIds: readonly string[]): Promise<void> {
  if (subjectIds.length === 0) return;
  await tx.query('delete from credential_index where subject_id = any($1::uuid[])', [subjectIds]);
}
