import { Controller, Get, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { RequestContext } from '../../common/context/request-context.js';
import { type Address, AddressParam } from '../../common/http/address.js';
import { ApiProblems } from '../../common/http/api-problems.js';
import { RequirePermission } from '../../common/http/permission.js';
import { Context } from '../../common/http/request-context.decorator.js';
import { TrafficPageDto, TrafficQuery } from '../dto/traffic.dto.js';
import { TrafficQueries } from '../metrics/traffic-queries.js';

@ApiTags('traffic')
@ApiBearerAuth()
@Controller()
export class TrafficController {
  constructor(private readonly traffic: TrafficQueries) {}

  @Get('proxies/:id/stats')
  @RequirePermission('proxies:read')
  @ApiOperation({
    summary: 'Read what came of the requests of a proxy, step by step',
    description: 'As the proxy reports it itself (LRS). A step in which it reported nothing is left out.',
  })
  @ApiParam({ name: 'id', example: 'name:edge-1', description: 'UUID or `name:<name>`.' })
  @ApiOkResponse({ type: TrafficPageDto })
  @ApiProblems(400, 401, 403, 404, 422)
  ofProxy(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Query() query: TrafficQuery,
  ): Promise<TrafficPageDto> {
    return this.traffic.ofProxy(ctx, address, query);
  }

  @Get('proxy-groups/:id/stats')
  @RequirePermission('proxy-groups:read')
  @ApiOperation({
    summary: 'Read what came of the requests of a group’s proxies, step by step',
    description:
      'Of those that belong to it or to the groups under it now. With `by=snapshot` versions stand beside each other.',
  })
  @ApiParam({ name: 'id', example: 'name:edge', description: 'UUID or `name:<name>`.' })
  @ApiOkResponse({ type: TrafficPageDto })
  @ApiProblems(400, 401, 403, 404, 422)
  ofGroup(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Query() query: TrafficQuery,
  ): Promise<TrafficPageDto> {
    return this.traffic.ofGroup(ctx, address, query);
  }
}
