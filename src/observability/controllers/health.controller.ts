import { Controller, Get, Inject } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { HealthCheckService, type HealthCheckResult } from '@nestjs/terminus';
import { ApiProblems } from '../../common/http/api-problems.js';
import { PublicRoute } from '../../common/http/permission.js';
import { AliveDto, ReadyDto } from '../dto/health.dto.js';
import { DatabaseHealth } from '../services/database-health.js';
import { XdsHealth } from '../services/xds-health.js';

/** Probes for whoever runs the process. They say up or down and nothing about the installation. */
@ApiTags('health')
@PublicRoute()
@Controller('health')
export class HealthController {
  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(DatabaseHealth) private readonly database: DatabaseHealth,
    @Inject(XdsHealth) private readonly xds: XdsHealth,
  ) {}

  @Get('live')
  @ApiOperation({ summary: 'The process runs; restart it where this fails' })
  @ApiOkResponse({ description: 'Alive', type: AliveDto })
  live(): AliveDto {
    return { status: 'ok' };
  }

  @Get('ready')
  @ApiOperation({ summary: 'The process can serve requests; send it none where this fails' })
  @ApiOkResponse({ description: 'Ready', type: ReadyDto })
  @ApiProblems()
  ready(): Promise<HealthCheckResult> {
    return this.health.check([() => this.database.check(), () => this.xds.check()]);
  }

  @Get('startup')
  @ApiOperation({ summary: 'The start is over: migrations have run and both ports listen' })
  @ApiOkResponse({ description: 'Started', type: AliveDto })
  startup(): AliveDto {
    return { status: 'ok' };
  }
}
