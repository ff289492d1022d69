import { Injectable } from '@nestjs/common';
import type { Transaction } from '../../common/database/database.js';

export interface ProxyKey {
  readonly tenantId: string;
  readonly proxyId: string;
}

/** As a key of maps. */
export const proxyKeyText = ({ tenantId, proxyId }: ProxyKey): string => `${tenantId}/${proxyId}`;

/** Counters only tell that something changed; what it is, is read from the tables they count for. */
export type HeadCounter = 'overridesRev' | 'secretsRev' | 'credentialEpoch';

const COLUMNS: Readonly<Record<HeadCounter, string>> = {
  overridesRev: 'overrides_rev',
  secretsRev: 'secrets_rev',
  credentialEpoch: 'credential_epoch',
};

/** The heads of proxies: whatever changes what a proxy gets, or whether it may be connected, raises a counter of its head. */
@Injectable()
export class ProxyHeads {
  /**
   * Raises a counter of these proxies, in the transaction that changes what it counts. The rows are locked in one order, so that two
   * callers with overlapping proxies take turns.
   */
  async bump(tx: Transaction, tenantId: string, proxyIds: readonly string[], counter: HeadCounter): Promise<void> {
    const column = COLUMNS[counter];
    await tx.query(
      `with locked as (
         select proxy_id from proxy_heads where tenant_id = $1 and proxy_id = any($2::uuid[]) order by proxy_id for update)
       update proxy_heads h set ${column} = h.${column} + 1
         from locked where h.tenant_id = $1 and h.proxy_id = locked.proxy_id`,
      [tenantId, proxyIds],
    );
  }

  /**
   * Raises a counter of all proxies of the tenant, for what may concern any of them. One that is being assigned something at the same
   * time is among them, which a choice by assignments could not promise.
   */
  async bumpAll(tx: Transaction, tenantId: string, counter: HeadCounter): Promise<void> {
    const column = COLUMNS[counter];
    await tx.query(
      `with locked as (select proxy_id from proxy_heads where tenant_id = $1 order by proxy_id for update)
       update proxy_heads h set ${column} = h.${column} + 1
         from locked where h.tenant_id = $1 and h.proxy_id = locked.proxy_id`,
      [tenantId],
    );
  }
}
