import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard, type IAuthGuard, type Type } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { problems } from '../../common/errors/problem.js';
import { PERMISSION, type Permission, PLATFORM } from '../../common/http/permission.js';
import { allows } from '../permissions.js';
import type { Principal } from '../principal.js';
import { Admission, contextOf, NO_CREDENTIAL } from '../services/admission.js';
import type { Origin } from '../services/sessions.service.js';
import { BearerStrategy } from './bearer.strategy.js';

/** Id or name of the tenant that a platform admin acts in (API.md "Auth"). */
export const TENANT_HEADER = 'x-efms-tenant';

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
    private readonly admission: Admission,
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
    const context = contextOf(principal, originOf(request));
    request.requestContext = context;
    if (permission === 'authenticated') return true;
    const isPlatform = this.reflector.getAllAndOverride<boolean | undefined>(PLATFORM, [
      execution.getHandler(),
      execution.getClass(),
    ]);
    if (isPlatform === true) this.admission.requirePlatform({ ctx: context, principal }, permission ?? 'the platform');
    if (permission !== undefined && allows(principal.permissions, permission)) return true;
    throw this.admission.forbidden(context, permission ?? 'a permission that the route does not name');
  }

  /** Called by passport's guard with what the strategy found. */
  override handleRequest<T>(error: unknown, principal: T | false, info: unknown, execution: ExecutionContext): T {
    if (error) throw error as Error;
    if (principal) return principal;
    const reason = typeof info === 'string' ? info : NO_CREDENTIAL;
    throw this.admission.unknown(reason, originOf(execution.switchToHttp().getRequest<FastifyRequest>()));
  }

  /** The principal, in the tenant that the request names if it names one. */
  private async arrive(request: FastifyRequest): Promise<Principal> {
    const { principal } = request;
    if (!principal) throw problems.unauthenticated();
    const visitor = await this.admission.enter(principal, tenantNamedIn(request.headers), originOf(request));
    request.principal = visitor;
    return visitor;
  }
}

/** The tenant that a request wants to act in. Node reads headers as ISO 8859-1; most clients send them in UTF-8. */
export function tenantNamedIn({ [TENANT_HEADER]: wanted }: IncomingHttpHeaders): string | undefined {
  if (wanted === undefined) return undefined;
  const bytes = Buffer.from(String(wanted), 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : String(wanted);
}

/** Where a request comes from, in a form that the audit log can store. */
export function originOf(request: Pick<FastifyRequest, 'id' | 'ip' | 'headers'>): Origin {
  const ip = request.ip.split('%')[0] ?? '';
  const userAgent = request.headers['user-agent'];
  return {
    requestId: request.id,
    ...(isIP(ip) === 0 ? {} : { ip }),
    ...(userAgent === undefined ? {} : { userAgent: userAgent.slice(0, 300) }),
  };
}
