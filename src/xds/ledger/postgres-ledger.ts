import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../common/database/database.js';
import { isRefusedContent } from '../../common/database/errors.js';
import { type ProxyKey, type ProxyStatusReport, ProxyStatusStore } from '../../infrastructure/index.js';
import { DatabaseClock } from './database-clock.js';
import { recordKnownGood } from './known-good.js';
import { type LedgerBatch, LedgerSink, RowRefused } from './ledger.js';
import { IS_LIVE, REPLICA_LEASE } from './live-streams.js';
import { Replica } from './replica.js';
import type { AcknowledgementRow, StreamRow } from './stream-record.js';

const SENT = ['sent_version', 'sent_hash', 'sent_at', 'resource_count'] as const;
const ACKED = ['acked_version', 'acked_at'] as const;
const NACKED = ['nacked_version', 'nacked_at', 'nacked_hash', 'error_code', 'error_message'] as const;
const COLUMNS = [...SENT, ...ACKED, ...NACKED];

/** SQL: per group of columns, what is newer of the row that is there (`a`) and the one that comes; equal or no time keeps it. */
const TAKE_NEWER = [SENT, ACKED, NACKED]
  .map((group) => {
    const at = group.find((column) => column.endsWith('_at')) ?? '';
    const isNewer = `coalesce(excluded.${at} > a.${at}, excluded.${at} is not null)`;
    return group.map((column) => `${column} = case when ${isNewer} then excluded.${column} else a.${column} end`);
  })
  .flat()
  .join(', ');

/** SQL: of the rows of a group, the columns of the newest, for rows `a` of one type. */
const NEWEST_OF_EACH = [SENT, ACKED, NACKED]
  .map((group) => {
    const at = group.find((column) => column.endsWith('_at')) ?? '';
    return group.map((column) => `(array_agg(a.${column} order by a.${at} desc nulls last))[1]`);
  })
  .flat()
  .join(', ');

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
      await this.writeStreams(tx, rows.streams);
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
      [this.replica.id, live],
    );
  }

  /** Streams of proxies that are deleted meanwhile are left out. */
  private async writeStreams(tx: Transaction, streams: readonly StreamRow[]): Promise<void> {
    if (streams.length === 0) return;
    await tx.query(
      `insert into xds_streams as s
         (replica, tenant_id, id, proxy_id, variant, peer, node_id, boot_id, envoy_version,
          connected_at, ended_at, serving_hash, converged_hash, converged_at, unmanaged, frozen)
       select $1, u.tenant_id, u.id, u.proxy_id, u.variant, u.peer, u.node_id, u.boot_id, u.envoy_version,
              to_timestamp(u.connected_at / 1000), to_timestamp(u.ended_at / 1000), u.serving_hash, u.converged_hash,
              to_timestamp(u.converged_at / 1000), u.unmanaged, u.frozen
         from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
                     $10::float8[], $11::float8[], $12::text[], $13::text[], $14::float8[], $15::boolean[], $16::boolean[])
           as u (tenant_id, id, proxy_id, variant, peer, node_id, boot_id, envoy_version,
                 connected_at, ended_at, serving_hash, converged_hash, converged_at, unmanaged, frozen)
        where exists (select from envoy_proxies p where p.tenant_id = u.tenant_id and p.id = u.proxy_id)
        order by u.tenant_id, u.id
       on conflict (tenant_id, id) do update
         set ended_at = excluded.ended_at, serving_hash = excluded.serving_hash, converged_hash = excluded.converged_hash,
             converged_at = excluded.converged_at, unmanaged = excluded.unmanaged, frozen = excluded.frozen`,
      [
        this.replica.id,
        streams.map((s) => s.tenantId),
        streams.map((s) => s.id),
        streams.map((s) => s.proxyId),
        streams.map((s) => s.variant),
        streams.map((s) => s.peer),
        streams.map((s) => s.nodeId),
        streams.map((s) => s.bootId),
        streams.map((s) => s.envoyVersion),
        streams.map((s) => s.connectedAt),
        streams.map((s) => s.endedAt),
        streams.map((s) => s.servingHash),
        streams.map((s) => s.convergedHash),
        streams.map((s) => s.convergedAt),
        streams.map((s) => s.unmanaged),
        streams.map((s) => s.frozen),
      ],
    );
  }
}

/** What a stream that was folded had of a type stays where it is newer. */
async function writeAcknowledgements(tx: Transaction, rows: readonly AcknowledgementRow[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.query(
    `insert into resource_acknowledgements as a (tenant_id, stream_id, kind, ${COLUMNS.join(', ')})
     select u.tenant_id, u.stream_id, u.kind, u.sent_version, u.sent_hash, to_timestamp(u.sent_at / 1000), u.resource_count,
            u.acked_version, to_timestamp(u.acked_at / 1000), u.nacked_version, to_timestamp(u.nacked_at / 1000), u.nacked_hash,
            u.error_code, u.error_message
       from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::float8[], $7::integer[], $8::text[], $9::float8[],
                   $10::text[], $11::float8[], $12::text[], $13::integer[], $14::text[])
         as u (tenant_id, stream_id, kind, ${COLUMNS.join(', ')})
      where exists (select from xds_streams s where s.tenant_id = u.tenant_id and s.id = u.stream_id)
      order by u.tenant_id, u.stream_id, u.kind
     on conflict (tenant_id, stream_id, kind) do update set ${TAKE_NEWER}`,
    [
      rows.map((r) => r.tenantId),
      rows.map((r) => r.streamId),
      rows.map((r) => r.kind),
      rows.map((r) => r.sentVersion),
      rows.map((r) => r.sentHash),
      rows.map((r) => r.sentAt),
      rows.map((r) => r.resourceCount),
      rows.map((r) => r.ackedVersion),
      rows.map((r) => r.ackedAt),
      rows.map((r) => r.nackedVersion),
      rows.map((r) => r.nackedAt),
      rows.map((r) => r.nackedHash),
      rows.map((r) => r.errorCode),
      rows.map((r) => r.errorMessage),
    ],
  );
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
     insert into resource_acknowledgements as a (tenant_id, stream_id, kind, ${COLUMNS.join(', ')})
     select a.tenant_id, g.newest, a.kind, ${NEWEST_OF_EACH}
       from gone g join resource_acknowledgements a on a.tenant_id = g.tenant_id and a.stream_id = g.id
      group by a.tenant_id, g.newest, a.kind
     on conflict (tenant_id, stream_id, kind) do update set ${TAKE_NEWER}`,
    [proxies.map(({ tenantId }) => tenantId), proxies.map(({ proxyId }) => proxyId)],
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
    [proxies.map(({ tenantId }) => tenantId), proxies.map(({ proxyId }) => proxyId)],
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
