import { allows, narrowed, permissionsOf } from './permissions.js';
import type { Principal } from './principal.js';

/**
 * A platform admin as admin of another tenant, at most with what its credential is narrowed to.
 * @returns undefined for others than platform admins whose credential has `tenants:read`
 */
export function visitorOf(principal: Principal, tenant: Principal['tenant']): Principal | undefined {
  if (!principal.user.platformAdmin || !allows(principal.permissions, 'tenants:read')) return undefined;
  if (tenant.id === principal.tenant.id) return principal;
  const { denied, within } = principal.permissions;
  const permissions = { ...narrowed(permissionsOf('admin'), within ?? null), denied };
  return { ...principal, tenant, visitingFrom: principal.tenant, role: 'admin', permissions };
}
