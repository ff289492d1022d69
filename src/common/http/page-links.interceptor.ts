import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Observable, tap } from 'rxjs';

/** `Link: <…>; rel="next"` (RFC 8288) on every page that is not the last: the request itself with the next cursor. */
@Injectable()
export class PageLinks implements NestInterceptor {
  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (execution.getType() !== 'http') return next.handle();
    const request = execution.switchToHttp().getRequest<FastifyRequest>();
    if (request.method !== 'GET') return next.handle();
    const reply = execution.switchToHttp().getResponse<FastifyReply>();
    return next.handle().pipe(
      tap((body: unknown) => {
        const cursor = nextCursorOf(body);
        if (cursor !== undefined) void reply.header('link', `<${withCursor(request.url, cursor)}>; rel="next"`);
      }),
    );
  }
}

function nextCursorOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('nextCursor' in body) || !('items' in body)) return undefined;
  return typeof body.nextCursor === 'string' ? body.nextCursor : undefined;
}

/** Encoded anew, so that no byte of the request stands in the header as it came. */
function withCursor(url: string, cursor: string): string {
  const next = new URL(url, 'http://efms');
  next.searchParams.set('cursor', cursor);
  return `${next.pathname}${next.search}`;
}
