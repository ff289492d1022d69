import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Origin } from '../services/sessions.service.js';
import { originOf } from './access.guard.js';

/** Where the request comes from, for routes that have no principal. */
export const RequestOrigin = createParamDecorator((_: unknown, execution: ExecutionContext): Origin =>
  originOf(execution.switchToHttp().getRequest<FastifyRequest>()),
);
