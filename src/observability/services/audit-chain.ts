import {
  Inject,
  Injectable,
  Optional,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Database, type Transaction } from '../../common/database/database.js';
import { fence, type Lease, Leases } from '../../common/database/leases.js';
import { LeasedJob } from '../../common/jobs/leased-job.js';
import { exactTime, FIRST_HASH, linkedText, linkHash, PLATFORM_CHAIN } from './audit-links.js';

/** Milliseconds between two looks for rows that are not chained yet. */
const AUDIT_CHAIN_INTERVAL = Symbol('efms:audit-chain-interval');
export const AUDIT_CHAIN_LEASE = 'audit-chain';

const INTERVAL_MS = 2_000;
const LEASE_TTL_MS = 30_000;
/** Rows in one transaction. */
const BATCH = 1000;

interface UnlinkedRow {
  readonly xid: string;
  readonly at: string;
  readonly id: string;
  readonly tenant: string;
  readonly text: string;
  readonly isLinked: boolean;
}

interface Head {
  readonly number: bigint;
  readonly hash: Buffer;
}

interface Link extends Head {
  readonly row: UnlinkedRow;
}

/**
 * Chains the audit log: a link for each row, in the order of the transactions that wrote them. One replica at a time does it, under a
 * lease; the lock on the position and the key of the links keep even a replica that lost the lease unnoticed from forking a chain.
 */
@Injectable()
export class AuditChain implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly job: LeasedJob;

  constructor(
    @Inject(Database) private readonly database: Database,
    @Optional() @Inject(AUDIT_CHAIN_INTERVAL) every: number = INTERVAL_MS,
  ) {
    const settings = { name: AUDIT_CHAIN_LEASE, every, leaseTtl: LEASE_TTL_MS };
    this.job = new LeasedJob(new Leases(database), settings, async (lease) =>
      (await this.extend(lease, BATCH)) === BATCH ? 'more' : 'done',
    );
  }

  onApplicationBootstrap(): void {
    this.job.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.job.stop();
  }

  /**
   * Chains the next rows. Rows of transactions above the oldest one that still runs wait: one that commits later may come before them.
   * @returns how many rows were looked at, at most `limit`
   * @throws LeaseLost
   */
  extend(lease: Lease, limit: number): Promise<number> {
    return this.database.system(async (tx) => {
      await fence(tx, lease);
      const rows = await nextRows(tx, limit);
      const last = rows.at(-1);
      if (!last) return 0;
      // A row that was taken out and put back under a new transaction has its link already.
      const unlinked = rows.filter((row) => !row.isLinked);
      const links = chain(unlinked, await headsOf(tx, unlinked));
      await store(tx, links);
      await tx.query('update audit_chain_position set xid = $1, audit_created_at = $2, audit_id = $3', [
        last.xid,
        last.at,
        last.id,
      ]);
      return rows.length;
    });
  }
}

async function nextRows(tx: Transaction, limit: number): Promise<UnlinkedRow[]> {
  const [position] = await tx.query<{ xid: string; at: string; id: string }>(
    'select xid, audit_created_at::text as at, audit_id as id from audit_chain_position for update',
  );
  if (!position) throw new Error('audit_chain_position has lost its row');
  return tx.query<UnlinkedRow>(
    `select a.xid, ${exactTime('a.created_at')} as at, a.id, coalesce(a.tenant_id, $4::uuid) as tenant, ${linkedText('a')} as text,
            -- With a limit it is looked up row by row, whatever the planner thinks of the size of the chain.
            (select true from audit_chain c where c.tenant_id = coalesce(a.tenant_id, $4::uuid)
                and c.audit_created_at = a.created_at and c.audit_id = a.id limit 1) is not null as "isLinked"
       from audit_logs a
      where (a.xid, a.created_at, a.id) > ($1::xid8, $2::timestamptz, $3::uuid)
        and a.xid < pg_snapshot_xmin(pg_current_snapshot())
      order by a.xid, a.created_at, a.id limit $5`,
    [position.xid, position.at, position.id, PLATFORM_CHAIN, limit],
  );
}

async function headsOf(tx: Transaction, rows: readonly UnlinkedRow[]): Promise<Map<string, Head>> {
  const heads = await tx.query<{ tenant: string; number: string; hash: Buffer }>(
    `select t.id as tenant, head.number, head.hash from unnest($1::uuid[]) t(id) cross join lateral
       (select number, hash from audit_chain where tenant_id = t.id order by number desc limit 1) head`,
    [[...new Set(rows.map((row) => row.tenant))]],
  );
  return new Map(heads.map(({ tenant, number, hash }) => [tenant, { number: BigInt(number), hash }]));
}

function chain(rows: readonly UnlinkedRow[], heads: Map<string, Head>): Link[] {
  return rows.map((row) => {
    const head = heads.get(row.tenant) ?? { number: 0n, hash: FIRST_HASH };
    const link = { row, number: head.number + 1n, hash: linkHash(head.hash, row.text) };
    heads.set(row.tenant, link);
    return link;
  });
}

async function store(tx: Transaction, links: readonly Link[]): Promise<void> {
  await tx.query(
    `insert into audit_chain (tenant_id, number, audit_created_at, audit_id, hash)
     select l.tenant_id, l.number, l.at, l.id, decode(l.hash, 'hex')
       from unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::uuid[], $5::text[]) as l (tenant_id, number, at, id, hash)`,
    [
      links.map(({ row }) => row.tenant),
      links.map(({ number }) => number.toString()),
      links.map(({ row }) => row.at),
      links.map(({ row }) => row.id),
      links.map(({ hash }) => hash.toString('hex')),
    ],
  );
}
