import { AsyncLocalStorage } from 'node:async_hooks';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';

const requestIds = new AsyncLocalStorage<string>();

/** What every line says of the request that it was written for; pino's `mixin`, so that it costs nothing where no line is written. */
export function requestIdFields(): { readonly reqId?: string } {
  const reqId = requestIds.getStore();
  return reqId === undefined ? {} : { reqId };
}

/** Remembers the id of each request for the lines written while it is served, and writes a line when it has failed; at level debug for each. */
export function logRequests(fastify: FastifyInstance, log: Logger): void {
  fastify.addHook('onRequest', (request, _reply, done) => requestIds.run(request.id, done));
  fastify.addHook('onResponse', (request, reply, done) => {
    if (reply.statusCode >= 500) log.error(answered(request, reply), 'request failed');
    done();
  });
  if (!log.isLevelEnabled('debug')) return;
  fastify.addHook('onResponse', (request, reply, done) => {
    log.debug(answered(request, reply), 'request completed');
    done();
  });
  fastify.addHook('onRequestAbort', (request, done) => {
    log.debug(said(request), 'request aborted');
    done();
  });
}

/** Without the query, which may hold what is nobody's business. */
const said = ({ id, method, url }: FastifyRequest): object => ({
  reqId: id,
  req: { id, method, path: url.split('?')[0] },
});

const answered = (request: FastifyRequest, { statusCode, elapsedTime }: FastifyReply): object => ({
  ...said(request),
  res: { status: statusCode },
  responseTime: Math.round(elapsedTime),
});
