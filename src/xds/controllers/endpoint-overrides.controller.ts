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
import { changesOf } from '../../common/http/batch/batch-bodies.js';
import { BatchRoute } from '../../common/http/batch/batch-route.js';
import { BatchAnswerDto, BatchDto } from '../../common/http/batch/batch.dto.js';
import { DryRun } from '../../common/http/dry-run.js';
import { Conditional, type Preconditions } from '../../common/http/etag.js';
import { patchOf } from '../../common/http/merge-patch.js';
import { RequirePermission } from '../../common/http/permission.js';
import { Context } from '../../common/http/request-context.decorator.js';
import { tagged } from '../../infrastructure/index.js';
import {
  CreateEndpointOverrideDto,
  ENDPOINT_OVERRIDE_BODIES,
  EndpointOverrideDto,
  EndpointOverridePageDto,
  endpointOverrideRequestOf,
  ListEndpointOverridesQuery,
  PatchEndpointOverrideDto,
  PutEndpointOverrideDto,
} from '../dto/endpoint-override.dto.js';
import { EndpointOverrides } from '../overrides/endpoint-overrides.service.js';

const PATH = 'endpoint-overrides';
const WRITE = 'endpoint-overrides:write';
const TAG = 'endpoint overrides';
const ID = { name: 'id', example: 'name:replace-disk', description: 'UUID or `name:<name>`.' };
const IF_MATCH = { name: 'if-match', required: false, example: '*', description: 'The ETag last read, or `*`.' };

@ApiTags(TAG)
@ApiBearerAuth()
@Controller()
export class EndpointOverridesController {
  constructor(private readonly overrides: EndpointOverrides) {}

  @Post(PATH)
  @RequirePermission(WRITE)
  @DryRun()
  @ApiOperation({
    summary: 'Override an endpoint',
    description:
      'Proxies of the tenant whose endpoint sets have it are given its health or weight at once, without a new version of a configuration.',
  })
  @ApiCreatedResponse({ type: EndpointOverrideDto })
  @ApiProblems(400, 401, 403, 409, 422)
  async create(
    @Context() ctx: RequestContext,
    @Body() body: CreateEndpointOverrideDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<EndpointOverrideDto> {
    const view = await this.overrides.create(ctx, endpointOverrideRequestOf(body.name, body));
    return tagged(reply, PATH, { view, created: true });
  }

  @Get(PATH)
  @RequirePermission('endpoint-overrides:read')
  @ApiOperation({ summary: 'List endpoint overrides, by name' })
  @ApiOkResponse({ type: EndpointOverridePageDto })
  @ApiProblems(400, 401, 403, 422)
  list(@Context() ctx: RequestContext, @Query() query: ListEndpointOverridesQuery): Promise<EndpointOverridePageDto> {
    return this.overrides.list(ctx, { clusterName: query.clusterName }, query);
  }

  @Get(`${PATH}/:id`)
  @RequirePermission('endpoint-overrides:read')
  @ApiOperation({ summary: 'Read an endpoint override' })
  @ApiParam(ID)
  @ApiOkResponse({ type: EndpointOverrideDto })
  @ApiProblems(401, 403, 404)
  async get(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<EndpointOverrideDto> {
    return tagged(reply, PATH, { view: await this.overrides.get(ctx, address) });
  }

  @Put(`${PATH}/:id`)
  @RequirePermission(WRITE)
  @DryRun()
  @ApiOperation({
    summary: 'Override an endpoint by the name of the override, or make that what is given',
    description: 'Can be repeated: equal content changes nothing. A change of an existing one needs If-Match.',
  })
  @ApiParam(ID)
  @ApiHeader(IF_MATCH)
  @ApiCreatedResponse({ type: EndpointOverrideDto })
  @ApiOkResponse({ type: EndpointOverrideDto })
  @ApiProblems(401, 403, 404, 409, 412, 422, 428)
  async put(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Body() body: PutEndpointOverrideDto,
    @Conditional() preconditions: Preconditions,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<EndpointOverrideDto> {
    const written = await this.overrides.put(
      ctx,
      address,
      (name) => endpointOverrideRequestOf(name, body),
      preconditions,
    );
    return tagged(reply, PATH, written);
  }

  @Patch(`${PATH}/:id`)
  @RequirePermission(WRITE)
  @DryRun()
  @ApiOperation({
    summary: 'Change parts of an endpoint override',
    description: 'JSON merge patch (RFC 7396): null removes.',
  })
  @ApiParam(ID)
  @ApiHeader({ ...IF_MATCH, required: true })
  @ApiBody({ type: PatchEndpointOverrideDto })
  @ApiOkResponse({ type: EndpointOverrideDto })
  @ApiProblems(400, 401, 403, 404, 409, 412, 422, 428)
  async patch(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Body() body: unknown,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<EndpointOverrideDto> {
    return tagged(reply, PATH, { view: await this.overrides.patch(ctx, address, patchOf(body), ifMatch) });
  }

  @Delete(`${PATH}/:id`)
  @HttpCode(204)
  @RequirePermission(WRITE)
  @DryRun()
  @ApiOperation({
    summary: 'End an endpoint override',
    description: 'Proxies are given again what their snapshots say.',
  })
  @ApiParam(ID)
  @ApiHeader({ ...IF_MATCH, required: true })
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404, 412, 428)
  remove(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    return this.overrides.remove(ctx, address, ifMatch);
  }

  @BatchRoute({ path: PATH, tag: TAG, permission: WRITE, what: 'endpoint overrides' }, ENDPOINT_OVERRIDE_BODIES)
  async batch(@Context() ctx: RequestContext, @Body() body: BatchDto): Promise<BatchAnswerDto> {
    return BatchAnswerDto.of(await this.overrides.batch(ctx, await changesOf(ENDPOINT_OVERRIDE_BODIES, body)));
  }
}
