import { Module } from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { DeniedAccessLog } from '../common/audit/denied-access.js';
import { DryRunInterceptor } from '../common/http/dry-run.js';
import { IdempotencyInterceptor } from '../common/http/idempotency.interceptor.js';
import { KnownParameters } from '../common/http/known-parameters.js';
import { PageLinks } from '../common/http/page-links.interceptor.js';
import { ApiKeysController } from './controllers/api-keys.controller.js';
import { AuthController } from './controllers/auth.controller.js';
import { MeController } from './controllers/me.controller.js';
import { TenantsController } from './controllers/tenants.controller.js';
import { UsersController } from './controllers/users.controller.js';
import { AccessGuard } from './guards/access.guard.js';
import { BearerStrategy } from './guards/bearer.strategy.js';
import { Admission } from './services/admission.js';
import { AccessTokens } from './services/access-tokens.js';
import { Accounts } from './services/accounts.service.js';
import { AttemptLimits } from './services/attempt-limits.js';
import { ApiKeyUses } from './services/api-key-uses.js';
import { ApiKeys } from './services/api-keys.service.js';
import { DataKeys } from './services/data-keys.js';
import { FirstStart } from './services/first-start.service.js';
import { Invitations } from './services/invitations.js';
import { LoginAttempts } from './services/login-attempts.js';
import { Principals } from './services/principals.service.js';
import { Sessions } from './services/sessions.service.js';
import { TenantVisits } from './services/tenant-visits.js';
import { Tenants } from './services/tenants.service.js';
import { Users } from './services/users.service.js';

/** Tenants, who may act in them, and the guard in front of every route. Needs Database, Keys and Clock from a global module. */
@Module({
  controllers: [AuthController, MeController, ApiKeysController, TenantsController, UsersController],
  providers: [
    AccessTokens,
    Admission,
    Accounts,
    ApiKeys,
    ApiKeyUses,
    AttemptLimits,
    BearerStrategy,
    DataKeys,
    DeniedAccessLog,
    FirstStart,
    Invitations,
    LoginAttempts,
    Principals,
    Sessions,
    TenantVisits,
    Tenants,
    Users,
    { provide: APP_GUARD, useClass: AccessGuard },
    { provide: APP_INTERCEPTOR, useClass: KnownParameters },
    // Around the others that write: a request that is only tried leaves no key either.
    { provide: APP_INTERCEPTOR, useClass: DryRunInterceptor },
    { provide: APP_INTERCEPTOR, useClass: IdempotencyInterceptor },
    { provide: APP_INTERCEPTOR, useClass: PageLinks },
  ],
  exports: [Admission, AttemptLimits, DataKeys, DeniedAccessLog, FirstStart, Principals],
})
export class TenancyModule {}
