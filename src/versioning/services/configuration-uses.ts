import { Injectable } from '@nestjs/common';
import type { Transaction } from '../../common/database/database.js';

/** Something right of this module that needs a configuration to stay. */
export interface ConfigurationUse {
  /**
   * Sentences that say what uses the configuration, for instance that a deployment runs; none when it may go. Called under the lock of
   * the configuration's row: whoever starts to use it locks that row too.
   */
  usesOf(tx: Transaction, configurationId: string): Promise<readonly string[]>;
}

/** Where those who use configurations make themselves known; asked before one is deleted. */
@Injectable()
export class ConfigurationUses {
  private readonly uses: ConfigurationUse[] = [];

  register(use: ConfigurationUse): void {
    this.uses.push(use);
  }

  /** What keeps the configuration from being deleted, assignments of its versions included. */
  async of(tx: Transaction, configurationId: string): Promise<readonly string[]> {
    const found = await this.assignments(tx, configurationId);
    for (const use of this.uses) found.push(...(await use.usesOf(tx, configurationId)));
    return found;
  }

  /** `xds` keeps the version of an assignment as a value that only this module understands. */
  private async assignments(tx: Transaction, configurationId: string): Promise<string[]> {
    const rows = await tx.query<{ name: string }>(
      `select p.name from proxy_assignments a
         join configuration_versions v on v.tenant_id = a.tenant_id and v.id = a.version_id
         join envoy_proxies p on p.tenant_id = a.tenant_id and p.id = a.proxy_id
        where v.configuration_id = $1 order by p.name limit $2`,
      [configurationId, NAMED + 1],
    );
    if (rows.length === 0) return [];
    const names = rows.slice(0, NAMED).map(({ name }) => `"${name}"`);
    const more = rows.length > NAMED ? ' and others' : '';
    return [`It is assigned to ${names.join(', ')}${more}.`];
  }
}

/** How many proxies a refusal names. */
const NAMED = 5;
