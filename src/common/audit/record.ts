import { newId } from '../context/ids.js';
import type { RequestContext } from '../context/request-context.js';
import type { Transaction } from '../database/database.js';

/** Something that was done, where no trigger of an edited table tells it. */
export interface AuditedAction {
  readonly action: string;
  readonly resourceType: string;
  readonly resourceId: string;
  readonly resourceName: string;
  readonly changes: Readonly<Record<string, unknown>>;
}

/** Writes one row of the audit log in the caller's transaction: it stands exactly when what it tells of is committed. */
export async function recordAction(tx: Transaction, ctx: RequestContext, done: AuditedAction): Promise<void> {
  await tx.query(
    `insert into audit_logs (id, tenant_id, actor_kind, actor_id, actor_name, action, resource_type, resource_id, resource_name,
                             changes, ip_address, user_agent, request_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::inet, $12, $13)`,
    [
      newId(),
      ctx.tenantId,
      ctx.actor.kind,
      ctx.actor.id,
      ctx.actor.name,
      done.action,
      done.resourceType,
      done.resourceId,
      done.resourceName,
      done.changes,
      ctx.ip ?? null,
      ctx.userAgent ?? null,
      ctx.requestId,
    ],
  );
}
