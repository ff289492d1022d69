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
  CreateProxyDto,
  ListProxiesQuery,
  PatchProxyDto,
  ProxyDto,
  ProxyPageDto,
  proxyRequestOf,
  PutProxyDto,
} from '../dto/proxy.dto.js';
import { Proxies } from '../services/proxies.service.js';
import { selectorOf, tagged } from './conventions.js';

const PATH = 'proxies';
const ID = { name: 'id', example: 'name:edge-1', description: 'UUID or `name:<name>`.' };
const IF_MATCH = { name: 'if-match', required: false, example: '*', description: 'The ETag last read, or `*`.' };

@ApiTags('proxies')
@ApiBearerAuth()
@Controller('proxies')
export class ProxiesController {
  constructor(private readonly proxies: Proxies) {}

  @Post()
  @RequirePermission('proxies:write')
  @DryRun()
  @ApiOperation({ summary: 'Register a proxy' })
  @ApiCreatedResponse({ type: ProxyDto })
  @ApiProblems(401, 403, 409, 422)
  async create(
    @Context() ctx: RequestContext,
    @Body() body: CreateProxyDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ProxyDto> {
    return tagged(reply, PATH, {
      view: await this.proxies.create(ctx, proxyRequestOf(body.name, body)),
      created: true,
    });
  }

  @Get()
  @RequirePermission('proxies:read')
  @ApiOperation({ summary: 'List proxies, by name' })
  @ApiOkResponse({ type: ProxyPageDto })
  @ApiProblems(400, 401, 403, 422)
  list(@Context() ctx: RequestContext, @Query() query: ListProxiesQuery): Promise<ProxyPageDto> {
    const labels = selectorOf(query.labels);
    const filter = { labels, ...(query.name === undefined ? {} : { namePrefix: query.name }) };
    return this.proxies.list(ctx, filter, query);
  }

  @Get(':id')
  @RequirePermission('proxies:read')
  @ApiOperation({ summary: 'Read a proxy and its status' })
  @ApiParam(ID)
  @ApiOkResponse({ type: ProxyDto })
  @ApiProblems(401, 403, 404)
  async get(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ProxyDto> {
    return tagged(reply, PATH, { view: await this.proxies.get(ctx, address) });
  }

  @Put(':id')
  @RequirePermission('proxies:write')
  @DryRun()
  @ApiOperation({
    summary: 'Register a proxy by name, or make it what is given',
    description: 'Can be repeated: equal content changes nothing. A change of an existing proxy needs If-Match.',
  })
  @ApiParam(ID)
  @ApiHeader(IF_MATCH)
  @ApiCreatedResponse({ type: ProxyDto })
  @ApiOkResponse({ type: ProxyDto })
  @ApiProblems(401, 403, 404, 409, 412, 422, 428)
  async put(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Body() body: PutProxyDto,
    @Conditional() preconditions: Preconditions,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ProxyDto> {
    return tagged(
      reply,
      PATH,
      await this.proxies.put(ctx, address, (name) => proxyRequestOf(name, body), preconditions),
    );
  }

  @Patch(':id')
  @RequirePermission('proxies:write')
  @DryRun()
  @ApiOperation({ summary: 'Change parts of a proxy', description: 'JSON merge patch (RFC 7396): null removes.' })
  @ApiParam(ID)
  @ApiHeader({ ...IF_MATCH, required: true })
  @ApiBody({ type: PatchProxyDto })
  @ApiOkResponse({ type: ProxyDto })
  @ApiProblems(401, 403, 404, 409, 412, 422, 428)
  async patch(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Body() body: unknown,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ProxyDto> {
    return tagged(reply, PATH, { view: await this.proxies.patch(ctx, address, patchOf(body), ifMatch) });
  }

  @Delete(':id')
  @HttpCode(204)
  @RequirePermission('proxies:write')
  @DryRun()
  @ApiOperation({
    summary: 'Delete a proxy with its credentials',
    description: 'Its streams end; its Envoy keeps what it has.',
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
    return this.proxies.remove(ctx, address, ifMatch);
  }
}
