import type { Server } from 'node:https';
import { DiscoveryService, NestFactory, Reflector } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { PinoLogger } from 'nestjs-pino';
import { AppModule } from '../app.module.js';
import type { Runtime } from '../common/common.module.js';
import { MAX_NAME_LENGTH } from '../common/http/address.js';
import { refuseOtherMethods } from '../common/http/allowed-methods.js';
import { registerBodyParsers } from '../common/http/body-parsers.js';
import { answerClientError } from '../common/http/client-errors.js';
import { withPlainVerb } from '../common/http/escaped-verb.js';
import { ProblemStats } from '../common/http/problem-stats.js';
import { ProblemFilter, refuseUnrouted } from '../common/http/problem.filter.js';
import { guardedRoutes } from '../common/http/route-permissions.js';
import { sendSecurityHeaders } from '../common/http/security-headers.js';
import { requestValidation } from '../common/http/validation.js';
import { REQUEST_ID_HEADER, requestIdOf } from '../common/logging/logging.js';
import { logRequests } from '../common/logging/request-log.js';
import type { CertificateSource } from '../common/tls/certificate-source.js';
import { Threads } from '../common/threads/threads.js';
import { HANDSHAKE_MS, secureContext } from '../common/tls/server-certificate.js';
import { EventSocketAdapter, isEventUpgrade } from '../observability/index.js';
import { Principals } from '../tenancy/index.js';
import { XdsServer } from '../xds/index.js';
import { setApiPaths } from './api-paths.js';
import { documentApi } from './openapi.js';

/** Largest URL path segment that is a parameter: a percent-encoded name of 255 characters, behind `name:`. */
const MAX_PARAM_LENGTH = 'name:'.length + MAX_NAME_LENGTH * 12;

/** The application over an open database, configured but not yet listening. */
export async function createApp(runtime: Runtime): Promise<NestFastifyApplication> {
  const adapter = httpAdapter(runtime.tls.http);
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.forRoot(runtime), adapter, {
    bufferLogs: true,
    abortOnError: false,
    bodyParser: false,
  });
  configureHttp(app);
  runtime.tls.http?.onChange((certificate) => {
    (app.getHttpServer() as Server).setSecureContext(secureContext(certificate));
  });
  app.useWebSocketAdapter(new EventSocketAdapter(app));
  app.connectMicroservice({ strategy: app.get(XdsServer) }, { inheritAppConfig: false });
  guardedRoutes(app.get(DiscoveryService), app.get(Reflector));
  return app;
}

function httpAdapter(certificate: CertificateSource | undefined): FastifyAdapter {
  return new FastifyAdapter({
    ...(certificate && {
      https: {
        ...secureContext(certificate.current),
        handshakeTimeout: HANDSHAKE_MS,
        shouldUpgradeCallback: isEventUpgrade,
      },
    }),
    ...(certificate ? {} : { http: { shouldUpgradeCallback: isEventUpgrade } }),
    forceCloseConnections: true,
    genReqId: requestIdOf,
    rewriteUrl: withPlainVerb,
    frameworkErrors: refuseUnrouted,
    clientErrorHandler: answerClientError,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    // Slow requests are cut off, so that idle sockets cannot pile up.
    requestTimeout: 120_000,
    connectionTimeout: 0,
    keepAliveTimeout: 65_000,
  });
}

function configureHttp(app: NestFastifyApplication): void {
  const fastify = app.getHttpAdapter().getInstance();
  const principals = app.get(Principals);
  logRequests(fastify, PinoLogger.root);
  refuseOtherMethods(fastify);
  registerBodyParsers(
    fastify,
    app.get(Threads),
    async (credential) => (await principals.authenticate(credential)) !== undefined,
  );
  fastify.addHook('onSend', (request, reply, _payload, done) => {
    void reply.header(REQUEST_ID_HEADER, request.id);
    done();
  });
  sendSecurityHeaders(fastify);
  setApiPaths(app);
  app.useGlobalPipes(requestValidation());
  app.useGlobalFilters(new ProblemFilter(app.get(ProblemStats)));
  documentApi(app);
}
