import { Injectable } from '@nestjs/common';
import type { Actor, RequestContext } from '../../common/context/request-context.js';
import { Database, type Transaction } from '../../common/database/database.js';
import { Conditions, type ListDefinition, ListPage, type ListQuery, type Placed } from '../../common/http/list.js';
import type { Page } from '../../common/http/page.js';
import type { ConfigurationUse } from '../../versioning/index.js';
import { deploymentNotFound } from '../deployments.errors.js';
import type { DeploymentStatus } from './deployment-machine.js';
import { formatSeconds } from '../../common/clock/duration.js';

export type TargetStatus = 'pending' | 'assigned' | 'succeeded' | 'failed' | 'skipped';

export interface Deployment {
  readonly id: string;
  readonly status: DeploymentStatus;
  /** Ids are null once the configuration is deleted. */
  readonly configuration: { readonly id: string | null; readonly name: string };
  readonly version: { readonly id: string | null; readonly number: number };
  readonly strategy: { readonly type: string };
  readonly timeout: string;
  readonly disconnected: 'wait' | 'skip';
  readonly notes: string;
  readonly progress: { readonly total: number; readonly successful: number; readonly failed: number };
  readonly createdBy: Actor;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly completedAt: Date | null;
}

export interface DeploymentTarget {
  readonly id: string;
  readonly proxy: { readonly id: string | null; readonly name: string };
  readonly status: TargetStatus;
  readonly reason: string | null;
  readonly message: string | null;
  /** What it had before; null before it was assigned, where it had nothing, or where that version is gone. */
  readonly previous: { readonly configuration: string; readonly number: number } | null;
  readonly assignedAt: Date | null;
  readonly completedAt: Date | null;
}

export interface TimelineEvent {
  readonly at: Date;
  readonly kind: string;
  readonly reason: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface DeploymentWithDetails extends Deployment {
  readonly targets: Page<DeploymentTarget>;
  /** The newest events in the order in which they happened. */
  readonly timeline: readonly TimelineEvent[];
}

interface DeploymentRow {
  readonly id: string;
  readonly status: DeploymentStatus;
  readonly configuration_id: string | null;
  readonly configuration_name: string;
  readonly configuration_version_id: string | null;
  readonly version_number: number;
  readonly deployment_strategy: string;
  readonly timeout_seconds: number;
  readonly disconnected: 'wait' | 'skip';
  readonly notes: string;
  readonly total_targets: number;
  readonly successful_targets: number;
  readonly failed_targets: number;
  readonly created_by_kind: Actor['kind'];
  readonly created_by_id: string | null;
  readonly created_by_name: string;
  readonly created_at: Date;
  readonly started_at: Date | null;
  readonly completed_at: Date | null;
}

interface PageOptions {
  readonly limit: number;
  readonly cursor?: string;
}

/** Ids are UUIDv7: their order is that of creation, and the primary key has it. */
const DEPLOYMENTS: ListDefinition = {
  name: 'deployments',
  keys: { createdAt: { column: 'd.id', type: 'uuid', unique: true } },
  defaultSort: '-createdAt',
  id: { column: 'd.id', type: 'uuid' },
};
const TARGETS: ListDefinition = {
  name: 'deployment-targets',
  keys: { proxy: { column: 't.proxy_name', type: 'text' } },
  defaultSort: 'proxy',
  id: { column: 't.id', type: 'uuid' },
};
/** Events that one answer shows. */
const TIMELINE_LENGTH = 200;

/** Reads deployments, their targets and timelines. */
@Injectable()
export class DeploymentReader implements ConfigurationUse {
  constructor(private readonly database: Database) {}

  /** Newest first unless told otherwise. @throws ProblemError 400, 422 for what cannot be listed so */
  async list(ctx: RequestContext, query: ListQuery): Promise<Page<Deployment>> {
    const list = new ListPage(DEPLOYMENTS, { tenantId: ctx.tenantId, query });
    return this.database.tenant(ctx, async (tx) => {
      const conditions = new Conditions();
      list.addTo(conditions);
      const rows = await tx.query<DeploymentRow & Placed>(
        `select d.*, ${list.placeColumn} from configuration_deployments d where ${conditions.sql} ${list.order}`,
        conditions.params,
      );
      return list.page(rows, toDeployment);
    });
  }

