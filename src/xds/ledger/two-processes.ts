import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Database, type Transaction } from '../../common/database/database.js';
import { fence, type Lease, Leases } from '../../common/database/leases.js';
import { LeasedJob } from '../../common/jobs/leased-job.js';
import type { ProxyKey } from '../../infrastructure/index.js';
import { type ProxyFact, publish } from '../proxy-facts.js';
import { IS_LIVE } from './live-streams.js';

const EVERY_MS = 60_000;
const LEASE_MS = 120_000;

/** SQL: proxies with live streams of several processes, since when there have been two at a time, and which they are, the oldest first. */
const SEVERAL = `select tenant_id, proxy_id, (array_agg(since order by since))[2] as since, array_agg(boot_id order by since) as boot_ids
  from (select s.tenant_id, s.proxy_id, s.boot_id, min(s.connected_at) as since from xds_streams s
         where s.boot_id is not null and ${IS_LIVE} group by s.tenant_id, s.proxy_id, s.boot_id) process
 group by tenant_id, proxy_id having count(*) > 1`;

interface Together extends ProxyKey {
  readonly since: Date;
  readonly bootIds: readonly string[];
}

/**
 * Raises an alert where two processes are connected as one proxy for longer than any hot restart takes: two Envoys share a credential,
 * or an old one never went (SPEC.md §4.5). Events `proxy.two_processes` and, when it is over, `proxy.one_process`, once each.
 */
@Injectable()
export class TwoProcesses implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly job: LeasedJob;

  constructor(private readonly database: Database) {
    const settings = { name: 'two-processes', every: EVERY_MS, leaseTtl: LEASE_MS };
    this.job = new LeasedJob(new Leases(database), settings, async (lease) => {
      await this.look(lease);
      return 'done';
    });
  }

  onApplicationBootstrap(): void {
    this.job.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.job.stop();
  }

  /** One look at all proxies. @throws LeaseLost */
  async look(lease: Lease): Promise<void> {
    await this.database.system(async (tx) => {
      await fence(tx, lease);
      const begun = await begin(tx);
      const ended = await end(tx);
      await publish(tx, [
        ...begun.map(({ since, bootIds, ...proxy }): ProxyFact => ({
          ...proxy,
          type: 'proxy.two_processes',
          payload: { since, bootIds },
        })),
        ...ended.map((proxy): ProxyFact => ({ ...proxy, type: 'proxy.one_process', payload: {} })),
      ]);
    });
  }
}

function begin(tx: Transaction): Promise<Together[]> {
  return tx.query<Together>(
    `update proxy_status p set two_processes_since = several.since from (${SEVERAL}) several
      where p.tenant_id = several.tenant_id and p.proxy_id = several.proxy_id and p.two_processes_since is null
        and several.since <= clock_timestamp() - interval '15 minutes'
     returning p.tenant_id as "tenantId", p.proxy_id as "proxyId", several.since, several.boot_ids as "bootIds"`,
  );
}

function end(tx: Transaction): Promise<ProxyKey[]> {
  return tx.query<ProxyKey>(
    `update proxy_status p set two_processes_since = null
      where p.two_processes_since is not null and (p.tenant_id, p.proxy_id) not in (
        select tenant_id, proxy_id from (${SEVERAL}) several)
     returning p.tenant_id as "tenantId", p.proxy_id as "proxyId"`,
  );
}
