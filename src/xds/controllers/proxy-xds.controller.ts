import { Controller, Get, HttpCode, Post } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { RequestContext } from '../../common/context/request-context.js';
import { type Address, AddressParam } from '../../common/http/address.js';
import { ApiProblems } from '../../common/http/api-problems.js';
import { RequirePermission } from '../../common/http/permission.js';
import { Context } from '../../common/http/request-context.decorator.js';
import { type XdsAccount, XdsAccounts } from '../assignments/xds-accounts.js';
import { ProxyXdsDto } from '../dto/proxy-xds.dto.js';

@ApiTags('proxies')
@ApiBearerAuth()
@ApiParam({ name: 'id', example: 'name:edge-1', description: 'UUID or `name:<name>`.' })
@Controller('proxies')
export class ProxyXdsController {
  constructor(private readonly accounts: XdsAccounts) {}

  @Get(':id/xds')
  @RequirePermission('proxies:read')
  @ApiOperation({
    summary: 'Explain what a proxy has, wants, refused and waits for',
    description:
      'In sentences and as facts: its streams, what each type was sent and answered, and what is held back from it.',
  })
  @ApiOkResponse({ type: ProxyXdsDto })
  @ApiProblems(401, 403, 404)
  read(@Context() ctx: RequestContext, @AddressParam() address: Address): Promise<XdsAccount> {
    return this.accounts.read(ctx, address);
  }

  @Post(':id/offer-again')
  @HttpCode(200)
  @RequirePermission('deployments:write')
  @ApiOperation({
    summary: 'Offer a proxy again what is held back from it',
    description: 'Once the reason is gone for which it refused the snapshot that it is assigned, or went down on it.',
  })
  @ApiOkResponse({ type: ProxyXdsDto })
  @ApiProblems(401, 403, 404, 409)
  offerAgain(@Context() ctx: RequestContext, @AddressParam() address: Address): Promise<XdsAccount> {
    return this.accounts.offerAgain(ctx, address);
  }

  @Post(':id/take-over')
  @HttpCode(200)
  @RequirePermission('deployments:write')
  @ApiOperation({
    summary: 'Take over a proxy that claims resources EFMS never gave it',
    description:
      'What it has is replaced by what it is assigned. Until somebody says so, such a proxy is frozen and keeps it.',
  })
  @ApiOkResponse({ type: ProxyXdsDto })
  @ApiProblems(401, 403, 404, 409)
  takeOver(@Context() ctx: RequestContext, @AddressParam() address: Address): Promise<XdsAccount> {
    return this.accounts.takeOver(ctx, address);
  }
}
