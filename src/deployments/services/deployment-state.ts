import type { Transaction } from '../../common/database/database.js';
import { deploymentProblems } from '../deployments.errors.js';
import { type DeploymentAction, type DeploymentStatus, nextStatus } from './deployment-machine.js';
import type { DeploymentRef } from './deployment-timeline.js';

/** A deployment under the lock of its row, as far as decisions need it. */
export interface LockedDeployment extends DeploymentRef {
  readonly status: DeploymentStatus;
  readonly configurationName: string;
  readonly versionId: string | null;
  readonly versionNumber: number;
  readonly snapshotHash: string;
  readonly timeoutSeconds: number;
  readonly disconnected: 'wait' | 'skip';
  readonly judgedAt: Date | null;
  /** Database time of the transaction. */
  readonly now: Date;
}

/** Reads a deployment and keeps everybody else from deciding anything about it until the transaction ends. */
export async function lockDeployment(tx: Transaction, id: string): Promise<LockedDeployment | undefined> {
  const [row] = await tx.query<LockedDeployment>(
    `select tenant_id as "tenantId", id, status, configuration_name as "configurationName",
            configuration_version_id as "versionId", version_number as "versionNumber", snapshot_hash as "snapshotHash",
            timeout_seconds as "timeoutSeconds", disconnected, judged_at as "judgedAt", now() as now
       from configuration_deployments where id = $1 for no key update`,
    [id],
  );
  return row;
}

/**
 * Moves a locked deployment on by an action. Where that leads to an end, its proxies are free for others, in the same statement.
 * @throws ProblemError 409 naming the state that the action does not fit
 */
export async function transition(
  tx: Transaction,
  deployment: LockedDeployment,
  action: DeploymentAction,
): Promise<DeploymentStatus> {
  const status = nextStatus(deployment.status, action);
  if (!status) {
    throw deploymentProblems.wrongState({
      detail: `The deployment is ${deployment.status}; ${action} does not fit that state.`,
      extensions: { state: deployment.status },
    });
  }
  if (status === 'running') {
    await tx.query('update configuration_deployments set status = $2, started_at = now() where id = $1', [
      deployment.id,
      status,
    ]);
    return status;
  }
  await tx.query(
    `with freed as (update configuration_deployment_targets set active = false where deployment_id = $1 and active)
     update configuration_deployments set status = $2, completed_at = coalesce(completed_at, now()) where id = $1`,
    [deployment.id, status],
  );
  return status;
}
