import { isIP } from 'node:net';
import { type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard, type IAuthGuard, type Type } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { DeniedAccessLog } from '../../common/audit/denied-access.js';
import type { Actor, RequestContext } from '../../common/context/request-context.js';
import { ProblemError, problems } from '../../common/errors/problem.js';
import { PERMISSION, type Permission, PLATFORM } from '../../common/http/permission.js';
import { allows } from '../permissions.js';
import type { Principal } from '../principal.js';
import { tenancyProblems } from '../tenancy.errors.js';
import type { Origin } from '../services/sessions.service.js';
import { TenantVisits } from '../services/tenant-visits.js';
import { BearerStrategy, NO_CREDENTIAL } from './bearer.strategy.js';

/** Id or name of the tenant that a platform admin acts in (API.md "Auth"). */
const TENANT_HEADER = 'x-efms-tenant';
const PLATFORM_ACCESS = { action: 'access', resourceType: 'tenants' };

const PassportGuard: Type<IAuthGuard> = AuthGuard();

/**
 * Guards every HTTP route: finds the principal, sets `request.requestContext`, and checks the permission that the route
 * declares. A refusal is audited. gRPC handlers have a guard of their own and pass.
 */
@Injectable()
export class AccessGuard extends PassportGuard {
  constructor(
    strategy: BearerStrategy,
    private readonly reflector: Reflector,
    private readonly denied: DeniedAccessLog,
    private readonly visits: TenantVisits,
  ) {
    super({ defaultStrategy: strategy.name, property: 'principal', session: false });
  }

  override async canActivate(execution: ExecutionContext): Promise<boolean> {
    if (execution.getType() !== 'http') return true;
    const permission = this.reflector.getAllAndOverride<Permission | undefined>(PERMISSION, [
      execution.getHandler(),
      execution.getClass(),
    ]);
    if (permission === 'public') return true;
    await super.canActivate(execution);
    const request = execution.switchToHttp().getRequest<FastifyRequest>();
    const principal = await this.arrive(request);
    const context = contextOf(request, principal);
    request.requestContext = context;
    if (permission === 'authenticated') return true;
    const isPlatform = this.reflector.getAllAndOverride<boolean | undefined>(PLATFORM, [
      execution.getHandler(),
      execution.getClass(),
    ]);
    if (isPlatform === true && !principal.user.platformAdmin)
      throw this.notPlatform(context, permission ?? 'the platform');
    if (permission !== undefined && allows(principal.permissions, permission)) return true;
    throw this.forbidden(context, permission ?? 'a permission that the route does not name');
  }

  /** Called by passport's guard with what the strategy found. */
  override handleRequest<T>(error: unknown, principal: T | false, info: unknown, execution: ExecutionContext): T {
    if (error) throw error as Error;
    if (principal) return principal;
    const reason = typeof info === 'string' ? info : NO_CREDENTIAL;
    if (reason !== NO_CREDENTIAL) {
      const request = execution.switchToHttp().getRequest<FastifyRequest>();
      this.denied.record({
        tenantId: null,
        actor: { kind: 'user', id: null, name: 'unknown' },
        action: 'authenticate',
        resourceType: 'platform',
        reason,
        ...originOf(request),
      });
    }
    throw problems.unauthenticated({
      detail: `${capitalised(reason)}. Send "Authorization: Bearer <token or API key>".`,
    });
  }

  /** The principal, in the tenant that the request names if it names one. */
  private async arrive(request: FastifyRequest): Promise<Principal> {
    const { principal } = request;
    if (!principal) throw problems.unauthenticated();
    const wanted = request.headers[TENANT_HEADER];
    if (wanted === undefined) return principal;
    const actor = actorOf(principal);
    try {
      const visitor = await this.visits.enter(principal, String(wanted), { actor, origin: originOf(request) });
      request.principal = visitor;
      return visitor;
    } catch (error) {
      if (error instanceof ProblemError && error.definition.status === 403) {
        this.denied.record({ ...contextOf(request, principal), ...PLATFORM_ACCESS, reason: 'no platform admin' });
      }
      throw error;
    }
  }

  private notPlatform(context: RequestContext, permission: string): Error {
    this.denied.record({ ...context, ...PLATFORM_ACCESS, reason: 'no platform admin' });
    return tenancyProblems.platformOnly({ detail: `This needs ${permission} and a platform admin.` });
  }

  private forbidden(context: RequestContext, permission: string): Error {
    const [resourceType = permission, action = 'access'] = permission.split(':');
    this.denied.record({ ...context, action, resourceType, reason: `${permission} is not granted` });
    return problems.forbidden({ detail: `This needs ${permission}; an admin of the tenant can grant it.` });
  }
}

/** Where a request comes from, in a form that the audit log can store. */
export function originOf(request: FastifyRequest): Origin {
  const ip = request.ip.split('%')[0] ?? '';
  const userAgent = request.headers['user-agent'];
  return {
    requestId: request.id,
    ...(isIP(ip) === 0 ? {} : { ip }),
    ...(userAgent === undefined ? {} : { userAgent: userAgent.slice(0, 300) }),
  };
}

function contextOf(request: FastifyRequest, principal: Principal): RequestContext {
  return { tenantId: principal.tenant.id, actor: actorOf(principal), ...originOf(request) };
}

function actorOf({ kind, user, apiKey }: Principal): Actor {
  if (kind === 'user' || !apiKey) return { kind: 'user', id: user.id, name: user.email };
  return { kind: 'api_key', id: apiKey.id, name: `${apiKey.name} (${user.email})` };
}

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