  /** @param targets which page of the targets @throws ProblemError 404 */
  async get(ctx: RequestContext, id: string, targets: PageOptions): Promise<DeploymentWithDetails> {
    return this.database.tenant(ctx, async (tx) => {
      const [row] = await tx.query<DeploymentRow>('select * from configuration_deployments where id = $1', [id]);
      if (!row) throw deploymentNotFound(id);
      const timeline = await tx.query<TimelineEvent>(
        `select at, kind, reason, details from deployment_events where deployment_id = $1 order by at desc, id desc limit $2`,
        [id, TIMELINE_LENGTH],
      );
      return {
        ...toDeployment(row),
        targets: await readTargets(tx, { tenantId: ctx.tenantId, id }, targets),
        timeline: timeline.reverse(),
      };
    });
  }

  /** Deployments that still decide something need the configuration they deploy. */
  async usesOf(tx: Transaction, configurationId: string): Promise<readonly string[]> {
    const rows = await tx.query<{ id: string; status: string }>(
      `select id, status from configuration_deployments where configuration_id = $1 and status in ('pending', 'running') order by id`,
      [configurationId],
    );
    return rows.map(({ id, status }) => `Deployment ${id} of it is ${status}; wait until it ends, or abort it.`);
  }
}

async function readTargets(
  tx: Transaction,
  of: { tenantId: string; id: string },
  query: PageOptions,
): Promise<Page<DeploymentTarget>> {
  const { tenantId, id } = of;
  const list = new ListPage(TARGETS, { tenantId, query, filters: { deployment: id } });
  const conditions = new Conditions();
  conditions.equal('t.deployment_id', id);
  list.addTo(conditions);
  const rows = await tx.query<DeploymentTargetRow & Placed>(
    `select t.id, t.envoy_proxy_id as "proxyId", t.proxy_name as "proxyName", t.status, t.reason, t.error_message as message,
            c.name as "previousConfiguration", v.version_number as "previousNumber", t.assigned_at as "assignedAt",
            t.completed_at as "completedAt", ${list.placeColumn}
       from configuration_deployment_targets t
       left join configuration_versions v on v.tenant_id = t.tenant_id and v.id = t.previous_version_id
       left join proxy_configurations c on c.tenant_id = v.tenant_id and c.id = v.configuration_id
      where ${conditions.sql} ${list.order}`,
    conditions.params,
  );
  return list.page(rows, ({ place: _, ...row }) => toTarget(row));
}

type DeploymentTargetRow = Omit<DeploymentTarget, 'proxy' | 'previous'> & {
  readonly proxyId: string | null;
  readonly proxyName: string;
  readonly previousConfiguration: string | null;
  readonly previousNumber: number | null;
};

function toTarget(row: DeploymentTargetRow): DeploymentTarget {
  const { proxyId, proxyName, previousConfiguration, previousNumber, ...target } = row;
  const previous =
    previousConfiguration === null || previousNumber === null
      ? null
      : { configuration: previousConfiguration, number: previousNumber };
  return { ...target, proxy: { id: proxyId, name: proxyName }, previous };
}

function toDeployment(row: DeploymentRow): Deployment {
  return {
    id: row.id,
    status: row.status,
    configuration: { id: row.configuration_id, name: row.configuration_name },
    version: { id: row.configuration_version_id, number: row.version_number },
    strategy: { type: row.deployment_strategy },
    timeout: formatSeconds(row.timeout_seconds),
    disconnected: row.disconnected,
    notes: row.notes,
    progress: { total: row.total_targets, successful: row.successful_targets, failed: row.failed_targets },
    createdBy: { kind: row.created_by_kind, id: row.created_by_id, name: row.created_by_name },
    createdAt: row.created_at,
    startedAt: row.started_at,
    completedAt: row.completed_at,
  };
}
