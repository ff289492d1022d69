import {
  applyDecorators,
  type CallHandler,
  type CustomDecorator,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  SetMetadata,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiQuery } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { Database } from '../database/database.js';
import { problems } from '../errors/problem.js';
import { ApiProblems } from './api-problems.js';
import { dryRunProblems } from './dry-run.errors.js';

const DRY_RUN = 'efms:dry-run';

declare module 'fastify' {
  interface FastifyRequest {
    /** Nothing that the request writes will be kept. */
    isDryRun?: true;
  }
}

/** A route whose writes can be tried: with `?dryRun=true` all of it runs, is answered, and is taken back. */
export const DryRun = (): MethodDecorator =>
  applyDecorators(
    SetMetadata(DRY_RUN, 'rehearsed'),
    ApiProblems(422),
    ApiQuery({
      name: 'dryRun',
      required: false,
      enum: ['true', 'false'],
      description:
        'Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.',
    }),
  );

/** A route that answers `?dryRun=true` itself, with a plan or a report. */
export const PlansDryRun = (): CustomDecorator => SetMetadata(DRY_RUN, 'planned');

/**
 * `?dryRun=true` on writes (API.md "Writes"). The request runs as it would in earnest, within one transaction, which is rolled back: no row,
 * no audit, no event and no Idempotency-Key is left of it. A route that does not say that it can be tried refuses the parameter, so that
 * nobody who asks for a trial gets the real thing.
 */
@Injectable()
export class DryRunInterceptor implements NestInterceptor {
  constructor(
    private readonly database: Database,
    private readonly reflector: Reflector,
  ) {}

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (execution.getType() !== 'http') return next.handle();
    const request = execution.switchToHttp().getRequest<FastifyRequest>();
    const query = request.query as Record<string, unknown>;
    if (request.method === 'GET' || query['dryRun'] === undefined) return next.handle();
    const how = this.reflector.get<'rehearsed' | 'planned' | undefined>(DRY_RUN, execution.getHandler());
    if (how === 'planned') return next.handle();
    const isWanted = readFlag(query['dryRun']);
    // Routes that check their parameters do not know this one.
    delete query['dryRun'];
    if (!isWanted) return next.handle();
    const { requestContext } = request;
    if (how === undefined || !requestContext) {
      throw dryRunProblems.dryRunRefused({
        detail: 'Its answer shows a secret, or what it does cannot be taken back; send it without dryRun to do it.',
      });
    }
    request.isDryRun = true;
    const reply = execution.switchToHttp().getResponse<FastifyReply>();
    return from(
      this.database.rehearse(() =>
        this.database.unit(requestContext, async () => {
          const body: unknown = await lastValueFrom(next.handle(), { defaultValue: undefined });
          // They would name what is not there.
          void reply.removeHeader('location').removeHeader('etag').header('x-efms-dry-run', 'true');
          return body;
        }),
      ),
    );
  }
}

function readFlag(value: unknown): boolean {
  if (value === 'true' || value === 'false') return value === 'true';
  const detail = 'dryRun must be true or false, once';
  throw problems.invalid({ detail, errors: [{ pointer: '/dryRun', rule: 'request.isIn', detail, severity: 'error' }] });
}
