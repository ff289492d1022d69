import { newId } from '../common/context/ids.js';
import type { Transaction } from '../common/database/database.js';
import type { ProxyKey } from '../infrastructure/index.js';

/** Something that happened to a proxy, for whoever listens to events. */
export interface ProxyFact extends ProxyKey {
  readonly type: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** Writes facts of any tenants as events, as `efms_system`. */
export async function publish(tx: Transaction, facts: readonly ProxyFact[]): Promise<void> {
  if (facts.length === 0) return;
  await tx.query(
    `insert into outbox_events (tenant_id, id, type, subject_id, payload)
     select f.* from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::jsonb[]) as f (tenant_id, id, type, subject_id, payload)`,
    [
      facts.map(({ tenantId }) => tenantId),
      facts.map(() => newId()),
      facts.map(({ type }) => type),
      facts.map(({ proxyId }) => proxyId),
      facts.map(({ payload }) => JSON.stringify(payload)),
    ],
  );
}
