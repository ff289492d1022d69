import { Injectable } from '@nestjs/common';
import type { RequestContext } from '../../common/context/request-context.js';
import { Database, type Transaction } from '../../common/database/database.js';
import type { Address } from '../../common/http/address.js';
import { infrastructureProblems, ProxyDirectory } from '../../infrastructure/index.js';
import { Assignments, type CurrentAssignment } from '../assignments/assignments.service.js';
import type { ResourceKind } from '../resource-types.js';
import { type HeldAssignment, type ProxyProgress, ProxyProgressReader } from './proxy-progress.js';
import { type LedgerRow, ledgerRows, type SyncByKind, syncOf } from './type-sync.js';

export interface ProxySyncView {
  readonly connection: 'connected' | 'disconnected' | 'never_seen';
  readonly management: string;
  readonly assigned: {
    readonly snapshot: string;
    readonly versionId: string | null;
    readonly assignedAt: Date;
  } | null;
  /** Why it is served the last good snapshot in place of the assigned one; null where it is not. */
  readonly heldBack: Pick<HeldAssignment, 'reason' | 'message' | 'at' | 'retryAt'> | null;
  /** Of what it is served: the assigned snapshot or, while that is held back, the last good one. */
  readonly sync: SyncByKind;
  readonly converged: boolean;
}

/** Where a proxy stands, with the snapshots that this is about. */
export interface ProxyStanding {
  readonly view: ProxySyncView;
  /** The snapshot that it is served. */
  readonly served: string | null;
  readonly held: HeldAssignment | null;
}

interface StatusRow {
  readonly proxy_id: string;
  readonly connection: string;
  readonly management: string;
}

interface Facts {
  readonly assignment: CurrentAssignment | undefined;
  readonly progress: ProxyProgress | undefined;
  readonly status: StatusRow | undefined;
  readonly kinds: ReadonlySet<ResourceKind>;
  readonly rows: readonly LedgerRow[];
}

const NO_KINDS: ReadonlySet<ResourceKind> = new Set();

/** Tells people how far proxies are with what they are assigned. */
@Injectable()
export class ProxySync {
  constructor(
    private readonly database: Database,
    private readonly directory: ProxyDirectory,
    private readonly assignments: Assignments,
    private readonly progress: ProxyProgressReader,
  ) {}

  /** @throws ProblemError 404 */
  async read(ctx: RequestContext, address: Address): Promise<ProxySyncView> {
    return this.database.tenant(ctx, async (tx) => {
      const [proxy] = (await this.directory.resolve(tx, ctx, [address])).proxies;
      const standing = proxy && (await this.readAll(tx, ctx.tenantId, [proxy.id])).get(proxy.id);
      if (!standing) throw infrastructureProblems.proxyNotFound();
      return standing.view;
    });
  }

  /** Where each of the proxies stands, by id. */
  async readAll(
    tx: Transaction,
    tenantId: string,
    proxyIds: readonly string[],
  ): Promise<ReadonlyMap<string, ProxyStanding>> {
    const assignments = await this.assignments.current(tx, tenantId, proxyIds);
    const progress = await this.progress.read(tx, tenantId, proxyIds);
    const served = (id: string): string | null => servedHash(assignments.get(id), progress.get(id));
    const kinds = await kindsOf(tx, tenantId, [...new Set(proxyIds.map(served))]);
    const statuses = await tx.query<StatusRow>(
      'select proxy_id, connection, management from proxy_status where tenant_id = $1 and proxy_id = any ($2::uuid[])',
      [tenantId, proxyIds],
    );
    const statusOf = new Map(statuses.map((status) => [status.proxy_id, status]));
    const rows = Map.groupBy(await ledgerRows(tx, tenantId, proxyIds), ({ proxy_id }) => proxy_id);
    return new Map(
      proxyIds.map((id) => [
        id,
        standingOf({
          assignment: assignments.get(id),
          progress: progress.get(id),
          status: statusOf.get(id),
          kinds: kinds.get(served(id)) ?? NO_KINDS,
          rows: rows.get(id) ?? [],
        }),
      ]),
    );
  }
}

function servedHash(assignment: CurrentAssignment | undefined, progress: ProxyProgress | undefined): string | null {
  return progress?.held?.insteadHash ?? assignment?.snapshotHash ?? null;
}

function standingOf({ assignment, progress, status, kinds, rows }: Facts): ProxyStanding {
  const served = servedHash(assignment, progress);
  const held = progress?.held ?? null;
  const hasAll = served !== null && progress?.convergedHash === served;
  return {
    served,
    held,
    view: {
      connection: connectionOf(progress, status?.connection),
      management: status?.management ?? 'managed',
      assigned: assignment
        ? {
            snapshot: assignment.snapshotHash,
            versionId: assignment.versionId,
            assignedAt: assignment.assignedAt,
          }
        : null,
      heldBack: held && { reason: held.reason, message: held.message, at: held.at, retryAt: held.retryAt },
      sync: syncOf(kinds, rows, hasAll),
      converged: hasAll && !held,
    },
  };
}

/** The kinds of resource that snapshots have, by hash. */
async function kindsOf(
  tx: Transaction,
  tenantId: string,
  snapshots: readonly (string | null)[],
): Promise<ReadonlyMap<string | null, ReadonlySet<ResourceKind>>> {
  const rows = await tx.query<{ hash: string; kinds: ResourceKind[] }>(
    `select s.hash, array_agg(distinct e.kind) as kinds
       from snapshots s cross join lateral jsonb_to_recordset(s.resources) as e (kind text)
      where s.tenant_id = $1 and s.hash = any ($2::text[]) group by s.hash`,
    [tenantId, snapshots],
  );
  return new Map(rows.map(({ hash, kinds }) => [hash, new Set(kinds)]));
}

function connectionOf(progress: ProxyProgress | undefined, status: string | undefined): ProxySyncView['connection'] {
  if (progress?.connected) return 'connected';
  return status === undefined || status === 'never_seen' ? 'never_seen' : 'disconnected';
}
