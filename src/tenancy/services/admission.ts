import { Injectable } from '@nestjs/common';
import { DeniedAccessLog } from '../../common/audit/denied-access.js';
import type { Actor, RequestContext } from '../../common/context/request-context.js';
import { ProblemError, problems } from '../../common/errors/problem.js';
import { allows } from '../permissions.js';
import type { Caller, Principal } from '../principal.js';
import { tenancyProblems } from '../tenancy.errors.js';
import { Principals } from './principals.service.js';
import type { Origin } from './sessions.service.js';
import { TenantVisits } from './tenant-visits.js';

/** The one failure that is no attempt, so that it is not audited. */
export const NO_CREDENTIAL = 'no credential was sent';
export const UNKNOWN_CREDENTIAL = 'the credential is unknown, expired or revoked';

const PLATFORM_ACCESS = { action: 'access', resourceType: 'tenants' };

/** What somebody shows at the door. */
export interface Claim {
  /** Access token or API key. */
  readonly credential: string | undefined;
  /** Id or name of the tenant that a platform admin wants to act in. */
  readonly tenant?: string | undefined;
}

/** Who may come in, whatever they come over. Every refusal is audited. */
@Injectable()
export class Admission {
  constructor(
    private readonly principals: Principals,
    private readonly visits: TenantVisits,
    private readonly denied: DeniedAccessLog,
  ) {}

  /** @throws ProblemError 401; 403 and 404 for the tenant */
  async admit({ credential, tenant }: Claim, origin: Origin): Promise<Caller> {
    if (credential === undefined) throw this.unknown(NO_CREDENTIAL, origin);
    const known = await this.principals.authenticate(credential);
    if (!known) throw this.unknown(UNKNOWN_CREDENTIAL, origin);
    const principal = await this.enter(known, tenant, origin);
    return { ctx: contextOf(principal, origin), principal };
  }

  /** The principal in the tenant that is named, if one is. @throws ProblemError 403, 404 */
  async enter(principal: Principal, tenant: string | undefined, origin: Origin): Promise<Principal> {
    if (tenant === undefined) return principal;
    try {
      return await this.visits.enter(principal, tenant, { actor: actorOf(principal), origin });
    } catch (error) {
      if (error instanceof ProblemError && error.definition.status === 403) this.outsider(contextOf(principal, origin));
      throw error;
    }
  }

  /** @throws ProblemError 403 */
  requirePlatform({ ctx, principal }: Caller, permission: string): void {
    if (principal.user.platformAdmin) return;
    this.outsider(ctx);
    throw tenancyProblems.platformOnly({ detail: `This needs ${permission} and a platform admin.` });
  }

  /** @throws ProblemError 403 */
  require({ ctx, principal }: Caller, permission: string): void {
    if (!allows(principal.permissions, permission)) throw this.forbidden(ctx, permission);
  }

  /** @param reason a fixed text */
  unknown(reason: string, origin: Origin): ProblemError {
    if (reason !== NO_CREDENTIAL) {
      this.denied.record({
        tenantId: null,
        actor: { kind: 'user', id: null, name: 'unknown' },
        action: 'authenticate',
        resourceType: 'platform',
        reason,
        ...origin,
      });
    }
    return problems.unauthenticated({
      detail: `${capitalised(reason)}. Send "Authorization: Bearer <token or API key>".`,
    });
  }

  forbidden(ctx: RequestContext, permission: string): ProblemError {
    const [resourceType = permission, action = 'access'] = permission.split(':');
    this.denied.record({ ...ctx, action, resourceType, reason: `${permission} is not granted` });
    return problems.forbidden({ detail: `This needs ${permission}; an admin of the tenant can grant it.` });
  }

  private outsider(ctx: RequestContext): void {
    this.denied.record({ ...ctx, ...PLATFORM_ACCESS, reason: 'no platform admin' });
  }
}

export function contextOf(principal: Principal, origin: Origin): RequestContext {
  return { tenantId: principal.tenant.id, actor: actorOf(principal), ...origin };
}

function actorOf({ kind, user, apiKey }: Principal): Actor {
  if (kind === 'user' || !apiKey) return { kind: 'user', id: user.id, name: user.email };
  return { kind: 'api_key', id: apiKey.id, name: `${apiKey.name} (${user.email})` };
}

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
