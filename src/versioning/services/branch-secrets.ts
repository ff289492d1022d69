import { Injectable } from '@nestjs/common';
import type { Transaction } from '../../common/database/database.js';
import { type SecretUse, type SecretUser, SecretUses } from '../../xds/index.js';

interface Row {
  readonly id: string;
  readonly configuration: string;
  readonly branch: string;
  readonly number: number;
}

/** The secrets that heads of branches name: what could be deployed as it stands. */
@Injectable()
export class BranchSecrets implements SecretUser {
  constructor(uses: SecretUses) {
    uses.register(this);
  }

  async usesOf(tx: Transaction, secretName: string, limit: number): Promise<readonly SecretUse[]> {
    const rows = await tx.query<Row>(
      `select c.id, c.name as configuration, b.name as branch, v.version_number as number
         from version_references r
         join configuration_branches b on b.tenant_id = r.tenant_id and b.head_version_id = r.version_id
         join configuration_versions v on v.tenant_id = r.tenant_id and v.id = r.version_id
         join proxy_configurations c on c.tenant_id = r.tenant_id and c.id = v.configuration_id
        where r.kind = 'secret' and r.name = $1 order by c.name, b.name limit $2`,
      [secretName, limit],
    );
    return rows.map(({ id, configuration, branch, number }) => ({
      kind: 'branch',
      name: configuration,
      id,
      detail: `branch "${branch}" of configuration "${configuration}" names it (version ${number})`,
    }));
  }
}
