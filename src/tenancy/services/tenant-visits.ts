import { Injectable } from '@nestjs/common';
import { recordAction } from '../../common/audit/record.js';
import { Clock } from '../../common/clock/clock.js';
import { isUuid } from '../../common/context/ids.js';
import type { Actor } from '../../common/context/request-context.js';
import { Database } from '../../common/database/database.js';
import type { Principal } from '../principal.js';
import { tenancyProblems } from '../tenancy.errors.js';
import { visitorOf } from '../visitor.js';
import type { Origin } from './sessions.service.js';

const AUDIT_INTERVAL_MS = 60_000;
/** Most visits remembered; beyond, some are written more than once a minute. */
const MOST_REMEMBERED = 10_000;

/**
 * Platform admins act in other tenants through `X-EFMS-Tenant`. That they did is written in that tenant before the request is served,
 * once a minute per visitor and replica; what they change there has rows of its own, as everything has.
 */
@Injectable()
export class TenantVisits {
  private readonly audited = new Map<string, number>();

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * The same principal as admin of the named tenant, at most with what its credential is narrowed to.
   * @param name id or name
   * @throws ProblemError 403 for others than platform admins whose credential has `tenants:read`; 404 for no open tenant
   */
  async enter(principal: Principal, name: string, by: { actor: Actor; origin: Origin }): Promise<Principal> {
    const home = principal.tenant;
    if (!visitorOf(principal, home)) throw platformOnly();
    const tenant = await this.find(name);
    if (!tenant) throw tenancyProblems.tenantNotFound({ detail: 'X-EFMS-Tenant names no tenant that is open.' });
    const visitor = visitorOf(principal, tenant);
    if (!visitor) throw platformOnly();
    if (visitor.visitingFrom) await this.audit(tenant, home, by);
    return visitor;
  }

  private async find(name: string): Promise<Principal['tenant'] | undefined> {
    const column = isUuid(name) ? 'id' : 'name';
    const rows = await this.database
      .systemReader()
      .query<{ id: string; name: string }>(
        `select id, name from tenants where ${column} = $1 and is_active`,
        [name],
        'kept',
      );
    return rows[0];
  }

  private async audit(
    tenant: Principal['tenant'],
    home: Principal['tenant'],
    { actor, origin }: { actor: Actor; origin: Origin },
  ): Promise<void> {
    const now = this.clock.monotonic();
    const visit = `${tenant.id} ${actor.kind} ${actor.id ?? ''}`;
    const last = this.audited.get(visit);
    if (last !== undefined && now - last < AUDIT_INTERVAL_MS) return;
    const context = { tenantId: tenant.id, actor, ...origin };
    await this.database.tenant(context, (tx) =>
      recordAction(tx, context, {
        action: 'visit',
        resourceType: 'tenants',
        resourceId: tenant.id,
        resourceName: tenant.name,
        changes: { from: home.name },
      }),
    );
    if (this.audited.size >= MOST_REMEMBERED) this.audited.clear();
    this.audited.set(visit, now);
  }
}

const platformOnly = (): Error =>
  tenancyProblems.platformOnly({ detail: 'X-EFMS-Tenant is for platform admins; leave it out.' });
