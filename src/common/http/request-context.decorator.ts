import { type ExecutionContext, createParamDecorator } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { RequestContext } from '../context/request-context.js';
import { problems } from '../errors/problem.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard once the credential is known; absent on public routes. */
    requestContext?: RequestContext;
  }
}

/** The context of the call, as a controller's parameter. */
export const Context = createParamDecorator((_: unknown, execution: ExecutionContext): RequestContext => {
  const context = execution.switchToHttp().getRequest<FastifyRequest>().requestContext;
  if (!context) throw problems.unauthenticated();
  return context;
});
