import type { Transaction } from '../../common/database/database.js';

/** Ends every login of a user; access tokens already out run for their quarter of an hour unless the user is deactivated. */
export async function endSessions(tx: Transaction, userId: string): Promise<void> {
  await tx.query('update refresh_tokens set revoked_at = now() where user_id = $1 and revoked_at is null', [userId]);
}
