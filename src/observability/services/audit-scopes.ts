import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../../common/database/database.js';
import { Admission, type Caller } from '../../tenancy/index.js';
import type { AuditScopeName } from '../dto/audit.dto.js';
import { auditOfPlatform, auditOfTenant, type AuditScope } from './audit-scope.js';

/** Which audit log a caller may read: that of the tenant, and for platform admins that of the platform. */
@Injectable()
export class AuditScopes {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(Admission) private readonly admission: Admission,
  ) {}

  /** @throws ProblemError 403 for the platform's, for others than platform admins */
  of(caller: Caller, name: AuditScopeName = 'tenant'): AuditScope {
    if (name === 'tenant') return auditOfTenant(this.database, caller.ctx);
    this.admission.requirePlatform(caller, 'audit:read');
    return auditOfPlatform(this.database);
  }
}
