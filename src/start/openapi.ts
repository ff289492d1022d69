import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { Runtime } from '../common/common.module.js';
import { loadConfig } from '../common/config/config.js';
import { describeChecks } from '../common/http/api-checks.js';
import { describeConventions } from '../common/http/api-conventions.js';
import { VERSION } from '../common/version.js';
import { setApiPaths } from './api-paths.js';

const DESCRIPTION = `Envoy fleet management: proxies, versioned configurations and their deployments.

Log in with \`POST /api/v1/auth/login\` and paste the access token behind **Authorize**; every example on this page then works as it stands.
Resources are addressed by id or as \`name:<name>\`. Failures are \`application/problem+json\` (RFC 9457).`;

/** Serves Swagger UI at /docs and the document at /openapi.json. */
export function documentApi(app: NestFastifyApplication): void {
  SwaggerModule.setup('docs', app, () => createDocument(app), { jsonDocumentUrl: 'openapi.json' });
}

/** The OpenAPI 3.1 document of the routes that exist. */
function createDocument(app: NestFastifyApplication): OpenAPIObject {
  const settings = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('EFMS')
    .setDescription(DESCRIPTION)
    .setVersion(VERSION)
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'An access token, or an API key (`efms_…`).' })
    .addSecurityRequirements('bearer')
    .build();
  describeChecks();
  const document = SwaggerModule.createDocument(app, settings, {
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}_${method}`,
  });
  return describeConventions(document);
}

/** The document without database and ports: modules are scanned, nothing is instantiated. */
export async function describeApi(): Promise<OpenAPIObject> {
  const { AppModule } = await import('../app.module.js');
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.forRoot(undescribedRuntime()),
    new FastifyAdapter(),
    {
      preview: true,
      logger: false,
    },
  );
  setApiPaths(app);
  return createDocument(app);
}

/** Stands in for a runtime where modules are only scanned: preview mode makes no provider. */
function undescribedRuntime(): Runtime {
  return { config: loadConfig({}) } as Runtime;
}
