import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../common/database/database.js';
import { type ProxyKey, proxyKeyText } from '../../infrastructure/index.js';
import { type Arrival, type ArrivalVerdict, CRASH_MS, judgeArrival } from './arrival.js';
import { type Hold, hold, lockAssignments, type QuarantineReason, triedWith } from './quarantine-rows.js';
import { Quarantines } from './quarantines.js';
import type { Target } from './targets.js';

/** How many processes of a proxy are remembered: more than ever live at once. */
const BOOT_IDS = 8;

/** A stream that a proxy opened. */
export interface ArrivedStream extends ProxyKey, Arrival {
  /** The proxy's stream before it, where it ended on this replica a short while ago: the ledger may not have written it yet. */
  readonly before?: EndedStream | undefined;
}

export interface EndedStream {
  readonly bootId: string | null;
  /** The snapshot that it was served last. */
  readonly hash: string | null;
}

interface Row extends ProxyKey {
  readonly snapshotHash: string | null;
  readonly served: string | null;
  readonly sentForMs: number | null;
  readonly wasSent: boolean;
  readonly goodRanMs: number | null;
  readonly hasProcess: boolean;
  readonly bootId: string | null;
  readonly bootIds: readonly string[];
  readonly streamId: string | null;
  readonly crashHash: string | null;
  readonly crashes: number;
  readonly longestMs: number;
  readonly hasAcknowledged: boolean;
  readonly heldReason: QuarantineReason | null;
  readonly heldVersion: string | null;
}

interface Judged {
  readonly arrived: ArrivedStream;
  readonly row: Row;
  readonly verdict: ArrivalVerdict;
}

/** Whether a stream may be of a process that was not seen before, or of another build, which something depends on. */
export function isNoteworthy(arrived: Arrival, { process, held }: Target): boolean {
  if (!process) return true;
  if (held?.reason === 'nack' && held.envoyVersion !== arrived.envoyVersion) return true;
  return arrived.bootId === null ? arrived.claimsNothing : arrived.bootId !== process.bootId;
}

/**
 * What a new process of a proxy means for what it is served, decided and written before it is sent anything: a snapshot that took two
 * of them down is held back, and one that another process or another build of Envoy refused is offered once more (SPEC.md §4.5).
 */
@Injectable()
export class Arrivals {
  constructor(
    private readonly database: Database,
    private readonly quarantines: Quarantines,
  ) {}

  /** Judges the newest of the streams of each proxy. What their proxies are to be served may have changed afterwards. */
  async judge(streams: readonly ArrivedStream[]): Promise<void> {
    const newest = [...new Map(streams.map((one) => [proxyKeyText(one), one])).values()];
    if (newest.length === 0) return;
    await this.database.system(async (tx) => {
      await lockAssignments(tx, newest);
      const rows = new Map((await read(tx, newest)).map((row) => [proxyKeyText(row), row]));
      const judged = newest.flatMap((arrived): Judged[] => {
        const row = rows.get(proxyKeyText(arrived));
        return row
          ? [{ arrived, row, verdict: judgeArrival(arrived, priorOf(row), servedOf(row, arrived.before)) }]
          : [];
      });
      await writeProcesses(
        tx,
        judged.filter(({ verdict }) => verdict.isNewProcess),
      );
      const loops = judged.filter(({ verdict }) => verdict.isCrashLoop).map(crashLoop);
      await forgetGood(tx, loops);
      await hold(tx, loops);
      const offered = judged.filter(isOfferedAgain).map(({ arrived, row }) => ({
        tenantId: arrived.tenantId,
        proxyId: arrived.proxyId,
        snapshotHash: row.snapshotHash ?? '',
      }));
      await this.quarantines.release(tx, offered, 'new_process');
    });
  }
}

/** What was refused is tried by the next process, what crashes is not. */
function isOfferedAgain({ arrived, row, verdict }: Judged): boolean {
  return row.heldReason === 'nack' && (verdict.isNewProcess || row.heldVersion !== arrived.envoyVersion);
}

function crashLoop({ arrived, row }: Judged): Hold {
  return {
    tenantId: arrived.tenantId,
    proxyId: arrived.proxyId,
    snapshotHash: row.served ?? '',
    reason: 'crash_loop',
    cause: 'content',
    refusal: null,
    bootId: arrived.bootId,
    envoyVersion: arrived.envoyVersion,
    at: performance.now(),
  };
}

const priorOf = (row: Row): Parameters<typeof judgeArrival>[1] => (row.hasProcess ? row : null);

function servedOf(
  { served, sentForMs, wasSent, goodRanMs, bootId }: Row,
  before: EndedStream | undefined,
): Parameters<typeof judgeArrival>[2] {
  if (served === null || sentForMs === null) return null;
  const isSeen = before?.hash === served && before.bootId === bootId;
  return { hash: served, sentForMs, wasSent: wasSent || isSeen, goodRanMs };
}

/**
 * The proxies as they are before these streams. A snapshot can have been sent to a process from when it was assigned or offered again,
 * or the process came, whichever is later; and to that process alone whose stream lived then and served it. That it lived is not enough:
 * of a replica that was killed every stream seems to.
 */
