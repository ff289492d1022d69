import { type BeforeApplicationShutdown, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../../common/clock/clock.js';
import { Database } from '../../common/database/database.js';

interface Use {
  readonly tenantId: string;
  readonly at: Date;
}

const FLUSH_INTERVAL_MS = 10_000;

/** Remembers when API keys were last used, in batches: a request costs no write. A crash loses at most ten seconds of it. */
@Injectable()
export class ApiKeyUses implements OnModuleInit, BeforeApplicationShutdown {
  private readonly log = new Logger(ApiKeyUses.name);
  private uses = new Map<string, Use>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.timer = setInterval(() => void this.flush(), FLUSH_INTERVAL_MS).unref();
  }

  /** The phase before the one in which the database closes. */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.flush();
  }

  used(tenantId: string, apiKeyId: string): void {
    this.uses.set(apiKeyId, { tenantId, at: new Date(this.clock.now()) });
  }

  /** Writes what was noted. What cannot be written now is dropped: it is a hint for people, not a record. */
  async flush(): Promise<void> {
    if (this.uses.size === 0) return;
    const entries = [...this.uses];
    this.uses = new Map();
    try {
      await this.database.system((tx) =>
        // In one order everywhere, so that two replicas cannot wait in a circle.
        tx.query(
          `insert into api_key_status as known (tenant_id, api_key_id, last_used_at)
           select tenant_id, api_key_id, used_at from unnest($1::uuid[], $2::uuid[], $3::timestamptz[])
             as u (tenant_id, api_key_id, used_at) order by tenant_id, api_key_id
           on conflict (tenant_id, api_key_id) do update set last_used_at = greatest(known.last_used_at, excluded.last_used_at)`,
          [entries.map(([, use]) => use.tenantId), entries.map(([id]) => id), entries.map(([, use]) => use.at)],
        ),
      );
    } catch (error) {
      this.log.warn({ reason: String(error) }, 'the last use of API keys could not be written');
    }
  }
}
