import type { NestFastifyApplication } from '@nestjs/platform-fastify';

/** Routes that stand outside /api/v1: what probes, scrapers and browsers expect at the root. */
const ROOT_ROUTES = [
  '/',
  'health/live',
  'health/ready',
  'health/startup',
  'metrics',
  'openapi.json',
  'problems',
  'problems/:code',
];

/** Puts the API under its version; the server and the document it is described by must agree on this. */
export function setApiPaths(app: NestFastifyApplication): void {
  app.setGlobalPrefix('api/v1', { exclude: ROOT_ROUTES });
}
