import { Body, Controller, Delete, Get, Headers, HttpCode, Patch, Post, Put, Query, Res } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiCreatedResponse,
  ApiHeader,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { RequestContext } from '../../common/context/request-context.js';
import { type Address, AddressParam } from '../../common/http/address.js';
import { ApiProblems } from '../../common/http/api-problems.js';
import { DryRun } from '../../common/http/dry-run.js';
import { Conditional, type Preconditions } from '../../common/http/etag.js';
import { patchOf } from '../../common/http/merge-patch.js';
import { RequirePermission } from '../../common/http/permission.js';
import { Context } from '../../common/http/request-context.decorator.js';
import {
  CreateProxyGroupDto,
  ListProxyGroupsQuery,
  PatchProxyGroupDto,
  ProxyGroupDto,
  ProxyGroupPageDto,
  proxyGroupRequestOf,
  PutProxyGroupDto,
} from '../dto/proxy-group.dto.js';
import { ProxyGroups } from '../services/proxy-groups.service.js';
import { selectorOf, tagged } from './conventions.js';

const PATH = 'proxy-groups';
const ID = { name: 'id', example: 'name:edge', description: 'UUID or `name:<name>`.' };
const IF_MATCH = { name: 'if-match', required: false, example: '*', description: 'The ETag last read, or `*`.' };

@ApiTags('proxy groups')
@ApiBearerAuth()
@Controller(PATH)
export class ProxyGroupsController {
  constructor(private readonly groups: ProxyGroups) {}

  @Post()
  @RequirePermission('proxy-groups:write')
  @DryRun()
  @ApiOperation({ summary: 'Make a proxy group' })
  @ApiCreatedResponse({ type: ProxyGroupDto })
  @ApiProblems(401, 403, 409, 422)
  async create(
    @Context() ctx: RequestContext,
    @Body() body: CreateProxyGroupDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ProxyGroupDto> {
    const view = await this.groups.create(ctx, proxyGroupRequestOf(body.name, body));
    return tagged(reply, PATH, { view, created: true });
  }

  @Get()
  @RequirePermission('proxy-groups:read')
  @ApiOperation({ summary: 'List proxy groups, by name' })
  @ApiOkResponse({ type: ProxyGroupPageDto })
  @ApiProblems(400, 401, 403, 422)
  list(@Context() ctx: RequestContext, @Query() query: ListProxyGroupsQuery): Promise<ProxyGroupPageDto> {
    const filter = { namePrefix: query.name, parent: query.parent, labels: selectorOf(query.labels) };
    return this.groups.list(ctx, filter, query);
  }

  @Get(':id')
  @RequirePermission('proxy-groups:read')
  @ApiOperation({ summary: 'Read a proxy group' })
  @ApiParam(ID)
  @ApiOkResponse({ type: ProxyGroupDto })
  @ApiProblems(401, 403, 404)
  async get(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ProxyGroupDto> {
    return tagged(reply, PATH, { view: await this.groups.get(ctx, address) });
  }

  @Put(':id')
  @RequirePermission('proxy-groups:write')
  @DryRun()
  @ApiOperation({
    summary: 'Make a proxy group by name, or make it what is given',
    description: 'Can be repeated: equal content changes nothing. A change of an existing one needs If-Match.',
  })
  @ApiParam(ID)
  @ApiHeader(IF_MATCH)
  @ApiCreatedResponse({ type: ProxyGroupDto })
  @ApiOkResponse({ type: ProxyGroupDto })
  @ApiProblems(401, 403, 404, 409, 412, 422, 428)
  async put(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Body() body: PutProxyGroupDto,
    @Conditional() preconditions: Preconditions,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ProxyGroupDto> {
    return tagged(
      reply,
      PATH,
      await this.groups.put(ctx, address, (name) => proxyGroupRequestOf(name, body), preconditions),
    );
  }

  @Patch(':id')
  @RequirePermission('proxy-groups:write')
  @DryRun()
  @ApiOperation({ summary: 'Change parts of a proxy group', description: 'JSON merge patch (RFC 7396): null removes.' })
  @ApiParam(ID)
  @ApiHeader({ ...IF_MATCH, required: true })
  @ApiBody({ type: PatchProxyGroupDto })
  @ApiOkResponse({ type: ProxyGroupDto })
  @ApiProblems(400, 401, 403, 404, 409, 412, 422, 428)
  async patch(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Body() body: unknown,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ProxyGroupDto> {
    return tagged(reply, PATH, { view: await this.groups.patch(ctx, address, patchOf(body), ifMatch) });
  }

  @Delete(':id')
  @HttpCode(204)
  @RequirePermission('proxy-groups:write')
  @DryRun()
  @ApiOperation({
    summary: 'Delete a proxy group',
    description: 'Its proxies stay. Refused while groups are under it.',
  })
  @ApiParam(ID)
  @ApiHeader({ ...IF_MATCH, required: true })
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404, 409, 412, 428)
  remove(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    return this.groups.remove(ctx, address, ifMatch);
  }
}
