import { Inject, Injectable } from '@nestjs/common';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { Database } from '../../common/database/database.js';

/** Says whether PostgreSQL answers. The reason stays in the log: probes are open to everybody. */
@Injectable()
export class DatabaseHealth {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(HealthIndicatorService) private readonly indicators: HealthIndicatorService,
  ) {}

  async check(): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check('database');
    return (await this.database.ping()) ? indicator.up() : indicator.down();
  }
}
