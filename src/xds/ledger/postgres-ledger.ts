import { Injectable } from '@nestjs/common';
import { uuidArray } from '../../common/database/array-texts.js';
import { Database, type Transaction } from '../../common/database/database.js';
import { isRefusedContent } from '../../common/database/errors.js';
import { type ProxyKey, type ProxyStatusReport, ProxyStatusStore } from '../../infrastructure/index.js';
import { ACKNOWLEDGEMENT_COLUMNS, NEWEST_OF_EACH, TAKE_NEWER, writeAcknowledgements } from './acknowledgement-rows.js';
import { DatabaseClock } from './database-clock.js';
import { recordKnownGood } from './known-good.js';
import { type LedgerBatch, LedgerSink, RowRefused } from './ledger.js';
import { IS_LIVE, REPLICA_LEASE } from './live-streams.js';
import { Replica } from './replica.js';
import { writeStreams } from './stream-rows.js';

interface StatusRow {
  readonly tenant_id: string;
  readonly proxy_id: string;
  readonly is_live: boolean;
  readonly unmanaged: boolean;
  readonly frozen: boolean;
  readonly envoy_version: string | null;
  readonly boot_id: string | null;
  readonly at: Date;
  readonly replica: string;
}

/** The ledger in PostgreSQL, written as `efms_system`; and the status of proxies, which follows from it. */
@Injectable()
export class PostgresLedger extends LedgerSink {
  private readonly clock = new DatabaseClock();

  constructor(
    private readonly database: Database,
    private readonly statuses: ProxyStatusStore,
    private readonly replica: Replica,
  ) {
    super();
  }

  override async write(batch: LedgerBatch): Promise<void> {
    const reports = await this.writeRows(batch).catch((error: unknown) => {
      throw isRefusedContent(error) ? new RowRefused('the rows are refused', { cause: error }) : error;
    });
    await this.statuses.record(reports);
  }

  private writeRows(batch: LedgerBatch): Promise<ProxyStatusReport[]> {
    return this.database.system(async (tx) => {
      const asked = performance.now();
      const [now] = await tx.query<{ ms: string }>('select extract(epoch from clock_timestamp()) * 1000 as ms');
      const rows = batch.rows(this.clock.read(Number(now?.ms), asked, performance.now()));
      if (batch.live) await this.endOthers(tx, batch.live);
      await writeStreams(tx, this.replica.id, rows.streams);
      await writeAcknowledgements(tx, rows.acknowledgements);
      await recordKnownGood(tx, rows.streams);
      await fold(tx, rows.presence);
      return statusOf(tx, rows.presence);
    });
  }

  /**
   * Ends the streams of other replicas that are gone, whose ends nobody wrote, and drops the leases of those that are long gone.
   * Any replica may do it, at any time.
   * @returns the proxies that had such streams
   */
  async endDeadStreams(): Promise<ProxyKey[]> {
    const { proxies, reports } = await this.database.system(async (tx) => {
      const dead = await tx.query<{ tenant_id: string; proxy_id: string }>(
        `update xds_streams s set ended_at = clock_timestamp() where s.ended_at is null and s.replica <> $1 and not ${IS_LIVE}
         returning s.tenant_id, s.proxy_id`,
        [this.replica.id],
      );
      const keys = dead.map((row) => ({ tenantId: row.tenant_id, proxyId: row.proxy_id }));
      await tx.query(
        "delete from leases where starts_with(name, $1) and expires_at < clock_timestamp() - interval '1 day'",
        [REPLICA_LEASE],
      );
      await fold(tx, keys);
      return { proxies: keys, reports: await statusOf(tx, keys) };
    });
    await this.statuses.record(reports);
    return proxies;
  }

  private async endOthers(tx: Transaction, live: readonly string[]): Promise<void> {
    await tx.query(
      `update xds_streams set ended_at = clock_timestamp() where replica = $1 and ended_at is null and id <> all ($2::uuid[])`,
      [this.replica.id, uuidArray(live)],
    );
  }
}

/** Hands what ended streams left in the ledger to the newest stream of their proxy, and removes them. */
async function fold(tx: Transaction, proxies: readonly ProxyKey[]): Promise<void> {
  if (proxies.length === 0) return;
  await tx.query(
    `with ranked as (
       select s.tenant_id, s.proxy_id, s.id, s.ended_at,
              first_value(s.id) over (partition by s.tenant_id, s.proxy_id order by s.connected_at desc, s.id desc) as newest
         from xds_streams s join unnest($1::uuid[], $2::uuid[]) as p (tenant_id, proxy_id) using (tenant_id, proxy_id)
     ), gone as (
       delete from xds_streams s using ranked r
        where s.tenant_id = r.tenant_id and s.id = r.id and r.id <> r.newest and r.ended_at is not null
       returning s.tenant_id, s.id, r.newest
     )
     insert into resource_acknowledgements as a (tenant_id, stream_id, kind, ${ACKNOWLEDGEMENT_COLUMNS})
     select a.tenant_id, g.newest, a.kind, ${NEWEST_OF_EACH}
       from gone g join resource_acknowledgements a on a.tenant_id = g.tenant_id and a.stream_id = g.id
      group by a.tenant_id, g.newest, a.kind
     on conflict (tenant_id, stream_id, kind) do update set ${TAKE_NEWER}`,
    [uuidArray(proxies.map(({ tenantId }) => tenantId)), uuidArray(proxies.map(({ proxyId }) => proxyId))],
  );
}

/** What the streams of these proxies say of them: connected by the newest that lives, or else disconnected with the last to end. */
async function statusOf(tx: Transaction, proxies: readonly ProxyKey[]): Promise<ProxyStatusReport[]> {
  if (proxies.length === 0) return [];
  const rows = await tx.query<StatusRow>(
    `select distinct on (s.tenant_id, s.proxy_id) s.tenant_id, s.proxy_id, live.is_live, s.unmanaged, s.frozen,
            s.envoy_version, s.boot_id,
            case when live.is_live then s.connected_at else coalesce(s.ended_at, clock_timestamp()) end as at,
            -- Only the replica that a proxy is taken to be connected to may say that it is not; nobody has said since who it is.
            case when live.is_live then s.replica else coalesce(status.replica, s.replica) end as replica
       from xds_streams s
       join unnest($1::uuid[], $2::uuid[]) as p (tenant_id, proxy_id) using (tenant_id, proxy_id)
       left join proxy_status status using (tenant_id, proxy_id)
       cross join lateral (select ${IS_LIVE} as is_live) live
      order by s.tenant_id, s.proxy_id, live.is_live desc,
               case when live.is_live then s.connected_at else s.ended_at end desc nulls first, s.id desc`,
    [uuidArray(proxies.map(({ tenantId }) => tenantId)), uuidArray(proxies.map(({ proxyId }) => proxyId))],
  );
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    proxyId: row.proxy_id,
    connection: row.is_live ? 'connected' : 'disconnected',
    management: managementOf(row),
    envoyVersion: row.envoy_version,
    bootId: row.boot_id,
    at: row.at,
    replica: row.replica,
  }));
}

function managementOf({ unmanaged, frozen }: StatusRow): ProxyStatusReport['management'] {
  if (frozen) return 'frozen';
  return unmanaged ? 'unmanaged' : 'managed';
}
