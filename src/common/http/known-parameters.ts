import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import type { FastifyRequest } from 'fastify';
import type { Observable } from 'rxjs';
import { type Finding, pointerTo } from '../errors/finding.js';
import { problems } from '../errors/problem.js';

const METHODS_THAT_READ = ['GET', 'HEAD'];

/**
 * Refuses query parameters on routes of the API that take none: somebody meant something by them, and with `?dryrun=true` would get the real
 * thing. Routes that take some check them by their DTO, and `dryRun` of writes is checked by its interceptor.
 */
@Injectable()
export class KnownParameters implements NestInterceptor {
  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (execution.getType() !== 'http' || takesParameters(execution)) return next.handle();
    const { method, query, url } = execution.switchToHttp().getRequest<FastifyRequest>();
    if (!url.startsWith('/api/')) return next.handle();
    const errors = Object.keys(query as object)
      .filter((name) => name !== 'dryRun' || METHODS_THAT_READ.includes(method))
      .map((name) => name.slice(0, 80))
      .map((name): Finding => ({
        pointer: pointerTo('', name),
        rule: 'request.unknown-field',
        detail: `${name} is not a parameter of this request; remove it`,
        severity: 'error',
      }));
    if (errors.length > 0) throw problems.invalid({ detail: 'See errors.', errors });
    return next.handle();
  }
}

function takesParameters(execution: ExecutionContext): boolean {
  const handler = execution.getHandler().name;
  const args = (Reflect.getMetadata(ROUTE_ARGS_METADATA, execution.getClass(), handler) ?? {}) as object;
  return Object.keys(args).some((arg) => arg.startsWith(`${RouteParamtypes.QUERY}:`));
}