async function read(tx: Transaction, streams: readonly ArrivedStream[]): Promise<Row[]> {
  return tx.query<Row>(
    `select h.tenant_id as "tenantId", h.proxy_id as "proxyId", a.snapshot_hash as "snapshotHash",
            case when not coalesce(q.held, false) then a.snapshot_hash end as served,
            (extract(epoch from clock_timestamp() - sent.at) * 1000)::float8 as "sentForMs",
            case when a.good_hash <> a.snapshot_hash
                 then (extract(epoch from target.at - a.good_at) * 1000)::float8
                 when a.prior_good_hash <> a.snapshot_hash
                  and (clock_timestamp() - a.good_at <= $4 * interval '1 millisecond' or (p.crash_hash = a.snapshot_hash and p.crashes > 0))
                 then a.prior_good_ran_ms end as "goodRanMs",
            exists (select from xds_streams s where s.tenant_id = h.tenant_id and s.proxy_id = h.proxy_id and s.id <> arrived.stream_id
                       and s.boot_id is not distinct from p.boot_id and s.serving_hash = a.snapshot_hash
                       and coalesce(s.ended_at, 'infinity') >= target.at) as "wasSent",
            exists (select from resource_acknowledgements r join xds_streams s on s.tenant_id = r.tenant_id and s.id = r.stream_id
                     where s.tenant_id = h.tenant_id and s.proxy_id = h.proxy_id and r.acked_at is not null) as "hasAcknowledged",
            p.proxy_id is not null as "hasProcess", p.boot_id as "bootId", p.stream_id as "streamId",
            -- A replica of an earlier release writes the newest alone.
            to_jsonb(array_remove(p.boot_id || array_remove(p.boot_ids, p.boot_id), null)) as "bootIds",
            p.crash_hash as "crashHash", coalesce(p.crashes, 0) as crashes, coalesce(p.longest_ms, 0)::float8 as "longestMs",
            case when q.held then q.reason end as "heldReason", q.envoy_version as "heldVersion"
       from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as arrived (tenant_id, proxy_id, stream_id)
       join proxy_heads h using (tenant_id, proxy_id)
       left join proxy_assignments a on a.tenant_id = h.tenant_id and a.proxy_id = h.proxy_id
       left join proxy_quarantines q
         on q.tenant_id = h.tenant_id and q.proxy_id = h.proxy_id and q.snapshot_hash = a.snapshot_hash
       left join proxy_processes p on p.tenant_id = h.tenant_id and p.proxy_id = h.proxy_id
       cross join lateral (select greatest(a.assigned_at, q.offered_at) as at) target
       cross join lateral (select greatest(target.at, p.started_at) as at) sent`,
    [
      streams.map(({ tenantId }) => tenantId),
      streams.map(({ proxyId }) => proxyId),
      streams.map(({ streamId }) => streamId),
      CRASH_MS,
    ],
  );
}

/** What takes processes down soon after they had it in full is no good snapshot; the one before it is, again. */
async function forgetGood(tx: Transaction, crashed: readonly Hold[]): Promise<void> {
  if (crashed.length === 0) return;
  await tx.query(
    `update proxy_assignments a
        set good_hash = a.prior_good_hash, good_at = clock_timestamp() - a.prior_good_ran_ms * interval '1 millisecond',
            prior_good_hash = null, prior_good_ran_ms = null, tried = ${triedWith('g.snapshot_hash')}
       from unnest($1::uuid[], $2::uuid[], $3::text[]) as g (tenant_id, proxy_id, snapshot_hash)
      where a.tenant_id = g.tenant_id and a.proxy_id = g.proxy_id and a.good_hash = g.snapshot_hash and a.prior_good_hash is not null`,
    [
      crashed.map(({ tenantId }) => tenantId),
      crashed.map(({ proxyId }) => proxyId),
      crashed.map(({ snapshotHash }) => snapshotHash),
    ],
  );
}

function bootIdsOf({ bootId }: ArrivedStream, { bootIds }: Row): readonly string[] {
  return [...(bootId === null ? [] : [bootId]), ...bootIds].slice(0, BOOT_IDS);
}

async function writeProcesses(tx: Transaction, judged: readonly Judged[]): Promise<void> {
  if (judged.length === 0) return;
  await tx.query(
    `insert into proxy_processes as p
       (tenant_id, proxy_id, boot_id, envoy_version, started_at, crash_hash, crashes, longest_ms, stream_id, boot_ids)
     select u.tenant_id, u.proxy_id, u.boot_id, u.envoy_version, clock_timestamp(), u.crash_hash, u.crashes, u.longest_ms, u.stream_id,
            array(select jsonb_array_elements_text(u.boot_ids))
       from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::float8[], $8::uuid[], $9::jsonb[])
         as u (tenant_id, proxy_id, boot_id, envoy_version, crash_hash, crashes, longest_ms, stream_id, boot_ids)
      order by u.tenant_id, u.proxy_id
     on conflict (tenant_id, proxy_id) do update
       set boot_id = excluded.boot_id, envoy_version = excluded.envoy_version, started_at = excluded.started_at,
           crash_hash = excluded.crash_hash, crashes = excluded.crashes, longest_ms = excluded.longest_ms,
           stream_id = excluded.stream_id, boot_ids = excluded.boot_ids`,
    [
      judged.map(({ arrived }) => arrived.tenantId),
      judged.map(({ arrived }) => arrived.proxyId),
      judged.map(({ arrived }) => arrived.bootId),
      judged.map(({ arrived }) => arrived.envoyVersion),
      judged.map(({ verdict }) => verdict.crashHash),
      judged.map(({ verdict }) => verdict.crashes),
      judged.map(({ verdict }) => verdict.longestMs),
      judged.map(({ arrived }) => arrived.streamId),
      judged.map(({ arrived, row }) => JSON.stringify(bootIdsOf(arrived, row))),
    ],
  );
}
