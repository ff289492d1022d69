import { Injectable } from '@nestjs/common';
import { Database } from '../../common/database/database.js';
import { type ProxyKey, proxyKeyText } from './proxy-heads.js';

export type Management = 'managed' | 'unmanaged' | 'frozen';

/** What the replica that serves a proxy knows about it. */
export interface ProxyStatusReport extends ProxyKey {
  readonly connection: 'connected' | 'disconnected';
  readonly management: Management;
  readonly envoyVersion: string | null;
  /** The `efms.boot_id` that the start command gave to the process. */
  readonly bootId: string | null;
  /** When the connection began or ended. */
  readonly at: Date;
  /** Id of the reporting replica. */
  readonly replica: string;
}

/** What proxies report, beside the rows that people edit. */
@Injectable()
export class ProxyStatusStore {
  constructor(private readonly database: Database) {}

  /**
   * Writes reports in one statement; of several for one proxy the last counts. That a proxy disconnected is believed only of the replica
   * it was last connected to, so a late farewell does not hide where the proxy has gone meanwhile. Proxies deleted meanwhile are
   * skipped.
   */
  async record(reports: readonly ProxyStatusReport[]): Promise<void> {
    const last = [...new Map(reports.map((report) => [proxyKeyText(report), report])).values()];
    if (last.length === 0) return;
    const columns = [
      last.map((r) => r.tenantId),
      last.map((r) => r.proxyId),
      last.map((r) => r.connection),
      last.map((r) => r.management),
      last.map((r) => r.envoyVersion),
      last.map((r) => r.bootId),
      last.map((r) => r.at),
      last.map((r) => r.replica),
    ];
    await this.database.system((tx) =>
      tx.query(
        `with report as (
           select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::text[])
             as r (tenant_id, proxy_id, connection, management, envoy_version, boot_id, at, replica)),
         locked as (
           select s.tenant_id, s.proxy_id from proxy_status s join report using (tenant_id, proxy_id)
            order by s.tenant_id, s.proxy_id for update of s)
         update proxy_status s
            set connection = r.connection, management = r.management, replica = r.replica,
                envoy_version = coalesce(r.envoy_version, s.envoy_version), boot_id = coalesce(r.boot_id, s.boot_id),
                connected_at = case when r.connection = 'connected' then r.at else s.connected_at end,
                disconnected_at = case when r.connection = 'disconnected' then r.at else s.disconnected_at end
           from locked join report r using (tenant_id, proxy_id)
          where s.tenant_id = locked.tenant_id and s.proxy_id = locked.proxy_id
            and (r.connection = 'connected' or s.replica = r.replica)`,
        columns,
      ),
    );
  }
}
