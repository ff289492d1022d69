import { Body, Controller, Get, HttpCode, Post, Query, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { RequestContext } from '../../common/context/request-context.js';
import { type Address, AddressParam } from '../../common/http/address.js';
import { ApiProblems } from '../../common/http/api-problems.js';
import { DryRun } from '../../common/http/dry-run.js';
import { RequirePermission } from '../../common/http/permission.js';
import { Context } from '../../common/http/request-context.decorator.js';
import { ProxyDto } from '../dto/proxy.dto.js';
import { ChangeLifecycleDto, LifecycleEventPageDto, ListLifecycleEventsQuery } from '../dto/proxy-lifecycle.dto.js';
import { ProxyLifecycle } from '../services/proxy-lifecycle.js';
import { tagged } from './conventions.js';

@ApiTags('proxies')
@ApiBearerAuth()
@ApiParam({ name: 'id', example: 'name:edge-1', description: 'UUID or `name:<name>`.' })
@Controller('proxies/:id')
export class ProxyLifecycleController {
  constructor(private readonly lifecycle: ProxyLifecycle) {}

  @Post('lifecycle')
  @HttpCode(200)
  @RequirePermission('proxies:write')
  @DryRun()
  @ApiOperation({
    summary: 'Say that a proxy runs, drains or is stopped',
    description:
      'Any state may follow any other; the one that it has changes nothing. EFMS tells it to whoever reads the proxy or follows ' +
      '`proxy.lifecycle_changed`; it does not itself act on the Envoy.',
  })
  @ApiOkResponse({ type: ProxyDto })
  @ApiProblems(401, 403, 404, 422)
  async change(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Body() body: ChangeLifecycleDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ProxyDto> {
    return tagged(reply, 'proxies', { view: await this.lifecycle.change(ctx, address, body) });
  }

  @Get('lifecycle-events')
  @RequirePermission('proxies:read')
  @ApiOperation({
    summary: 'List who changed the lifecycle of a proxy, when and why, the newest first',
    description: 'That of a proxy that was deleted is found by its id; its name may be that of another.',
  })
  @ApiOkResponse({ type: LifecycleEventPageDto })
  @ApiProblems(400, 401, 403, 404, 422)
  events(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Query() query: ListLifecycleEventsQuery,
  ): Promise<LifecycleEventPageDto> {
    return this.lifecycle.events(ctx, address, query);
  }
}
