import type { RequestContext } from '../../common/context/request-context.js';
import type { Transaction } from '../../common/database/database.js';

/**
 * Held until the transaction ends by whoever writes labels of proxies, beside others who do. Comes before any row is locked, so that
 * nobody who waits for it has a row that its holder needs.
 */
export async function shareGroups(tx: Transaction, { tenantId }: RequestContext): Promise<void> {
  await tx.query('select efms_lock_groups($1, false)', [tenantId]);
}

/** The same, alone: for whoever changes selectors or the hierarchy. */
export async function holdGroups(tx: Transaction, { tenantId }: RequestContext): Promise<void> {
  await tx.query('select efms_lock_groups($1, true)', [tenantId]);
}
