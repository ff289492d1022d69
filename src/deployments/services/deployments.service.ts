import { Injectable } from '@nestjs/common';
import { recordAction } from '../../common/audit/record.js';
import { newId } from '../../common/context/ids.js';
import type { RequestContext } from '../../common/context/request-context.js';
import { Database, type Transaction } from '../../common/database/database.js';
import type { Finding } from '../../common/errors/finding.js';
import type { ProxyRef } from '../../infrastructure/index.js';
import { type Version, VersionsService } from '../../versioning/index.js';
import { Assignments, lockSecretsOf } from '../../xds/index.js';
import { deploymentNotFound, deploymentProblems } from '../deployments.errors.js';
import { DeploymentEngine } from './deployment-engine.js';
import { INITIAL_STATUS } from './deployment-machine.js';
import { type DeploymentPlan, type DescribedChange, planDeployment } from './deployment-plan.js';
import { type DeploymentCommand, type DeploymentRequest, error, readRequest, refuse } from './deployment-request.js';
import { lockDeployment, transition } from './deployment-state.js';
import { DeploymentTargets } from './deployment-targets.js';
import { count, publish, tell } from './deployment-timeline.js';

/** Another deployment that decides what a proxy is assigned. */
export interface BusyProxy {
  readonly proxy: string;
  readonly deploymentId: string;
  readonly status: string;
}

/** What a deployment would do if it were started now. */
export interface DescribedPlan extends Omit<DeploymentPlan, 'changes'> {
  readonly version: Version;
  readonly command: DeploymentCommand;
  readonly changes: readonly DescribedChange[];
  /** Would refuse the start. */
  readonly busy: readonly BusyProxy[];
}

interface Prepared {
  readonly command: DeploymentCommand;
  readonly version: Version;
  readonly proxies: readonly ProxyRef[];
}

/** Contents that a plan compares with the new one; of more distinct ones only the numbers of targets are told. */
const MAX_DIFFS = 20;
/** Proxies that a refusal names. */
const MAX_NAMED = 5;

/** Starts, plans and stops deployments; what happens in between is the engine's. */
@Injectable()
export class DeploymentsService {
  constructor(
    private readonly database: Database,
    private readonly versions: VersionsService,
    private readonly targets: DeploymentTargets,
    private readonly assignments: Assignments,
    private readonly engine: DeploymentEngine,
  ) {}

  /**
   * Stores a deployment with its resolved targets; the engine takes it up at once.
   * @returns its id
   * @throws ProblemError 422 with the place of everything that is unknown or not allowed; 409 naming the deployment that has one of the
   *   proxies
   */
  async start(ctx: RequestContext, request: DeploymentRequest): Promise<string> {
    const command = readRequest(request);
    return this.database.tenant(ctx, async (tx) => {
      const prepared = await this.prepare(tx, ctx, command);
      const id = newId();
      await insertDeployment(tx, ctx, id, prepared);
      await insertTargets(tx, ctx, id, prepared);
      const { version, proxies } = prepared;
      const facts = { configuration: version.configuration.name, version: version.number, targets: proxies.length };
      const reason = `${ctx.actor.name} asked for version ${version.number} of "${version.configuration.name}" on ${count(proxies.length, 'proxy', 'proxies')}.`;
      await tell(tx, { tenantId: ctx.tenantId, id }, [{ kind: 'created', reason, details: facts }]);
      await audit(tx, ctx, { action: 'start', id, name: nameOf(version), changes: facts });
      tx.afterCommit(() => this.engine.wake());
      return id;
    });
  }

  /** What `start` would do. @throws ProblemError as `start` does, but for busy proxies, which the plan lists */
  async plan(ctx: RequestContext, request: DeploymentRequest): Promise<DescribedPlan> {
    const command = readRequest(request);
    return this.database.tenant(ctx, async (tx) => {
      const { version, proxies } = await this.prepare(tx, ctx, command);
      const proxyIds = proxies.map(({ id }) => id);
      const current = await this.assignments.current(tx, ctx.tenantId, proxyIds);
      const names = await this.versions.describe(
        tx,
        [...current.values()].flatMap(({ versionId }) => versionId ?? []),
      );
      const { targets, changes } = planDeployment({ version, proxies, current, names });
      const described: DescribedChange[] = [];
      for (const change of changes.slice(0, MAX_DIFFS)) {
        const diff = await this.versions.between(tx, ctx, change.fromSnapshotHash, version.snapshotHash);
        described.push({ ...change, diff });
      }
      return { version, command, targets, changes: described, busy: await busyProxies(tx, proxyIds) };
    });
  }

  /**
   * Stops a deployment: targets that were not assigned yet are left alone, those that were keep what they have.
   * @throws ProblemError 404; 409 naming the state that it is in
   */
  async abort(ctx: RequestContext, id: string): Promise<void> {
    await this.database.tenant(ctx, async (tx) => {
      const deployment = await lockDeployment(tx, id);
      if (!deployment) throw deploymentNotFound(id);
      await transition(tx, deployment, 'abort');
      const rows = await tx.query(
        `update configuration_deployment_targets set reason = 'aborted', completed_at = now(), status = 'skipped',
                error_message = case status when 'pending' then 'aborted before it was assigned the version'
                                            else 'aborted before it converged; it keeps the version' end
          where deployment_id = $1 and status in ('pending', 'assigned') returning id`,
        [id],
      );
      await tx.query(
        `update rollout_steps set status = 'skipped', completed_at = now() where deployment_id = $1 and status in ('pending', 'running')`,
        [id],
      );
      const details = { was: deployment.status, openTargets: rows.length };
      await tell(tx, deployment, [{ kind: 'aborted', reason: `${ctx.actor.name} aborted it.`, details }]);
      await publish(tx, deployment, [{ type: 'deployment.aborted', payload: { ...details, by: ctx.actor.name } }]);
      const name = `${deployment.configurationName} version ${deployment.versionNumber}`;
      await audit(tx, ctx, { action: 'abort', id, name, changes: details });
    });
  }

