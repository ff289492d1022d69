import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from './database.js';
import type { DatabaseStats } from './database-stats.js';

/** The right to do one kind of work alone, until the database's clock passes its end. */
export interface Lease {
  readonly name: string;
  readonly owner: string;
  /** Rises with each change of owner, so that what an earlier owner decided can be told from what this one did. */
  readonly epoch: bigint;
}

/** Somebody else holds the lease now, or it ran out: the work must stop, and what this transaction wrote is rolled back. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';

  constructor(readonly lease: Lease) {
    super(`the lease ${lease.name} is no longer held by ${lease.owner} in epoch ${lease.epoch.toString()}`);
  }
}

/**
 * Leases in the database, on its clock alone, so that replicas whose clocks differ agree. Holding one is a guess between two looks; only
 * `fence` in the transaction that writes makes it certain.
 */
@Injectable()
export class Leases {
  constructor(private readonly database: Database) {}

  /** Where is counted what leases are held, and what is done under them. */
  get stats(): DatabaseStats {
    return this.database.stats;
  }

  /**
   * Takes a free or expired lease, or extends one's own. With a new owner the epoch rises.
   * @param owner names one life of one process: a restarted process must not take itself for its predecessor
   * @returns undefined while another owner holds it
   */
  async acquire(name: string, owner: string, ttlMs: number): Promise<Lease | undefined> {
    const lease = await this.database.system(async (tx) => {
      const [row] = await tx.query<{ epoch: string }>(
        `insert into leases as held (name, owner, epoch, expires_at)
         values ($1, $2, 1, clock_timestamp() + $3 * interval '1 ms')
         on conflict (name) do update
           set owner = excluded.owner,
               epoch = held.epoch + case when held.owner = excluded.owner then 0 else 1 end,
               expires_at = clock_timestamp() + $3 * interval '1 ms'
         where held.owner = excluded.owner or held.expires_at <= clock_timestamp()
         returning epoch`,
        [name, owner, ttlMs],
      );
      return row && { name, owner, epoch: BigInt(row.epoch) };
    });
    if (lease) this.stats.leases.add(name);
    else this.stats.leases.delete(name);
    return lease;
  }

  /** Extends a lease that is still held. @throws LeaseLost */
  async renew(lease: Lease, ttlMs: number): Promise<void> {
    await this.database.system(async (tx) => {
      const rows = await tx.query(
        `update leases set expires_at = clock_timestamp() + $4 * interval '1 ms'
          where name = $1 and owner = $2 and epoch = $3 and expires_at > clock_timestamp() returning 1 as renewed`,
        [lease.name, lease.owner, lease.epoch, ttlMs],
      );
      if (rows.length === 0) {
        this.stats.leases.delete(lease.name);
        throw new LeaseLost(lease);
      }
    });
  }

  /** Lets others take it at once. The row stays, so that epochs never repeat. Releasing a lost lease does nothing. */
  async release(lease: Lease): Promise<void> {
    this.stats.leases.delete(lease.name);
    await this.database.system((tx) =>
      tx.query(`update leases set expires_at = '-infinity' where name = $1 and owner = $2 and epoch = $3`, [
        lease.name,
        lease.owner,
        lease.epoch,
      ]),
    );
  }
}

/**
 * Proves, in the caller's transaction of either role, that the lease is held, and keeps it from being taken over until that transaction
 * ends. Call it first in every transaction that writes under the lease.
 * @throws LeaseLost
 */
export async function fence(tx: Transaction, lease: Lease): Promise<void> {
  const rows = await tx.query(
    `select 1 as held from leases
      where name = $1 and owner = $2 and epoch = $3 and expires_at > clock_timestamp() for share`,
    [lease.name, lease.owner, lease.epoch],
  );
  if (rows.length === 0) throw new LeaseLost(lease);
}
