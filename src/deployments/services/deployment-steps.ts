import { Injectable } from '@nestjs/common';
import { systemContext } from '../../common/context/request-context.js';
import { Database, type Transaction } from '../../common/database/database.js';
import { type Lease, fence } from '../../common/database/leases.js';
import { Assignments, type ProxyProgress, ProxyProgressReader } from '../../xds/index.js';
import { ENGINE_STATUSES } from './deployment-machine.js';
import { type LockedDeployment, lockDeployment, transition } from './deployment-state.js';
import { type DeploymentRef, count, publish, tell } from './deployment-timeline.js';
import { type AssignedTarget, type Verdict, judge } from './judge.js';

/** What is left to do: at once, when something changes, or nothing. */
export type Progress = 'again' | 'waiting' | 'done';

interface TargetRow extends AssignedTarget {
  readonly id: string;
  readonly proxyId: string | null;
  readonly proxyName: string;
}

interface Judged {
  readonly target: TargetRow;
  readonly verdict: Verdict;
}

const NEVER_SEEN: ProxyProgress = {
  connected: false,
  connectedSince: null,
  convergedHash: null,
  servingHash: null,
  held: null,
  frozen: false,
};

/**
 * The fence keeps others from the lease as long as a step lasts. A process that stands still in a step (SIGSTOP, a machine that hangs)
 * must not keep them longer than a crashed one would, so PostgreSQL ends its session.
 */
const STANDSTILL = '3s';

/** Under this name the engine assigns and is found in the audit log. */
const ENGINE = 'deployment engine';

/**
 * The steps of a deployment. Each is one transaction that proves the engine's lease first, then locks the deployment and looks at
 * where it stands: whoever stops between two steps, or in one, leaves a state from which the next engine goes on, and nothing is done
 * twice. All of a step's targets are read and written by a fixed number of statements.
 */
@Injectable()
export class DeploymentSteps {
  constructor(
    private readonly database: Database,
    private readonly assignments: Assignments,
    private readonly progress: ProxyProgressReader,
  ) {}

  /** Every deployment, of whatever tenant, that the engine has to carry on; oldest first. */
  async open(): Promise<readonly DeploymentRef[]> {
    return this.database.system((tx) =>
      tx.query<DeploymentRef>(
        `select tenant_id as "tenantId", id from configuration_deployments
          where status in ('pending', 'running') order by created_at, id`,
      ),
    );
  }

  /** Takes the next step of a deployment. @throws LeaseLost; then nothing was written */
  async advance(lease: Lease, { tenantId, id }: DeploymentRef): Promise<Progress> {
    return this.database.tenant(systemContext(tenantId, ENGINE), async (tx) => {
      await tx.query(`select set_config('idle_in_transaction_session_timeout', $1, true)`, [STANDSTILL]);
      await fence(tx, lease);
      const deployment = await lockDeployment(tx, id);
      if (!deployment || !ENGINE_STATUSES.includes(deployment.status)) return 'done';
      if (deployment.status === 'pending') return start(tx, deployment);
      const open = await countOpen(tx, id);
      if (open.pending > 0) return this.assign(tx, deployment);
      if (open.assigned > 0) return this.look(tx, deployment);
      return finish(tx, deployment);
    });
  }

