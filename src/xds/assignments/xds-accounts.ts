import { Injectable } from '@nestjs/common';
import { recordAction } from '../../common/audit/record.js';
import type { RequestContext } from '../../common/context/request-context.js';
import { Database, type Transaction } from '../../common/database/database.js';
import type { Address } from '../../common/http/address.js';
import { infrastructureProblems, ProxyDirectory, type ProxyRef } from '../../infrastructure/index.js';
import { IS_LIVE } from '../ledger/live-streams.js';
import { xdsProblems } from '../xds.errors.js';
import { Assignments } from './assignments.service.js';
import { lockAssignments } from './quarantine-rows.js';
import { SERVED_HASH } from './targets.js';
import { explain, type QuarantineAccount, type StreamAccount, type TypeAccount, type XdsFacts } from './xds-account.js';

export interface XdsAccount extends XdsFacts {
  readonly summary: readonly string[];
}

interface AssignmentRow {
  readonly snapshot: string;
  readonly versionId: string | null;
  readonly assignedAt: Date;
  readonly served: string;
  readonly goodHash: string | null;
  readonly goodAt: Date | null;
}

/** Tells people where a proxy stands, and takes their word on what EFMS does not decide by itself. */
@Injectable()
export class XdsAccounts {
  constructor(
    private readonly database: Database,
    private readonly directory: ProxyDirectory,
    private readonly assignments: Assignments,
  ) {}

  /** @throws ProblemError 404 */
  read(ctx: RequestContext, address: Address): Promise<XdsAccount> {
    return this.database.tenant(ctx, async (tx) => account(tx, ctx, await this.find(tx, ctx, address)));
  }

  /**
   * Offers the assigned snapshot again where it is held back; where it is not, nothing changes.
   * @throws ProblemError 404, 409 where it has no assignment
   */
  async offerAgain(ctx: RequestContext, address: Address): Promise<XdsAccount> {
    return this.database.tenant(ctx, async (tx) => {
      const proxy = await this.find(tx, ctx, address);
      // What is offered is what is assigned when it is, and not what was when the call came.
      await lockAssignments(tx, [{ tenantId: ctx.tenantId, proxyId: proxy.id }]);
      const assigned = await assignmentOf(tx, ctx, proxy);
      if (!assigned) throw withoutAssignment(proxy);
      const offered = await this.assignments.offerAgain(tx, ctx.tenantId, [proxy.id], assigned.snapshot);
      if (offered > 0) await recordAction(tx, ctx, actionOn(proxy, 'offer_again', { snapshot: assigned.snapshot }));
      return account(tx, ctx, proxy);
    });
  }

  /**
   * Has a proxy given its assignment although it claims what EFMS never gave it; what it has is replaced.
   * @throws ProblemError 404, 409 where it has no assignment
   */
  async takeOver(ctx: RequestContext, address: Address): Promise<XdsAccount> {
    return this.database.tenant(ctx, async (tx) => {
      const proxy = await this.find(tx, ctx, address);
      if (!(await this.assignments.takeOver(tx, ctx.tenantId, proxy.id))) throw withoutAssignment(proxy);
      await recordAction(tx, ctx, actionOn(proxy, 'take_over', {}));
      return account(tx, ctx, proxy);
    });
  }

  private async find(tx: Transaction, ctx: RequestContext, address: Address): Promise<ProxyRef> {
    const [proxy] = (await this.directory.resolve(tx, ctx, [address])).proxies;
    if (!proxy) throw infrastructureProblems.proxyNotFound();
    return proxy;
  }
}

const withoutAssignment = ({ name }: ProxyRef): Error =>
  xdsProblems.noAssignment({ detail: `${name} has no assignment; deploy a version to it first.` });

function actionOn(
  proxy: ProxyRef,
  action: string,
  changes: Readonly<Record<string, unknown>>,
): Parameters<typeof recordAction>[2] {
  return { action, resourceType: 'proxy', resourceId: proxy.id, resourceName: proxy.name, changes };
}

