import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { RequestContext } from '../../common/context/request-context.js';
import { type Address, AddressParam } from '../../common/http/address.js';
import { ApiProblems } from '../../common/http/api-problems.js';
import { RequirePermission } from '../../common/http/permission.js';
import { Context } from '../../common/http/request-context.decorator.js';
import { TrafficPageDto, VersionTrafficQuery } from '../../xds/index.js';
import { VersionTraffic } from '../services/version-traffic.js';
import { ApiNumber, versionNumber } from './version-number.js';

@ApiTags('traffic')
@ApiBearerAuth()
@ApiParam({ name: 'id', example: 'name:edge', description: 'A UUID, or `name:` and the name of the configuration.' })
@Controller('configurations/:id/versions')
export class VersionTrafficController {
  constructor(private readonly traffic: VersionTraffic) {}

  @Get(':number/stats')
  @RequirePermission('configurations:read')
  @ApiOperation({
    summary: 'Read what came of requests while proxies had a version, step by step',
    description: 'Of all proxies, each while it had the version in full; versions of equal content are one.',
  })
  @ApiNumber()
  @ApiOkResponse({ type: TrafficPageDto })
  @ApiProblems(400, 401, 403, 404, 422)
  read(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Param('number') number: string,
    @Query() query: VersionTrafficQuery,
  ): Promise<TrafficPageDto> {
    return this.traffic.read(ctx, address, versionNumber(number), query);
  }
}