  /** Gives every pending target the version. The assignment and the target's state are one fact, so that none is assigned twice. */
  private async assign(tx: Transaction, deployment: LockedDeployment): Promise<Progress> {
    const { tenantId, id, versionId, snapshotHash } = deployment;
    const targets = await tx.query<{ id: string; proxyId: string | null }>(
      `select id, envoy_proxy_id as "proxyId" from configuration_deployment_targets
        where deployment_id = $1 and status = 'pending'`,
      [id],
    );
    const proxyIds = targets.flatMap(({ proxyId }) => proxyId ?? []);
    const before = await this.assignments.current(tx, tenantId, proxyIds);
    const wanted = proxyIds.map((proxyId) => ({ proxyId, snapshotHash, versionId }));
    await this.assignments.set(tx, systemContext(tenantId, ENGINE), wanted);
    // To deploy it again is an operator's word that the reason is gone; what was said before does not count.
    await this.assignments.offerAgain(tx, tenantId, proxyIds, snapshotHash);
    const rows = targets.map((target) => {
      const had = before.get(target.proxyId ?? '');
      return { id: target.id, version: had?.versionId ?? null, snapshot: had?.snapshotHash ?? null };
    });
    await tx.query(
      `update configuration_deployment_targets t
          set status = 'assigned', assigned_at = now(), previous_version_id = r.version, previous_snapshot_hash = r.snapshot
         from unnest($2::uuid[], $3::uuid[], $4::text[]) as r (id, version, snapshot)
        where t.deployment_id = $1 and t.id = r.id`,
      [id, rows.map((row) => row.id), rows.map((row) => row.version), rows.map((row) => row.snapshot)],
    );
    const reason = `${count(targets.length, 'proxy', 'proxies')} assigned version ${deployment.versionNumber}.`;
    await tell(tx, deployment, [{ kind: 'assigned', reason, details: { targets: targets.length } }]);
    return 'again';
  }

  /** Looks at every assigned target and writes what has changed. */
  private async look(tx: Transaction, deployment: LockedDeployment): Promise<Progress> {
    const targets = await assignedTargets(tx, deployment.id);
    const proxyIds = targets.flatMap(({ proxyId }) => proxyId ?? []);
    const progress = await this.progress.read(tx, deployment.tenantId, proxyIds);
    const rules = { ...deployment, timeoutMs: deployment.timeoutSeconds * 1000 };
    const judged = targets.map((target): Judged => {
      const seen = target.proxyId === null ? undefined : (progress.get(target.proxyId) ?? NEVER_SEEN);
      return { target, verdict: judge(target, seen, rules) };
    });
    await writeVerdicts(tx, deployment, judged.filter(hasChanged));
    if (judged.some(({ verdict }) => verdict.connectedFrom !== null)) {
      await tx.query('update configuration_deployments set judged_at = now() where id = $1', [deployment.id]);
    }
    await tellVerdicts(tx, deployment, judged);
    return judged.every(({ verdict }) => verdict.status !== 'assigned') ? 'again' : 'waiting';
  }
}

async function start(tx: Transaction, deployment: LockedDeployment): Promise<Progress> {
  await transition(tx, deployment, 'start');
  await tx.query(`update rollout_steps set status = 'running', started_at = now() where deployment_id = $1`, [
    deployment.id,
  ]);
  const reason = 'The engine took it up; every target is in the one step of an immediate deployment.';
  await tell(tx, deployment, [{ kind: 'started', reason }]);
  await publish(tx, deployment, [{ type: 'deployment.started', payload: factsOf(deployment) }]);
  return 'again';
}

/** Every target has ended: so does the deployment. */
async function finish(tx: Transaction, deployment: LockedDeployment): Promise<Progress> {
  const [counts] = await tx.query<{ total: number; failed: number; skipped: number }>(
    `select count(*)::integer as total, (count(*) filter (where status = 'failed'))::integer as failed,
            (count(*) filter (where status = 'skipped'))::integer as skipped
       from configuration_deployment_targets where deployment_id = $1`,
    [deployment.id],
  );
  const { total, failed, skipped } = counts ?? { total: 0, failed: 0, skipped: 0 };
  const hasFailed = failed > 0;
  await transition(tx, deployment, hasFailed ? 'halt' : 'succeed');
  await tx.query('update rollout_steps set status = $2, completed_at = now() where deployment_id = $1', [
    deployment.id,
    hasFailed ? 'failed' : 'succeeded',
  ]);
  const kind = hasFailed ? 'halted' : 'succeeded';
  const reason = hasFailed
    ? `${failed} of ${count(total, 'target')} failed; none is allowed to. Every target keeps what it was assigned.`
    : `${total - skipped} of ${count(total, 'target')} converged${skipped > 0 ? `, ${skipped} skipped` : ''}.`;
  const details = { total, failed, skipped };
  await tell(tx, deployment, [{ kind, reason, details }]);
  await publish(tx, deployment, [{ type: `deployment.${kind}`, payload: { ...factsOf(deployment), ...details } }]);
  return 'done';
}

