import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../common/database/database.js';
import { isRefusedContent } from '../../common/database/errors.js';
import { IS_LIVE } from '../ledger/live-streams.js';
import type { ProxyMinute } from './traffic-minutes.js';
import { TrafficRefused, TrafficSink } from './traffic-writer.js';

/**
 * SQL: what a proxy of `u` had in full all the while. Where this replica does not know, the ledger does: its newest live stream had it
 * before the minute began, and still has.
 */
const SNAPSHOT = `case when not u.is_elsewhere then u.snapshot_hash else (
  select case when newest.converged_at <= u.starts_at then newest.converged_hash end from (
    select s.converged_hash, s.converged_at from xds_streams s
     where s.tenant_id = u.tenant_id and s.proxy_id = u.proxy_id and ${IS_LIVE}
     order by s.connected_at desc, s.id desc limit 1) newest) end`;

/** Traffic in PostgreSQL, written as `efms_system`. */
@Injectable()
export class PostgresTraffic extends TrafficSink {
  constructor(private readonly database: Database) {
    super();
  }

  override async time(): Promise<number> {
    const [now] = await this.database.system((tx) =>
      tx.query<{ ms: string }>('select extract(epoch from clock_timestamp()) * 1000 as ms'),
    );
    return Number(now?.ms);
  }

  override async write(minutes: readonly ProxyMinute[]): Promise<number> {
    try {
      return await this.database.system(
        async (tx) => (await writeLoads(tx, minutes)) + (await writeLatencies(tx, minutes)),
      );
    } catch (error) {
      throw isRefusedContent(error) ? new TrafficRefused('the rows are refused', { cause: error }) : error;
    }
  }
}

/** The first parameters of both statements. */
function sourcesOf(minutes: readonly ProxyMinute[]): unknown[] {
  return [
    minutes.map(({ tenantId }) => tenantId),
    minutes.map(({ proxyId }) => proxyId),
    minutes.map(({ startsAt }) => new Date(startsAt)),
    minutes.map(({ snapshot }) => snapshot ?? null),
    minutes.map(({ snapshot }) => snapshot === undefined),
  ];
}

async function writeLoads(tx: Transaction, minutes: readonly ProxyMinute[]): Promise<number> {
  const rows = minutes.flatMap((minute) => [...minute.loads.values()].map((load) => ({ minute, load })));
  if (rows.length === 0) return 0;
  await tx.query(
    `insert into cluster_metrics (tenant_id, proxy_id, starts_at, snapshot_hash, id, cluster, region, zone, sub_zone, successes, errors, dropped)
     select u.tenant_id, u.proxy_id, u.starts_at, ${SNAPSHOT}, u.id, u.cluster, u.region, u.zone, u.sub_zone, u.successes, u.errors, u.dropped
       from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[], $5::boolean[], $6::uuid[], $7::text[], $8::text[], $9::text[],
                   $10::text[], $11::bigint[], $12::bigint[], $13::bigint[])
         as u (tenant_id, proxy_id, starts_at, snapshot_hash, is_elsewhere, id, cluster, region, zone, sub_zone, successes, errors, dropped)
     on conflict do nothing`,
    [
      ...sourcesOf(rows.map(({ minute }) => minute)),
      rows.map(({ load }) => load.id),
      rows.map(({ load }) => load.cluster),
      rows.map(({ load }) => load.region),
      rows.map(({ load }) => load.zone),
      rows.map(({ load }) => load.subZone),
      rows.map(({ load }) => load.successes),
      rows.map(({ load }) => load.errors),
      rows.map(({ load }) => load.dropped),
    ],
  );
  return rows.length;
}

async function writeLatencies(tx: Transaction, minutes: readonly ProxyMinute[]): Promise<number> {
  const rows = minutes.flatMap((minute) => [...minute.latencies.values()].map((latency) => ({ minute, latency })));
  if (rows.length === 0) return 0;
  await tx.query(
    `insert into cluster_latencies (tenant_id, proxy_id, starts_at, snapshot_hash, id, cluster, buckets)
     select u.tenant_id, u.proxy_id, u.starts_at, ${SNAPSHOT}, u.id, u.cluster, u.buckets
       from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[], $5::boolean[], $6::uuid[], $7::text[], $8::jsonb[])
         as u (tenant_id, proxy_id, starts_at, snapshot_hash, is_elsewhere, id, cluster, buckets)
     on conflict do nothing`,
    [
      ...sourcesOf(rows.map(({ minute }) => minute)),
      rows.map(({ latency }) => latency.id),
      rows.map(({ latency }) => latency.cluster),
      rows.map(({ latency }) => bucketsJson(latency.buckets)),
    ],
  );
  return rows.length;
}

/** By their bounds, rising; JSON has no number for a bound that nothing lies above. */
function bucketsJson(buckets: ReadonlyMap<number, number>): string {
  const rising = [...buckets].sort(([a], [b]) => a - b);
  return JSON.stringify(rising.map(([bound, count]) => [Number.isFinite(bound) ? bound : null, count]));
}
