import { Injectable, Logger, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { Actor } from '../context/request-context.js';
import { newId } from '../context/ids.js';
import { Database, type Transaction } from '../database/database.js';

/** One refusal. `action` and `reason` are fixed texts, never what a client sent: repeats are folded by them. */
export interface DeniedAccess {
  /** Null where the credential leads to no tenant: an event of the platform. */
  readonly tenantId: string | null;
  readonly actor: Actor;
  readonly action: string;
  readonly resourceType: string;
  readonly resourceId?: string;
  readonly reason: string;
  readonly ip?: string;
  readonly userAgent?: string;
  readonly requestId?: string;
}

interface Fold {
  readonly denied: DeniedAccess;
  /** Refusals since the last row; zero right after one. */
  repeats: number;
}

const FOLD_INTERVAL_MS = 60_000;
/** Most sources told apart in a minute. What is beyond is counted together, so that a flood costs neither memory nor rows. */
const MAX_FOLDS = 1000;

const OVERFLOW: DeniedAccess = {
  tenantId: null,
  actor: { kind: 'system', id: null, name: 'many sources' },
  action: 'access',
  resourceType: 'platform',
  reason: 'more sources were refused in a minute than are told apart',
};

/**
 * Writes refusals to the audit log, each row in a transaction of its own, for the refused work has none. The first refusal of a
 * tenant, source (address and actor), action and reason is written at once; repeats are counted and written as one row a minute. Nothing here
 * throws into, or delays, the caller: an audit row that cannot be written is counted on and tried again with the next minute.
 */
@Injectable()
export class DeniedAccessLog implements OnModuleInit, BeforeApplicationShutdown {
  private readonly log = new Logger(DeniedAccessLog.name);
  private readonly folds = new Map<string, Fold>();
  private pending: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly database: Database) {}

  onModuleInit(): void {
    this.timer = setInterval(() => void this.flush(), FOLD_INTERVAL_MS).unref();
  }

  /** The phase before the one in which the database closes. */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.flush();
  }

  record(denied: DeniedAccess): void {
    const key = keyOf(denied);
    const known = this.folds.get(key);
    if (known) {
      known.repeats += 1;
      return;
    }
    if (this.folds.size >= MAX_FOLDS && denied !== OVERFLOW) {
      this.record(OVERFLOW);
      return;
    }
    const fold: Fold = { denied, repeats: 1 };
    this.folds.set(key, fold);
    this.enqueue(fold);
  }

  /** Writes what was folded, and forgets the sources that were quiet since the last time. Resolves when all is written. */
  flush(): Promise<void> {
    for (const [key, fold] of this.folds) {
      if (fold.repeats === 0) this.folds.delete(key);
      else this.enqueue(fold);
    }
    return this.pending;
  }

  /** One write at a time: refusals must not take the connections that other work needs. */
  private enqueue(fold: Fold): void {
    this.pending = this.pending.then(() => this.database.apart(() => this.write(fold)));
  }

  private async write(fold: Fold): Promise<void> {
    const count = fold.repeats;
    if (count === 0) return;
    fold.repeats = 0;
    const { tenantId } = fold.denied;
    try {
      await (tenantId === null
        ? this.database.system((tx) => insert(tx, fold.denied, count))
        : this.database.tenant({ tenantId }, (tx) => insert(tx, fold.denied, count)));
    } catch (error) {
      fold.repeats += count;
      const reason = error instanceof Error ? error.message : String(error);
      this.log.warn({ reason, action: fold.denied.action }, 'a refusal could not be audited yet');
    }
  }
}

const keyOf = ({ tenantId, actor, action, reason, ip }: DeniedAccess): string =>
  JSON.stringify([tenantId, ip, actor.kind, actor.id, action, reason]);

async function insert(tx: Transaction, denied: DeniedAccess, count: number): Promise<void> {
  const { tenantId, actor, action, resourceType, resourceId, reason, ip, userAgent, requestId } = denied;
  await tx.query(
    `insert into audit_logs (id, tenant_id, actor_kind, actor_id, actor_name, action, resource_type, resource_id, changes,
                             ip_address, user_agent, request_id, outcome)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10::inet, $11, $12, 'denied')`,
    [
      newId(),
      tenantId,
      actor.kind,
      actor.id,
      actor.name,
      action,
      resourceType,
      resourceId ?? null,
      JSON.stringify({ reason, count }),
      ip ?? null,
      userAgent ?? null,
      requestId ?? null,
    ],
  );
}