async function countOpen(tx: Transaction, id: string): Promise<{ pending: number; assigned: number }> {
  const [row] = await tx.query<{ pending: number; assigned: number }>(
    `select (count(*) filter (where status = 'pending'))::integer as pending,
            (count(*) filter (where status = 'assigned'))::integer as assigned
       from configuration_deployment_targets where deployment_id = $1 and status in ('pending', 'assigned')`,
    [id],
  );
  return row ?? { pending: 0, assigned: 0 };
}

async function assignedTargets(tx: Transaction, id: string): Promise<TargetRow[]> {
  return tx.query<TargetRow>(
    `select id, envoy_proxy_id as "proxyId", proxy_name as "proxyName", snapshot_hash as "snapshotHash",
            previous_snapshot_hash as "previousSnapshotHash", assigned_at as "assignedAt",
            connected_ms::float8 as "connectedMs", connected_from as "connectedFrom"
       from configuration_deployment_targets where deployment_id = $1 and status = 'assigned' order by proxy_name, id`,
    [id],
  );
}

const hasChanged = ({ target, verdict }: Judged): boolean =>
  verdict.status !== 'assigned' ||
  verdict.connectedMs !== target.connectedMs ||
  verdict.connectedFrom?.getTime() !== target.connectedFrom?.getTime();

async function writeVerdicts(tx: Transaction, { id }: LockedDeployment, judged: readonly Judged[]): Promise<void> {
  if (judged.length === 0) return;
  await tx.query(
    `update configuration_deployment_targets t
        set status = v.status, reason = v.reason, error_message = v.message, connected_ms = v.connected_ms,
            connected_from = v.connected_from, completed_at = case when v.status <> 'assigned' then now() end
       from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::timestamptz[])
            as v (id, status, reason, message, connected_ms, connected_from)
      where t.deployment_id = $1 and t.id = v.id`,
    [
      id,
      judged.map(({ target }) => target.id),
      judged.map(({ verdict }) => verdict.status),
      judged.map(({ verdict }) => verdict.reason),
      judged.map(({ verdict }) => verdict.message),
      judged.map(({ verdict }) => Math.round(verdict.connectedMs)),
      judged.map(({ verdict }) => verdict.connectedFrom),
    ],
  );
}

async function tellVerdicts(tx: Transaction, deployment: LockedDeployment, judged: readonly Judged[]): Promise<void> {
  const ended = judged.filter(({ verdict }) => verdict.status === 'failed' || verdict.status === 'skipped');
  const detailsOf = ({ target, verdict }: Judged): Record<string, unknown> => ({
    proxy: target.proxyName,
    proxyId: target.proxyId,
    reason: verdict.reason,
  });
  await tell(
    tx,
    deployment,
    ended.map((one) => ({
      kind: one.verdict.status === 'failed' ? 'target.failed' : 'target.skipped',
      reason: `${one.target.proxyName}: ${one.verdict.message ?? ''}`,
      details: detailsOf(one),
    })),
  );
  const failed = ended.filter(({ verdict }) => verdict.status === 'failed');
  await publish(
    tx,
    deployment,
    failed.map((one) => ({
      type: 'deployment.target.failed',
      payload: { ...factsOf(deployment), ...detailsOf(one), message: one.verdict.message },
    })),
  );
}

const factsOf = ({ configurationName, versionNumber }: LockedDeployment): Record<string, unknown> => ({
  configuration: configurationName,
  version: versionNumber,
});
