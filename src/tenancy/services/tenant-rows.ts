import { randomBytes } from 'node:crypto';
import { newId } from '../../common/context/ids.js';
import { seal, type SealingKey } from '../../common/crypto/sealing.js';
import type { Transaction } from '../../common/database/database.js';
import { placeOfDataKey } from './data-keys.js';
import type { Invitation } from './invitations.js';

/** What platform admins say about a tenant beside its name. */
export interface TenantContent {
  readonly description: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

export interface NewTenant extends TenantContent {
  readonly name: string;
}

export const TENANT_STATES = ['open', 'closed'] as const;
export type TenantState = (typeof TENANT_STATES)[number];

/** A tenant as platform admins see it. */
export interface Tenant extends NewTenant {
  readonly id: string;
  readonly state: TenantState;
  readonly revision: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly closedAt: Date | null;
}

export interface MadeTenant {
  readonly tenant: Tenant;
  /** For the first admin, where one was named. */
  readonly invitation: Invitation | null;
}

const DATA_KEY_LENGTH = 32;

/** Makes a tenant with its data key, as `efms_system`. @returns its id */
export async function insertTenant(tx: Transaction, master: SealingKey, tenant: NewTenant): Promise<string> {
  const tenantId = newId();
  await tx.query('insert into tenants (id, name, description, metadata) values ($1, $2, $3, $4)', [
    tenantId,
    tenant.name,
    tenant.description,
    tenant.metadata,
  ]);
  const keyId = newId();
  await tx.query('insert into tenant_data_keys (tenant_id, id, wrapped_key, master_key_id) values ($1, $2, $3, $4)', [
    tenantId,
    keyId,
    seal(master, randomBytes(DATA_KEY_LENGTH), placeOfDataKey(tenantId, keyId)),
    master.id,
  ]);
  return tenantId;
}
