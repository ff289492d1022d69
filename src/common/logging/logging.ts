import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Params } from 'nestjs-pino';
import type { LogLevel } from '../config/config.js';
import { requestIdFields } from './request-log.js';

/** Header that carries a request id in and out. */
export const REQUEST_ID_HEADER = 'x-request-id';

const REQUEST_ID = /^[A-Za-z0-9._:-]{1,64}$/;

/** The caller's request id where it is harmless to repeat in logs and headers, otherwise a new one. */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers[REQUEST_ID_HEADER];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}

/** Paths in log objects that could hold a credential; their values never reach a log line. */
const SECRET_PATHS = ['password', 'token', 'accessToken', 'refreshToken', 'authorization', 'cookie', 'key', 'secret'];

/** JSON lines on standard output: a constant message, fields beside it, request ids, never a body or a credential. */
export function loggingOptions(level: LogLevel): Params {
  return {
    // Requests are logged by `logRequests`; the module's own way makes two loggers for each of them, whether a line is written or not.
    forRoutes: [],
    pinoHttp: {
      level,
      mixin: requestIdFields,
      redact: {
        paths: SECRET_PATHS.flatMap((name) => [name, `*.${name}`, `*.headers.${name}`]),
        censor: '[redacted]',
      },
    },
  };
}
