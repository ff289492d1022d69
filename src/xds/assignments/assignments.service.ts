import { Injectable } from '@nestjs/common';
import type { RequestContext } from '../../common/context/request-context.js';
import type { Transaction } from '../../common/database/database.js';
import { lockSecretsOf } from '../secrets/secret-uses.js';
import { Doorbell } from './doorbell.js';
import { changeHeads, triedWith } from './quarantine-rows.js';
import { Quarantines } from './quarantines.js';

/** What a proxy is to serve. */
export interface Assignment {
  readonly proxyId: string;
  readonly snapshotHash: string;
  /** A value that `xds` keeps and gives back; it means something to whoever assigns. */
  readonly versionId: string | null;
}

export interface CurrentAssignment extends Assignment {
  readonly previousSnapshotHash: string | null;
  readonly previousVersionId: string | null;
  /** Database time. */
  readonly assignedAt: Date;
}

export interface AssignmentResult {
  /** Proxies that are to serve something else, or another version of the same, than before. */
  readonly changed: readonly string[];
  /** Proxies that do not exist (any more); nothing was written for them. */
  readonly missing: readonly string[];
}

interface Row {
  readonly proxy_id: string;
  readonly snapshot_hash: string;
  readonly version_id: string | null;
  readonly previous_snapshot_hash: string | null;
  readonly previous_version_id: string | null;
  readonly assigned_at: Date;
}

/** Which proxy serves what. What is given here reaches the proxy, whichever replica it is connected to. */
@Injectable()
export class Assignments {
  constructor(
    private readonly doorbell: Doorbell,
    private readonly quarantines: Quarantines,
  ) {}

  /**
   * Assigns snapshots in the caller's transaction, keeps what each proxy had as its previous one, and changes the heads, so that
   * the assignment and the news of it are one fact. An assignment equal to the present one changes nothing, one of a snapshot that is
   * held back from the proxy does not offer it again. Whoever assigns something to a proxy that is seen to be unmanaged takes it over.
   * Replicas look once the transaction is committed.
   * @param assignments at most one per proxy; of snapshots that the tenant has stored
   */
  async set(tx: Transaction, ctx: RequestContext, assignments: readonly Assignment[]): Promise<AssignmentResult> {
    if (assignments.length === 0) return { changed: [], missing: [] };
    await lockSecretsOf(tx, ctx.tenantId, [...new Set(assignments.map(({ snapshotHash }) => snapshotHash))]);
    const rows = await tx.query<{ proxy_id: string; changed: boolean }>(
      `with given as (
         select g.* from unnest($2::uuid[], $3::text[], $4::uuid[]) as g(proxy_id, snapshot_hash, version_id)
           join envoy_proxies p on p.tenant_id = $1 and p.id = g.proxy_id
          order by g.proxy_id for key share of p
       ), written as (
         insert into proxy_assignments as a
           (tenant_id, proxy_id, snapshot_hash, version_id, assigned_by_kind, assigned_by_id, assigned_by_name, tried, taken_over)
         select $1, proxy_id, snapshot_hash, version_id, $5, $6, $7, array[snapshot_hash],
                exists (select from proxy_status s where s.tenant_id = $1 and s.proxy_id = given.proxy_id and s.management = 'unmanaged')
           from given
         on conflict (tenant_id, proxy_id) do update
           set snapshot_hash = excluded.snapshot_hash, version_id = excluded.version_id,
               previous_snapshot_hash = a.snapshot_hash, previous_version_id = a.version_id, assigned_at = now(),
               tried = ${triedWith('excluded.snapshot_hash')}, taken_over = a.taken_over or excluded.taken_over,
               assigned_by_kind = excluded.assigned_by_kind, assigned_by_id = excluded.assigned_by_id,
               assigned_by_name = excluded.assigned_by_name
           where (a.snapshot_hash, a.version_id) is distinct from (excluded.snapshot_hash, excluded.version_id)
         returning proxy_id, snapshot_hash
       ), outdated as (
         select h.proxy_id, w.snapshot_hash from proxy_heads h join written w using (proxy_id)
          where h.tenant_id = $1 and h.assignment_hash is distinct from w.snapshot_hash
          order by h.proxy_id for update of h
       ), told as (
         update proxy_heads h set assignment_hash = o.snapshot_hash from outdated o
          where h.tenant_id = $1 and h.proxy_id = o.proxy_id
       )
       select g.proxy_id, w.proxy_id is not null as changed from given g left join written w using (proxy_id)`,
      [
        ctx.tenantId,
        assignments.map(({ proxyId }) => proxyId),
        assignments.map(({ snapshotHash }) => snapshotHash),
        assignments.map(({ versionId }) => versionId),
        ctx.actor.kind,
        ctx.actor.id,
        ctx.actor.name,
      ],
    );
    const changed = rows.filter((row) => row.changed).map((row) => row.proxy_id);
    if (changed.length > 0) tx.afterCommit(() => this.doorbell.ring());
    const known = new Set(rows.map((row) => row.proxy_id));
    return { changed, missing: assignments.map(({ proxyId }) => proxyId).filter((id) => !known.has(id)) };
  }

  /** Has these proxies offered once more a snapshot that is held back from them, on somebody's word. @returns to how many it is */
  async offerAgain(
    tx: Transaction,
    tenantId: string,
    proxyIds: readonly string[],
    snapshotHash: string,
  ): Promise<number> {
    const held = proxyIds.map((proxyId) => ({ tenantId, proxyId, snapshotHash }));
    return (await this.quarantines.release(tx, held, 'operator')).length;
  }

  /**
   * Has a proxy given what it is assigned, whatever it claims to have, until it has that in full.
   * @returns false where it has no assignment
   */
  async takeOver(tx: Transaction, tenantId: string, proxyId: string): Promise<boolean> {
    const rows = await tx.query(
      'update proxy_assignments set taken_over = true where tenant_id = $1 and proxy_id = $2 returning 1 as taken',
      [tenantId, proxyId],
    );
    if (rows.length === 0) return false;
    await changeHeads(tx, [{ tenantId, proxyId }]);
    tx.afterCommit(() => this.doorbell.ring());
    return true;
  }

  /** The assignments of those of the proxies that have one, by proxy. */
  async current(
    tx: Transaction,
    tenantId: string,
    proxyIds: readonly string[],
  ): Promise<Map<string, CurrentAssignment>> {
    const rows = await tx.query<Row>(
      `select proxy_id, snapshot_hash, version_id, previous_snapshot_hash, previous_version_id, assigned_at
         from proxy_assignments where tenant_id = $1 and proxy_id = any($2::uuid[])`,
      [tenantId, proxyIds],
    );
    return new Map(rows.map((row) => [row.proxy_id, toAssignment(row)]));
  }
}

function toAssignment(row: Row): CurrentAssignment {
  return {
    proxyId: row.proxy_id,
    snapshotHash: row.snapshot_hash,
    versionId: row.version_id,
    previousSnapshotHash: row.previous_snapshot_hash,
    previousVersionId: row.previous_version_id,
    assignedAt: row.assigned_at,
  };
}
