import { type DynamicModule, Global, Module } from '@nestjs/common';
import { Clock, SystemClock } from './clock/clock.js';
import type { Config } from './config/config.js';
import { CONFIG } from './config/config.token.js';
import { FirstPassword } from './crypto/first-password.js';
import { Keys } from './crypto/keys.js';
import { Database } from './database/database.js';
import { SchemaOwner } from './database/schema-owner.js';
import { FrontDoorController } from './http/front-door.controller.js';
import { ProblemPagesController } from './http/problem-pages.controller.js';
import { ProblemStats } from './http/problem-stats.js';
import { AppLogger } from './logging/app-logger.js';
import { Threads } from './threads/threads.js';
import { Tls } from './tls/tls.js';

/** What a process has before its modules are made. */
export interface Runtime {
  readonly config: Config;
  readonly keys: Keys;
  readonly database: Database;
  readonly tls: Tls;
  readonly owner: SchemaOwner;
}

/** The settings, keys, clock, database and certificates of the process, for every module; and what stands at its root. */
@Global()
@Module({})
export class CommonModule {
  static forRoot({ config, keys, database, tls, owner }: Runtime): DynamicModule {
    const providers = [
      { provide: CONFIG, useValue: config },
      { provide: Keys, useValue: keys },
      { provide: Database, useValue: database },
      { provide: Tls, useValue: tls },
      { provide: SchemaOwner, useValue: owner },
      { provide: Clock, useClass: SystemClock },
      { provide: Threads, useFactory: () => new Threads({ size: config.threads }) },
      { provide: FirstPassword, useValue: new FirstPassword(config.dataDir) },
      AppLogger,
      ProblemStats,
    ];
    return {
      module: CommonModule,
      controllers: [FrontDoorController, ProblemPagesController],
      providers,
      exports: providers,
    };
  }
}
