import { Controller, Get } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { RequestContext } from '../../common/context/request-context.js';
import { type Address, AddressParam } from '../../common/http/address.js';
import { ApiProblems } from '../../common/http/api-problems.js';
import { RequirePermission } from '../../common/http/permission.js';
import { Context } from '../../common/http/request-context.decorator.js';
import { ProxySyncDto } from '../dto/proxy-sync.dto.js';
import { ProxySync, type ProxySyncView } from '../ledger/proxy-sync.js';

@ApiTags('proxies')
@ApiBearerAuth()
@Controller('proxies')
export class ProxySyncController {
  constructor(private readonly sync: ProxySync) {}

  @Get(':id/sync')
  @RequirePermission('proxies:read')
  @ApiOperation({ summary: 'Read how far a proxy is with its configuration, per type' })
  @ApiParam({ name: 'id', example: 'name:edge-1', description: 'UUID or `name:<name>`.' })
  @ApiOkResponse({ type: ProxySyncDto })
  @ApiProblems(401, 403, 404)
  read(@Context() ctx: RequestContext, @AddressParam() address: Address): Promise<ProxySyncView> {
    return this.sync.read(ctx, address);
  }
}
