import type { TenantScope, Database, Transaction } from '../../common/database/database.js';
import { PLATFORM_CHAIN } from './audit-links.js';

/** Whose audit log it is: which rows and links belong to it, and with which role they are read. */
export interface AuditScope {
  read<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** SQL that is true for its rows of `audit_logs`. */
  rows(alias: string): string;
  /** SQL that is true for its links of `audit_chain`. */
  links(alias: string): string;
}

/** The log of one tenant; row-level security lets nothing else through. */
export function auditOfTenant(database: Database, scope: TenantScope): AuditScope {
  return { read: (work) => database.tenant(scope, work), rows: () => 'true', links: () => 'true' };
}

/** What belongs to no tenant, for instance credentials that nobody knows. */
export function auditOfPlatform(database: Database): AuditScope {
  return {
    read: (work) => database.system(work),
    rows: (alias) => `${alias}.tenant_id is null`,
    links: (alias) => `${alias}.tenant_id = '${PLATFORM_CHAIN}'::uuid`,
  };
}
