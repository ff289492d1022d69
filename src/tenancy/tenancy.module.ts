import { Module } from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { DeniedAccessLog } from '../common/audit/denied-access.js';
import { IdempotencyInterceptor } from '../common/http/idempotency.interceptor.js';
import { PageLinks } from '../common/http/page-links.interceptor.js';
import { ApiKeysController } from './controllers/api-keys.controller.js';
import { AuthController } from './controllers/auth.controller.js';
import { MeController } from './controllers/me.controller.js';
import { AccessGuard } from './guards/access.guard.js';
import { BearerStrategy } from './guards/bearer.strategy.js';
import { AccessTokens } from './services/access-tokens.js';
import { Accounts } from './services/accounts.service.js';
import { ApiKeys } from './services/api-keys.service.js';
import { FirstStart } from './services/first-start.service.js';
import { Principals } from './services/principals.service.js';
import { Sessions } from './services/sessions.service.js';

/** Tenants, who may act in them, and the guard in front of every route. Needs Database, Keys and Clock from a global module. */
@Module({
  controllers: [AuthController, MeController, ApiKeysController],
  providers: [
    AccessTokens,
    Accounts,
    ApiKeys,
    BearerStrategy,
    DeniedAccessLog,
    FirstStart,
    Principals,
    Sessions,
    { provide: APP_GUARD, useClass: AccessGuard },
    { provide: APP_INTERCEPTOR, useClass: IdempotencyInterceptor },
    { provide: APP_INTERCEPTOR, useClass: PageLinks },
  ],
  exports: [DeniedAccessLog, FirstStart, Principals],
})
export class TenancyModule {}
