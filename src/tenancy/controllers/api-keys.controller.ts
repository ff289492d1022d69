import { Body, Controller, Delete, Get, Header, HttpCode, Post, Query, Res } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
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
import { RequirePermission } from '../../common/http/permission.js';
import { Context } from '../../common/http/request-context.decorator.js';
import { ApiKeyDto, ApiKeyPageDto, CreateApiKeyDto, IssuedApiKeyDto, ListApiKeysQuery } from '../dto/api-key.dto.js';
import { CurrentPrincipal, type Principal } from '../principal.js';
import { ApiKeys } from '../services/api-keys.service.js';

@ApiTags('api-keys')
@ApiBearerAuth()
@Controller('api-keys')
export class ApiKeysController {
  constructor(private readonly apiKeys: ApiKeys) {}

  @Post()
  @Header('cache-control', 'no-store')
  @RequirePermission('api-keys:write')
  @ApiOperation({ summary: 'Make an API key', description: 'It acts as you. The key is shown this once.' })
  @ApiCreatedResponse({ type: IssuedApiKeyDto })
  @ApiProblems(401, 403, 409, 422)
  async create(
    @Context() ctx: RequestContext,
    @CurrentPrincipal() principal: Principal,
    @Body() body: CreateApiKeyDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<IssuedApiKeyDto> {
    const { apiKey, key } = await this.apiKeys.issue(ctx, principal, body);
    void reply.header('location', `/api/v1/api-keys/${apiKey.id}`);
    return new IssuedApiKeyDto(apiKey, key);
  }

  @Get()
  @RequirePermission('api-keys:read')
  @ApiOperation({ summary: 'List the active API keys of the tenant' })
  @ApiOkResponse({ type: ApiKeyPageDto })
  @ApiProblems(400, 401, 403, 422)
  async list(@Context() ctx: RequestContext, @Query() query: ListApiKeysQuery): Promise<ApiKeyPageDto> {
    const { userId, ...rest } = query;
    const page = await this.apiKeys.list(ctx, rest, userId === undefined ? {} : { userId });
    return {
      items: page.items.map(({ apiKey, lastUsedAt }) => new ApiKeyDto(apiKey, lastUsedAt)),
      nextCursor: page.nextCursor,
    };
  }

  @Get(':id')
  @RequirePermission('api-keys:read')
  @ApiOperation({ summary: 'Read an active API key; never the key itself' })
  @ApiParam({ name: 'id', example: 'name:ci', description: 'UUID or `name:<name>`.' })
  @ApiOkResponse({ type: ApiKeyDto })
  @ApiProblems(401, 403, 404)
  async get(@Context() ctx: RequestContext, @AddressParam() address: Address): Promise<ApiKeyDto> {
    const { apiKey, lastUsedAt } = await this.apiKeys.get(ctx, address);
    return new ApiKeyDto(apiKey, lastUsedAt);
  }

  @Delete(':id')
  @HttpCode(204)
  @RequirePermission('api-keys:write')
  @DryRun()
  @ApiOperation({ summary: 'Revoke an API key', description: 'Every replica refuses it within a second.' })
  @ApiParam({ name: 'id', example: 'name:ci', description: 'UUID or `name:<name>`.' })
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404)
  revoke(@Context() ctx: RequestContext, @AddressParam() address: Address): Promise<void> {
    return this.apiKeys.revoke(ctx, address);
  }
}
