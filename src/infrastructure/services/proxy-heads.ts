import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../common/database/database.js';

export interface ProxyKey {
  readonly tenantId: string;
  readonly proxyId: string;
}

/** What a proxy must have. Counters only tell that something changed; what it is, is read from the tables they count for. */
export interface Head extends ProxyKey {
  /** Hash of the snapshot that is assigned; null without an assignment. */
  readonly assignmentHash: string | null;
  readonly overridesRev: number;
  readonly secretsRev: number;
  readonly credentialEpoch: number;
  readonly quarantineRev: number;
}

export type HeadCounter = 'overridesRev' | 'secretsRev' | 'credentialEpoch' | 'quarantineRev';

const COLUMNS: Readonly<Record<HeadCounter, string>> = {
  overridesRev: 'overrides_rev',
  secretsRev: 'secrets_rev',
  credentialEpoch: 'credential_epoch',
  quarantineRev: 'quarantine_rev',
};

interface HeadRow {
  readonly tenant_id: string;
  readonly proxy_id: string;
  readonly assignment_hash: string | null;
  readonly overrides_rev: string;
  readonly secrets_rev: string;
  readonly credential_epoch: string;
  readonly quarantine_rev: string;
}

/** The heads of proxies: the truth that every replica compares what it serves with. */
@Injectable()
export class ProxyHeads {
  constructor(private readonly database: Database) {}

  /**
   * Raises a counter of these proxies, in the transaction that changes what it counts. The rows are locked in one order, so that two
   * callers with overlapping proxies take turns.
   */
  async bump(tx: Transaction, tenantId: string, proxyIds: readonly string[], counter: HeadCounter): Promise<void> {
    const column = COLUMNS[counter];
    await tx.query(
      `with locked as (
         select proxy_id from proxy_heads where tenant_id = $1 and proxy_id = any($2::uuid[]) order by proxy_id for update)
       update proxy_heads h set ${column} = h.${column} + 1, changed_at = now()
         from locked where h.tenant_id = $1 and h.proxy_id = locked.proxy_id`,
      [tenantId, proxyIds],
    );
  }

  /** The heads of any proxies of any tenants, in one query. A proxy that is gone has none, and its streams must end. */
  async scan(proxies: readonly ProxyKey[]): Promise<Head[]> {
    if (proxies.length === 0) return [];
    const rows = await this.database.system((tx) =>
      tx.query<HeadRow>(
        `select tenant_id, proxy_id, assignment_hash, overrides_rev, secrets_rev, credential_epoch, quarantine_rev
           from proxy_heads join unnest($1::uuid[], $2::uuid[]) as wanted (tenant_id, proxy_id) using (tenant_id, proxy_id)`,
        [proxies.map(({ tenantId }) => tenantId), proxies.map(({ proxyId }) => proxyId)],
      ),
    );
    return rows.map((row) => ({
      tenantId: row.tenant_id,
      proxyId: row.proxy_id,
      assignmentHash: row.assignment_hash,
      overridesRev: Number(row.overrides_rev),
      secretsRev: Number(row.secrets_rev),
      credentialEpoch: Number(row.credential_epoch),
      quarantineRev: Number(row.quarantine_rev),
    }));
  }
}
