import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import type { FastifyRequest } from 'fastify';
import type { Observable } from 'rxjs';
import { pointerTo } from '../errors/finding.js';
import { problems } from '../errors/problem.js';

/**
 * Refuses query parameters on routes of the API that take none: somebody meant something by them, for instance `dryrun=true`, and would
 * get something else. Routes that take some check them by their class (requestValidation). Register it behind what takes parameters off.
 */
@Injectable()
export class UnknownQueryInterceptor implements NestInterceptor {
  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (execution.getType() !== 'http' || takesQuery(execution)) return next.handle();
    const request = execution.switchToHttp().getRequest<FastifyRequest>();
    const [unknown] = Object.keys(request.query as object);
    if (unknown === undefined || !request.url.startsWith('/api/')) return next.handle();
    const detail = `${unknown.slice(0, 80)} is not a parameter of this request; remove it`;
    throw problems.invalid({
      detail: 'See errors.',
      errors: [
        { pointer: pointerTo('', unknown.slice(0, 80)), rule: 'request.unknown-field', detail, severity: 'error' },
      ],
    });
  }
}

function takesQuery(execution: ExecutionContext): boolean {
  const handler = execution.getHandler().name;
  const parameters = Reflect.getMetadata(ROUTE_ARGS_METADATA, execution.getClass(), handler) as object | undefined;
  return Object.keys(parameters ?? {}).some((key) => key.startsWith(`${RouteParamtypes.QUERY}:`));
}
