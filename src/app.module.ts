import { type DynamicModule, Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { LoggerModule } from 'nestjs-pino';
import { CommonModule, type Runtime } from './common/common.module.js';
import { loggingOptions } from './common/logging/logging.js';
import { DeploymentsModule } from './deployments/index.js';
import { InfrastructureModule } from './infrastructure/index.js';
import { ObservabilityModule } from './observability/index.js';
import { TenancyModule } from './tenancy/index.js';
import { VersioningModule } from './versioning/index.js';
import { XdsModule } from './xds/index.js';

/** Table of contents: every module may use those above it. */
@Module({})
export class AppModule {
  static forRoot(runtime: Runtime): DynamicModule {
    return {
      module: AppModule,
      imports: [
        LoggerModule.forRoot(loggingOptions(runtime.config.logLevel)),
        ScheduleModule.forRoot(),
        CommonModule.forRoot(runtime),
        TenancyModule,
        InfrastructureModule,
        XdsModule,
        VersioningModule,
        DeploymentsModule,
        ObservabilityModule,
      ],
    };
  }
}
