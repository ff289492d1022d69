import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { RequestContext } from '../../common/context/request-context.js';
import { type Address, AddressParam } from '../../common/http/address.js';
import { ApiProblems } from '../../common/http/api-problems.js';
import { DryRun } from '../../common/http/dry-run.js';
import { PageQuery } from '../../common/http/page.js';
import { RequirePermission } from '../../common/http/permission.js';
import { Context } from '../../common/http/request-context.decorator.js';
import { ContainerEventDto, ContainerEventPageDto, ReportContainerEventDto } from '../dto/container.dto.js';
import { Containers } from '../services/containers.service.js';

@ApiTags('containers')
@ApiBearerAuth()
@ApiParam({ name: 'id', example: 'name:web-1%2Fenvoy', description: 'UUID or `name:<name>`.' })
@Controller('containers/:id/events')
export class ContainerEventsController {
  constructor(private readonly containers: Containers) {}

  @Post()
  @RequirePermission('containers:write')
  @DryRun()
  @ApiOperation({
    summary: 'Report what happened to a container',
    description: 'Its status follows, unless something later is known already.',
  })
  @ApiCreatedResponse({ type: ContainerEventDto })
  @ApiProblems(401, 403, 404, 422)
  report(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Body() body: ReportContainerEventDto,
  ): Promise<ContainerEventDto> {
    return this.containers.report(ctx, address, body);
  }

  @Get()
  @RequirePermission('containers:read')
  @ApiOperation({ summary: 'List what happened to a container, the newest report first' })
  @ApiOkResponse({ type: ContainerEventPageDto })
  @ApiProblems(400, 401, 403, 404, 422)
  list(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Query() query: PageQuery,
  ): Promise<ContainerEventPageDto> {
    return this.containers.events(ctx, address, query);
  }
}
