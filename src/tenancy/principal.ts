import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { RequestContext } from '../common/context/request-context.js';
import { problems } from '../common/errors/problem.js';
import type { PermissionSet, Role } from './permissions.js';

/** Who is behind a request: a user, or a user through one of their API keys. */
export interface Principal {
  readonly kind: 'user' | 'api_key';
  readonly tenant: { readonly id: string; readonly name: string };
  /** The principal's own tenant, where it acts in another one as platform admin. */
  readonly visitingFrom?: { readonly id: string; readonly name: string };
  readonly user: { readonly id: string; readonly email: string; readonly platformAdmin: boolean };
  /** Present for `api_key`. */
  readonly apiKey?: { readonly id: string; readonly name: string; readonly expiresAt: Date | null };
  readonly role: Role;
  readonly permissions: PermissionSet;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard; absent on public routes. */
    principal?: Principal;
  }
}

/** The principal of the call, as a controller's parameter. */
export const CurrentPrincipal = createParamDecorator((_: unknown, execution: ExecutionContext): Principal => {
  const { principal } = execution.switchToHttp().getRequest<FastifyRequest>();
  if (!principal) throw problems.unauthenticated();
  return principal;
});

/** Who asks, and what they may do themselves. */
export interface Caller {
  readonly ctx: RequestContext;
  readonly principal: Principal;
}

/** Context and principal of the call in one, as a controller's parameter. */
export const CurrentCaller = createParamDecorator((_: unknown, execution: ExecutionContext): Caller => {
  const { principal, requestContext } = execution.switchToHttp().getRequest<FastifyRequest>();
  if (!principal || !requestContext) throw problems.unauthenticated();
  return { ctx: requestContext, principal };
});
