import { newId } from '../../common/context/ids.js';
import type { Transaction } from '../../common/database/database.js';
import { appendEvents } from '../../common/database/outbox.js';
import type { DeploymentFact } from '../deployments.events.js';

/** Names a deployment across tenants. */
export interface DeploymentRef {
  readonly tenantId: string;
  readonly id: string;
}

/** One decision: what was decided, why in a sentence, and the facts that it was made on. */
export interface TimelineEntry {
  readonly kind:
    'created' | 'started' | 'assigned' | 'target.failed' | 'target.skipped' | 'succeeded' | 'halted' | 'aborted';
  readonly reason: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Writes decisions into the timeline, in the transaction that makes them; one statement whatever their number. */
export async function tell(
  tx: Transaction,
  deployment: DeploymentRef,
  entries: readonly TimelineEntry[],
): Promise<void> {
  if (entries.length === 0) return;
  await tx.query(
    `insert into deployment_events (tenant_id, id, deployment_id, kind, reason, details)
     select $1, e.id, $2, e.kind, e.reason, e.details
       from unnest($3::uuid[], $4::text[], $5::text[], $6::jsonb[]) as e (id, kind, reason, details)`,
    [
      deployment.tenantId,
      deployment.id,
      entries.map(() => newId()),
      entries.map(({ kind }) => kind),
      entries.map(({ reason }) => reason),
      entries.map(({ details }) => JSON.stringify(details ?? {})),
    ],
  );
}

/** Tells other modules of a deployment, in the transaction that makes it true. */
export const publish = (
  tx: Transaction,
  { tenantId, id: subjectId }: DeploymentRef,
  facts: readonly DeploymentFact[],
): Promise<void> =>
  appendEvents(
    tx,
    facts.map((fact) => ({ tenantId, subjectId, ...fact })),
  );

/** `1 proxy`, `2 proxies`: for the sentences of the timeline. */
export const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;