async function account(tx: Transaction, ctx: RequestContext, proxy: ProxyRef): Promise<XdsAccount> {
  const assigned = await assignmentOf(tx, ctx, proxy);
  const facts: XdsFacts = {
    assigned: assigned
      ? { snapshot: assigned.snapshot, versionId: assigned.versionId, assignedAt: assigned.assignedAt }
      : null,
    served: assigned?.served ?? null,
    lastGood: assigned?.goodHash && assigned.goodAt ? { snapshot: assigned.goodHash, since: assigned.goodAt } : null,
    quarantines: await quarantinesOf(tx, ctx, proxy),
    streams: await streamsOf(tx, ctx, proxy),
  };
  return { summary: explain(facts), ...facts };
}

async function assignmentOf(
  tx: Transaction,
  { tenantId }: RequestContext,
  { id }: ProxyRef,
): Promise<AssignmentRow | undefined> {
  const [row] = await tx.query<AssignmentRow>(
    `select a.snapshot_hash as snapshot, a.version_id as "versionId", a.assigned_at as "assignedAt", ${SERVED_HASH} as served,
            a.good_hash as "goodHash", a.good_at as "goodAt"
       from proxy_assignments a
       left join proxy_quarantines q
         on q.tenant_id = a.tenant_id and q.proxy_id = a.proxy_id and q.snapshot_hash = a.snapshot_hash
      where a.tenant_id = $1 and a.proxy_id = $2`,
    [tenantId, id],
  );
  return row;
}

function quarantinesOf(tx: Transaction, { tenantId }: RequestContext, { id }: ProxyRef): Promise<QuarantineAccount[]> {
  return tx.query(
    `select snapshot_hash as snapshot, reason, cause, held, held_at as "heldAt", offered_at as "offeredAt", retry_at as "retryAt",
            kind, error_code as code, error_message as message, suspects
       from proxy_quarantines where tenant_id = $1 and proxy_id = $2 order by held_at desc, snapshot_hash`,
    [tenantId, id],
  );
}

/** Those that live, newest first, or the last one. */
async function streamsOf(tx: Transaction, { tenantId }: RequestContext, { id }: ProxyRef): Promise<StreamAccount[]> {
  const streams = await tx.query<Omit<StreamAccount, 'types'> & { readonly isLive: boolean }>(
    `select s.id, s.variant, s.peer, s.replica, s.boot_id as "bootId", s.envoy_version as "envoyVersion",
            s.connected_at as "connectedAt", case when not live.is_live then coalesce(s.ended_at, clock_timestamp()) end as "endedAt",
            s.serving_hash as serving, s.converged_hash as converged, live.is_live as "isLive",
            case when s.frozen then 'frozen' when s.unmanaged then 'unmanaged' else 'managed' end as management
       from xds_streams s cross join lateral (select ${IS_LIVE} as is_live) live
      where s.tenant_id = $1 and s.proxy_id = $2
      order by live.is_live desc, s.connected_at desc, s.id desc limit 20`,
    [tenantId, id],
  );
  const shown = streams.filter(({ isLive }, i) => isLive || i === 0);
  const types = await tx.query<TypeAccount & { readonly streamId: string }>(
    `select stream_id as "streamId", kind, sent_version as "sentVersion", sent_at as "sentAt", resource_count as resources,
            acked_version as "ackedVersion", acked_at as "ackedAt",
            case when nacked_at > coalesce(acked_at, '-infinity') then jsonb_build_object(
              'at', nacked_at, 'code', error_code, 'message', error_message) end as refusal
       from resource_acknowledgements where tenant_id = $1 and stream_id = any ($2::uuid[]) order by kind`,
    [tenantId, shown.map((stream) => stream.id)],
  );
  return shown.map(({ isLive: _, ...stream }) => ({
    ...stream,
    types: types.filter(({ streamId }) => streamId === stream.id).map(({ streamId: __, ...type }) => withDate(type)),
  }));
}

/** JSON has no dates. */
function withDate(type: TypeAccount): TypeAccount {
  return type.refusal ? { ...type, refusal: { ...type.refusal, at: new Date(type.refusal.at) } } : type;
}
