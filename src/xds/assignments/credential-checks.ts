import { Injectable } from '@nestjs/common';
import { Database } from '../../common/database/database.js';
import { KnownCredentials } from './known-credentials.js';
import type { CredentialVerdict } from './reconciler.js';

/** Looks at credentials that streams were opened with a while ago. */
@Injectable()
export class CredentialChecks {
  constructor(
    private readonly database: Database,
    private readonly known: KnownCredentials,
  ) {}

  /** Verdicts by id, by the clock of the database; a credential that is gone, or whose tenant is closed, has none. */
  async check(
    credentials: readonly { readonly tenantId: string; readonly credentialId: string }[],
  ): Promise<Map<string, CredentialVerdict>> {
    const rows = await this.database.systemReader().query<{ id: string; verdict: CredentialVerdict }>(
      `select c.id, case when c.revoked_at is not null then 'revoked'
                           when c.expires_at <= clock_timestamp() then 'expired' else 'valid' end as verdict
           from unnest($1::uuid[], $2::uuid[]) as wanted (tenant_id, id)
           join proxy_credentials c using (tenant_id, id)
           join tenants t on t.id = c.tenant_id
          where t.is_active`,
      [credentials.map(({ tenantId }) => tenantId), credentials.map(({ credentialId }) => credentialId)],
      'kept',
    );
    const verdicts = new Map(rows.map(({ id, verdict }) => [id, verdict]));
    for (const { credentialId: id } of credentials) {
      if (verdicts.get(id) === 'valid') this.known.confirm(id);
      else this.known.forget(id);
    }
    return verdicts;
  }
}
