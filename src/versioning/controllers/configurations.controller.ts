import { Body, Controller, Delete, Get, Headers, HttpCode, Patch, Post, Put, Query, Res } from '@nestjs/common';
import {
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
import { Conditional, etagOf, type Preconditions } from '../../common/http/etag.js';
import { ListQuery } from '../../common/http/list.js';
import { patchOf } from '../../common/http/merge-patch.js';
import { RequirePermission } from '../../common/http/permission.js';
import { Context } from '../../common/http/request-context.decorator.js';
import {
  checkedConfiguration,
  ConfigurationContentDto,
  ConfigurationDto,
  ConfigurationPageDto,
  CreateConfigurationDto,
  PatchConfigurationDto,
} from '../dto/configuration.dto.js';
import { ConfigurationsService, type ConfigurationWithBranches } from '../services/configurations.service.js';

const ApiAddress = (): MethodDecorator =>
  ApiParam({ name: 'id', example: 'name:edge', description: 'A UUID, or `name:` and the name.' });

@ApiTags('configurations')
@Controller('configurations')
export class ConfigurationsController {
  constructor(private readonly configurations: ConfigurationsService) {}

  @Post()
  @RequirePermission('configurations:write')
  @DryRun()
  @ApiOperation({ summary: 'Make a configuration with an empty branch `main`' })
  @ApiCreatedResponse({ type: ConfigurationDto })
  @ApiProblems(401, 403, 409, 422)
  async create(
    @Context() ctx: RequestContext,
    @Body() body: CreateConfigurationDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ConfigurationDto> {
    return created(reply, await this.configurations.create(ctx, body));
  }

  @Put(':id')
  @RequirePermission('configurations:write')
  @DryRun()
  @ApiOperation({ summary: 'Make a configuration by name, or change its description and tags' })
  @ApiAddress()
  @ApiHeader({ name: 'If-Match', required: false, example: '*', description: 'Demanded where something would change.' })
  @ApiOkResponse({ type: ConfigurationDto })
  @ApiCreatedResponse({ type: ConfigurationDto })
  @ApiProblems(401, 403, 404, 409, 412, 422, 428)
  async put(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Body() body: ConfigurationContentDto,
    @Conditional() preconditions: Preconditions,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ConfigurationDto> {
    const result = await this.configurations.put(ctx, address, body, preconditions);
    return result.created ? created(reply.status(201), result) : tagged(reply, result);
  }

  @Patch(':id')
  @RequirePermission('configurations:write')
  @DryRun()
  @ApiOperation({
    summary: 'Change description or tags of a configuration',
    description: 'JSON merge patch (RFC 7396): null removes.',
  })
  @ApiAddress()
  @ApiHeader({ name: 'If-Match', required: true, example: '*', description: 'The ETag that was last read, or `*`.' })
  @ApiBody({ type: PatchConfigurationDto })
  @ApiOkResponse({ type: ConfigurationDto })
  @ApiProblems(400, 401, 403, 404, 412, 422, 428)
  async patch(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Body() body: unknown,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ConfigurationDto> {
    return tagged(reply, await this.configurations.patch(ctx, address, patchOf(body), ifMatch, checkedConfiguration));
  }

  @Get()
  @RequirePermission('configurations:read')
  @ApiOperation({ summary: 'List configurations, by name unless told otherwise' })
  @ApiOkResponse({ type: ConfigurationPageDto })
  @ApiProblems(400, 401, 403, 422)
  async list(@Context() ctx: RequestContext, @Query() query: ListQuery): Promise<ConfigurationPageDto> {
    const { items, nextCursor } = await this.configurations.list(ctx, query);
    return { items: items.map((item) => ConfigurationDto.of(item)), nextCursor };
  }

  @Get(':id')
  @RequirePermission('configurations:read')
  @ApiOperation({ summary: 'Read a configuration and the heads of its branches' })
  @ApiAddress()
  @ApiOkResponse({ type: ConfigurationDto })
  @ApiProblems(401, 403, 404)
  async get(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ConfigurationDto> {
    return tagged(reply, await this.configurations.get(ctx, address));
  }

  @Delete(':id')
  @HttpCode(204)
  @RequirePermission('configurations:write')
  @DryRun()
  @ApiOperation({ summary: 'Delete a configuration with all its versions' })
  @ApiAddress()
  @ApiHeader({ name: 'If-Match', required: true, example: '*', description: 'The ETag that was last read, or `*`.' })
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404, 409, 412, 428)
  async delete(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    await this.configurations.delete(ctx, address, ifMatch);
  }
}

function tagged(reply: FastifyReply, found: ConfigurationWithBranches): ConfigurationDto {
  void reply.header('etag', etagOf(found.configuration.revision));
  return ConfigurationDto.of(found);
}

function created(reply: FastifyReply, made: ConfigurationWithBranches): ConfigurationDto {
  void reply.header('location', `/api/v1/configurations/${made.configuration.id}`);
  return tagged(reply, made);
}
