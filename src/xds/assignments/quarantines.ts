import { Injectable, Logger } from '@nestjs/common';
import { Database, type Transaction } from '../../common/database/database.js';
import { fence, type Lease } from '../../common/database/leases.js';
import { isRefusedContent } from '../../common/database/errors.js';
import { Doorbell } from './doorbell.js';
import { type HeldSnapshot, type Hold, hold, type OfferReason, release } from './quarantine-rows.js';

const BATCH = 500;
const RETRY_MS = 1_000;
/** How long refusals are gathered: a bad version is refused by a whole fleet at once. */
const GATHER_MS = 10;

/**
 * Which snapshots are held back from which proxies (SPEC.md §4.5, "Last known good"). What a proxy is served follows from these rows and
 * from what it is assigned, on whatever replica it is; nothing here talks to a stream.
 */
@Injectable()
export class Quarantines {
  private readonly log = new Logger(Quarantines.name);
  /** Refusals that are not written yet; the newest per proxy and snapshot. */
  private readonly pending = new Map<string, Hold>();
  private writing: Promise<void> | undefined;
  private isFailing = false;
  private isStopped = false;

  constructor(
    private readonly database: Database,
    private readonly doorbell: Doorbell,
  ) {}

  /** Holds a snapshot back that a proxy refused; in the background, and again and again while the database is away. */
  refused(refusal: Hold): void {
    const key = `${refusal.tenantId}/${refusal.proxyId}/${refusal.snapshotHash}`;
    this.pending.set(key, refusal);
    this.writing ??= this.writeAll().finally(() => (this.writing = undefined));
  }

  /** Refusals that are not held back yet. */
  get backlog(): number {
    return this.pending.size;
  }

  /** Waits until all that was refused by now is held back. */
  async written(): Promise<void> {
    await this.writing;
  }

  /** Waits for what is being written, and tries no more. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await this.writing;
  }

  /** Offers what is due by itself. @returns whether there may be more @throws LeaseLost */
  async retryDue(lease: Lease): Promise<boolean> {
    const offered = await this.database.system(async (tx) => {
      await fence(tx, lease);
      const due = await tx.query<HeldSnapshot>(
        `select tenant_id as "tenantId", proxy_id as "proxyId", snapshot_hash as "snapshotHash" from proxy_quarantines
          where held and retry_at <= clock_timestamp() order by retry_at limit $1`,
        [BATCH],
      );
      return this.release(tx, due, 'retry');
    });
    return offered.length === BATCH;
  }

  /** Offers snapshots again in the caller's transaction; replicas look once it is committed. */
  async release(tx: Transaction, held: readonly HeldSnapshot[], why: OfferReason): Promise<readonly HeldSnapshot[]> {
    const released = await release(tx, held, why);
    if (released.length > 0) tx.afterCommit(() => this.doorbell.ring());
    return released;
  }

  private async writeAll(): Promise<void> {
    await pause(GATHER_MS);
    while (this.pending.size > 0) {
      const batch = [...this.pending].slice(0, BATCH);
      try {
        await this.write(batch.map(([, refusal]) => refusal));
        for (const [key, refusal] of batch) if (this.pending.get(key) === refusal) this.pending.delete(key);
        this.isFailing = false;
      } catch (error) {
        if (this.isStopped) return;
        if (!this.isFailing)
          this.log.warn({ err: error }, 'refused snapshots cannot be held back yet; it is tried again');
        this.isFailing = true;
        await pause(RETRY_MS);
      }
    }
  }

  private async write(batch: readonly Hold[]): Promise<void> {
    try {
      await this.database.system((tx) => hold(tx, batch));
    } catch (error) {
      if (!isRefusedContent(error)) throw error;
      // One of them can never be written; the others must not wait for it.
      const [first, ...others] = batch;
      if (others.length > 0) for (const one of batch) await this.write([one]);
      else this.log.error({ err: error, proxyId: first?.proxyId }, 'a refused snapshot cannot be held back');
    }
    this.doorbell.ring();
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref());
