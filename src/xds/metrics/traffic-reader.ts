import { Injectable } from '@nestjs/common';
import type { Transaction } from '../../common/database/database.js';
import { Conditions, type ListDefinition, type ListPage, type Placed } from '../../common/http/list.js';
import type { Page } from '../../common/http/page.js';
import { type Buckets, type Latency, latencyOf } from './percentiles.js';
import { HOUR, type TrafficWindow } from './traffic-window.js';

/** What traffic is told apart by. */
export type TrafficSeries = 'cluster' | 'locality' | 'snapshot';

/** Whose traffic, and which of it. What is left out narrows nothing. */
export interface TrafficSelection {
  readonly proxyIds?: readonly string[];
  /** Only while a proxy had this snapshot in full. */
  readonly snapshot?: string;
  readonly cluster?: string;
  readonly window: TrafficWindow;
  readonly by?: TrafficSeries;
}

/** What came of requests in one step of one series. Where nothing was reported there is none. */
export interface TrafficPoint {
  readonly at: Date;
  /** The cluster, `region/zone/subZone`, or the hash of the snapshot, empty while that changed; null where nothing is told apart. */
  readonly series: string | null;
  /** Requests that came to an end. */
  readonly requests: number;
  /** Of them in a second. */
  readonly rate: number;
  readonly errors: number;
  /** Share of the requests, from 0 to 1; null where there were none. */
  readonly errorRate: number | null;
  readonly dropped: number;
  /** Null where no histograms were reported. */
  readonly latency: Latency | null;
}

interface Row extends Placed {
  readonly at: Date;
  readonly series: string;
  readonly successes: string;
  readonly errors: string;
  readonly dropped: string;
  readonly buckets: Buckets | null;
}

export const TRAFFIC_LIST: ListDefinition = {
  name: 'traffic',
  keys: { at: { column: 't.at', type: 'timestamptz' }, series: { column: 't.series', type: 'text' } },
  defaultSort: 'at,series',
  id: { column: 't.series', type: 'text' },
};

/** SQL over rows of traffic. */
const SERIES: Readonly<Record<TrafficSeries | 'all', string>> = {
  all: "''",
  cluster: 'm.cluster',
  locality: "concat_ws('/', m.region, m.zone, m.sub_zone)",
  snapshot: "coalesce(m.snapshot_hash, '')",
};

/** Reads what proxies reported: sums by the minute, or from rollups where steps are hours. */
@Injectable()
export class TrafficReader {
  /** Points by time and series, in the transaction of their tenant. */
  async read(
    tx: Transaction,
    tenantId: string,
    selection: TrafficSelection,
    page: ListPage,
  ): Promise<Page<TrafficPoint>> {
    const { window, by } = selection;
    const conditions = new Conditions();
    const sql = traffic(conditions, tenantId, selection);
    page.addTo(conditions);
    const order = page.order;
    const rows = await tx.query<Row>(
      `select t.at, t.series, t.successes, t.errors, t.dropped, t.buckets, ${page.placeColumn}
         from (${sql}) t where ${conditions.sql} ${order}`,
      conditions.params,
    );
    return page.page(rows, (row) => pointOf(row, window, by));
  }
}

/** SQL for the points of a selection. */
function traffic(conditions: Conditions, tenantId: string, selection: TrafficSelection): string {
  const { window, by = 'all' } = selection;
  const step = `${conditions.param(window.step)} * interval '1 ms'`;
  const at = `date_bin(${step}, m.starts_at, 'epoch')`;
  const where = whereOf(conditions, tenantId, selection);
  const from = (table: string): string => rowsOf(table, where, window.step >= HOUR);
  // How long requests took is not known by locality.
  const tookOf = by === 'locality' ? 'where false' : '';
  return `
    select at, series, coalesce(l.successes, 0) as successes, coalesce(l.errors, 0) as errors, coalesce(l.dropped, 0) as dropped, h.buckets
      from (select ${at} as at, ${SERIES[by]} as series,
                   sum(m.successes) as successes, sum(m.errors) as errors, sum(m.dropped) as dropped
              from (${from('cluster_metrics')}) m group by 1, 2) l
      full join (
        select at, series, jsonb_agg(jsonb_build_array(bound, count) order by bound) as buckets
          from (select ${at} as at, ${by === 'locality' ? "''" : SERIES[by]} as series,
                       (b ->> 0)::float8 as bound, sum((b ->> 1)::bigint) as count
                  from (${from('cluster_latencies')}) m cross join lateral jsonb_array_elements(m.buckets) b ${tookOf}
                 group by 1, 2, 3) counted group by 1, 2) h using (at, series)`;
}

function whereOf(conditions: Conditions, tenantId: string, selection: TrafficSelection): string {
  const { proxyIds, snapshot, cluster, window } = selection;
  const where = new Conditions();
  const param = (value: unknown): string => conditions.param(value);
  where.add(`m.tenant_id = ${param(tenantId)}`);
  where.add(`m.starts_at >= ${param(new Date(window.from))} and m.starts_at < ${param(new Date(window.to))}`);
  if (proxyIds) where.add(`m.proxy_id = any (${param(proxyIds)}::uuid[])`);
  if (snapshot !== undefined) where.add(`m.snapshot_hash = ${param(snapshot)}`);
  if (cluster !== undefined) where.add(`m.cluster = ${param(cluster)}`);
  return where.sql;
}

/** Rows of minutes; or of hours as far as they are rolled up, and of minutes from there on. */
function rowsOf(table: string, where: string, isByHour: boolean): string {
  if (!isByHour) return `select m.* from ${table} m where ${where}`;
  const until = "coalesce((select rolled_until from traffic_rollups), '-infinity')";
  return `select m.* from ${table}_hourly m where ${where} and m.starts_at < ${until}
          union all select m.* from ${table} m where ${where} and m.starts_at >= ${until}`;
}

function pointOf(row: Row, window: TrafficWindow, by: TrafficSeries | undefined): TrafficPoint {
  const errors = Number(row.errors);
  const requests = Number(row.successes) + errors;
  const begin = row.at.getTime();
  const seconds = Math.max(60_000, Math.min(begin + window.step, window.to, window.known) - begin) / 1000;
  return {
    at: row.at,
    series: by === undefined ? null : row.series,
    requests,
    rate: Math.round((requests / seconds) * 1000) / 1000,
    errors,
    errorRate: requests === 0 ? null : errors / requests,
    dropped: Number(row.dropped),
    latency: latencyOf(row.buckets ?? []),
  };
}
