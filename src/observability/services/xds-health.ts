import { Inject, Injectable } from '@nestjs/common';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { Drain } from '../../xds/index.js';

/** Says whether proxies may come. A replica with as many streams as it may have is up: it serves those, and answers the others itself. */
@Injectable()
export class XdsHealth {
  constructor(
    @Inject(Drain) private readonly drain: Drain,
    @Inject(HealthIndicatorService) private readonly indicators: HealthIndicatorService,
  ) {}

  check(): HealthIndicatorResult {
    const indicator = this.indicators.check('xds');
    return this.drain.hasBegun ? indicator.down() : indicator.up();
  }
}
