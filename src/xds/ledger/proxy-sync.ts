import { Injectable } from '@nestjs/common';
import type { RequestContext } from '../../common/context/request-context.js';
import { Database, type Transaction } from '../../common/database/database.js';
import type { Address } from '../../common/http/address.js';
import { infrastructureProblems, ProxyDirectory } from '../../infrastructure/index.js';
import { Assignments } from '../assignments/assignments.service.js';
import { RESOURCE_TYPES, type ResourceKind } from '../resource-types.js';
import { IS_LIVE } from './live-streams.js';
import { type HeldAssignment, type ProxyProgress, ProxyProgressReader } from './proxy-progress.js';

/** Where a proxy stands with one type, in the words of istioctl and CSDS. */
export interface TypeSync {
  readonly state: 'SYNCED' | 'NOT_SENT' | 'STALE' | 'ERROR';
  readonly sentVersion: string | null;
  readonly sentAt: Date | null;
  readonly ackedVersion: string | null;
  readonly ackedAt: Date | null;
  /** The refusal that stands. */
  readonly error?: { readonly code: number; readonly message: string; readonly at: Date };
}

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
  readonly sync: Readonly<Partial<Record<ResourceKind, TypeSync>>>;
  readonly converged: boolean;
}

interface LedgerRow {
  readonly kind: ResourceKind;
  readonly sent_version: string | null;
  readonly sent_at: Date | null;
  readonly acked_version: string | null;
  readonly acked_at: Date | null;
  readonly is_acked: boolean;
  readonly is_refused: boolean;
  readonly nacked_at: Date | null;
  readonly error_code: number | null;
  readonly error_message: string | null;
}

/** Tells people how far a proxy is with what it is assigned. */
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
      if (!proxy) throw infrastructureProblems.proxyNotFound();
      const { tenantId } = ctx;
      const assignment = (await this.assignments.current(tx, tenantId, [proxy.id])).get(proxy.id);
      const progress = (await this.progress.read(tx, tenantId, [proxy.id])).get(proxy.id);
      const [status] = await tx.query<{ connection: string; management: string }>(
        'select connection, management from proxy_status where tenant_id = $1 and proxy_id = $2',
        [tenantId, proxy.id],
      );
      const held = progress?.held ?? null;
      const converged = assignment !== undefined && !held && progress?.convergedHash === assignment.snapshotHash;
      const served = (held && progress?.servingHash) ?? assignment?.snapshotHash ?? null;
      const kinds = await kindsOf(tx, tenantId, served);
      const rows = await ledgerRows(tx, tenantId, proxy.id);
      return {
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
        sync: syncOf(kinds, rows, served !== null && progress?.convergedHash === served),
        converged,
      };
    });
  }
}

async function kindsOf(tx: Transaction, tenantId: string, snapshot: string | null): Promise<ReadonlySet<ResourceKind>> {
  const rows = await tx.query<{ kind: ResourceKind }>(
    `select distinct e.kind from snapshots s cross join lateral jsonb_to_recordset(s.resources) as e (kind text)
      where s.tenant_id = $1 and s.hash = $2`,
    [tenantId, snapshot],
  );
  return new Set(rows.map(({ kind }) => kind));
}

/** What the newest live stream of the proxy, or its last one, has in the ledger. */
function ledgerRows(tx: Transaction, tenantId: string, proxyId: string): Promise<LedgerRow[]> {
  // Compared here: a Date has milliseconds only.
  return tx.query(
    `select a.kind, a.sent_version, a.sent_at, a.acked_version, a.acked_at, a.nacked_at, a.error_code, a.error_message,
            coalesce(a.acked_at >= coalesce(a.sent_at, '-infinity'), false) as is_acked,
            coalesce(a.nacked_at > coalesce(a.acked_at, '-infinity'), false) as is_refused
       from resource_acknowledgements a
      where a.tenant_id = $1 and a.stream_id = (
        select s.id from xds_streams s cross join lateral (select ${IS_LIVE} as is_live) live
         where s.tenant_id = $1 and s.proxy_id = $2
         order by live.is_live desc, s.connected_at desc, s.id desc limit 1)`,
    [tenantId, proxyId],
  );
}

function connectionOf(progress: ProxyProgress | undefined, status: string | undefined): ProxySyncView['connection'] {
  if (progress?.connected) return 'connected';
  return status === undefined || status === 'never_seen' ? 'never_seen' : 'disconnected';
}

function syncOf(
  served: ReadonlySet<ResourceKind>,
  rows: readonly LedgerRow[],
  hasAll: boolean,
): Partial<Record<ResourceKind, TypeSync>> {
  const sync: Partial<Record<ResourceKind, TypeSync>> = {};
  for (const { kind } of RESOURCE_TYPES) {
    const row = rows.find((candidate) => candidate.kind === kind);
    if (row || served.has(kind)) sync[kind] = typeSync(row, hasAll);
  }
  return sync;
}

function typeSync(row: LedgerRow | undefined, hasAll: boolean): TypeSync {
  return {
    state: stateOf(row, hasAll),
    sentVersion: row?.sent_version ?? null,
    sentAt: row?.sent_at ?? null,
    ackedVersion: row?.acked_version ?? null,
    ackedAt: row?.acked_at ?? null,
    ...(row?.is_refused && row.nacked_at
      ? { error: { code: row.error_code ?? 0, message: row.error_message ?? '', at: row.nacked_at } }
      : {}),
  };
}

function stateOf(row: LedgerRow | undefined, hasAll: boolean): TypeSync['state'] {
  if (row?.is_refused) return 'ERROR';
  // Whoever proved on connecting to have everything was sent nothing.
  if (hasAll || row?.is_acked) return 'SYNCED';
  return row?.sent_at ? 'STALE' : 'NOT_SENT';
}