  private async prepare(tx: Transaction, ctx: RequestContext, command: DeploymentCommand): Promise<Prepared> {
    const findings: Finding[] = [];
    const { configuration, version } = await this.versions.use(tx, command.configuration, command.version);
    if (configuration === undefined) {
      findings.push(error('/configuration', 'reference.configuration', 'there is no such configuration'));
    } else if (!version) {
      findings.push(error('/version', 'reference.version', `"${configuration}" has no version ${command.version}`));
    } else if (version.validation !== 'passed') {
      const detail = `version ${version.number} has not passed validation (${version.validation}); deploy one that has`;
      findings.push(error('/version', 'deployment.version-not-passed', detail));
    } else {
      for (const secret of await lockSecretsOf(tx, ctx.tenantId, [version.snapshotHash])) {
        const detail = `version ${version.number} names the secret "${secret}", which was deleted; add it again or deploy another version`;
        findings.push(error('/version', 'reference.secret', detail));
      }
    }
    const targets = await this.targets.resolve(tx, ctx, command);
    findings.push(...targets.findings);
    refuse(findings);
    if (!version) throw new Error('a version that is missing was not refused');
    return { command, version, proxies: targets.proxies };
  }
}

async function insertDeployment(tx: Transaction, ctx: RequestContext, id: string, prepared: Prepared): Promise<void> {
  const { command, version } = prepared;
  await tx.query(
    `insert into configuration_deployments (tenant_id, id, configuration_id, configuration_name, configuration_version_id,
       version_number, snapshot_hash, deployment_strategy, timeout_seconds, disconnected, status, notes,
       created_by_kind, created_by_id, created_by_name)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
    [
      ctx.tenantId,
      id,
      version.configuration.id,
      version.configuration.name,
      version.id,
      version.number,
      version.snapshotHash,
      command.strategy,
      command.timeoutSeconds,
      command.disconnected,
      INITIAL_STATUS,
      command.notes,
      ctx.actor.kind,
      ctx.actor.id,
      ctx.actor.name,
    ],
  );
  await tx.query(
    `insert into rollout_steps (tenant_id, id, deployment_id, step_number, step_type, target_percentage)
     values ($1, $2, $3, 1, 'percentage', 100)`,
    [ctx.tenantId, newId(), id],
  );
}

/** The unique index on active targets decides between two starts at once; in order of proxies, so that they cannot wait in a circle. */
async function insertTargets(tx: Transaction, ctx: RequestContext, id: string, prepared: Prepared): Promise<void> {
  const { version, proxies } = prepared;
  const inserted = await tx.query(
    `insert into configuration_deployment_targets (tenant_id, id, deployment_id, envoy_proxy_id, proxy_name, version_id, snapshot_hash)
     select $1, t.id, $2, t.proxy_id, t.proxy_name, $3, $4
       from unnest($5::uuid[], $6::uuid[], $7::text[]) as t (id, proxy_id, proxy_name) order by t.proxy_id
     on conflict (tenant_id, envoy_proxy_id) where active do nothing returning 1 as inserted`,
    [
      ctx.tenantId,
      id,
      version.id,
      version.snapshotHash,
      proxies.map(() => newId()),
      proxies.map((proxy) => proxy.id),
      proxies.map((proxy) => proxy.name),
    ],
  );
  if (inserted.length === proxies.length) return;
  const busy = (
    await busyProxies(
      tx,
      proxies.map((proxy) => proxy.id),
    )
  ).filter(({ deploymentId }) => deploymentId !== id);
  throw deploymentProblems.proxyInDeployment({
    detail: describeBusy(busy),
    extensions: { busy: busy.slice(0, MAX_NAMED) },
  });
}

function describeBusy(busy: readonly BusyProxy[]): string {
  if (busy.length === 0) return 'Another deployment of a proxy ended just now; try again.';
  const named = busy
    .slice(0, MAX_NAMED)
    .map(({ proxy, deploymentId, status }) => `"${proxy}" is in deployment ${deploymentId} (${status})`);
  const more = busy.length > MAX_NAMED ? ` and ${busy.length - MAX_NAMED} more` : '';
  return `${named.join(', ')}${more}; wait until it ends, or abort it.`;
}

async function busyProxies(tx: Transaction, proxyIds: readonly string[]): Promise<BusyProxy[]> {
  return tx.query<BusyProxy>(
    `select t.proxy_name as proxy, d.id as "deploymentId", d.status from configuration_deployment_targets t
       join configuration_deployments d on d.tenant_id = t.tenant_id and d.id = t.deployment_id
      where t.active and t.envoy_proxy_id = any($1::uuid[]) order by t.proxy_name`,
    [proxyIds],
  );
}

function audit(
  tx: Transaction,
  ctx: RequestContext,
  done: { action: string; id: string; name: string; changes: Readonly<Record<string, unknown>> },
): Promise<void> {
  const { action, id, name, changes } = done;
  return recordAction(tx, ctx, {
    action,
    resourceType: 'configuration_deployments',
    resourceId: id,
    resourceName: name,
    changes,
  });
}

const nameOf = ({ configuration, number }: Version): string => `${configuration.name} version ${number}`;
