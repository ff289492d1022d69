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
  CreateContainerDto,
  ListContainersQuery,
  PatchContainerDto,
  ContainerDto,
  ContainerPageDto,
  containerRequestOf,
  PutContainerDto,
} from '../dto/container.dto.js';
import { Containers } from '../services/containers.service.js';
import { selectorOf, tagged } from './conventions.js';

const PATH = 'containers';
const ID = { name: 'id', example: 'name:web-1%2Fenvoy', description: 'UUID or `name:<name>`.' };
const IF_MATCH = { name: 'if-match', required: false, example: '*', description: 'The ETag last read, or `*`.' };

@ApiTags('containers')
@ApiBearerAuth()
@Controller(PATH)
export class ContainersController {
  constructor(private readonly containers: Containers) {}

  @Post()
  @RequirePermission('containers:write')
  @DryRun()
  @ApiOperation({ summary: 'Add a container' })
  @ApiCreatedResponse({ type: ContainerDto })
  @ApiProblems(401, 403, 409, 422)
  async create(
    @Context() ctx: RequestContext,
    @Body() body: CreateContainerDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ContainerDto> {
    const view = await this.containers.create(ctx, containerRequestOf(body.name, body));
    return tagged(reply, PATH, { view, created: true });
  }

  @Get()
  @RequirePermission('containers:read')
  @ApiOperation({ summary: 'List containers, by name' })
  @ApiOkResponse({ type: ContainerPageDto })
  @ApiProblems(400, 401, 403, 422)
  list(@Context() ctx: RequestContext, @Query() query: ListContainersQuery): Promise<ContainerPageDto> {
    const filter = { namePrefix: query.name, vm: query.vm, status: query.status, labels: selectorOf(query.labels) };
    return this.containers.list(ctx, filter, query);
  }

  @Get(':id')
  @RequirePermission('containers:read')
  @ApiOperation({ summary: 'Read a container' })
  @ApiParam(ID)
  @ApiOkResponse({ type: ContainerDto })
  @ApiProblems(401, 403, 404)
  async get(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ContainerDto> {
    return tagged(reply, PATH, { view: await this.containers.get(ctx, address) });
  }

  @Put(':id')
  @RequirePermission('containers:write')
  @DryRun()
  @ApiOperation({
    summary: 'Add a container by name, or make it what is given',
    description: 'Can be repeated: equal content changes nothing. A change of an existing one needs If-Match.',
  })
  @ApiParam(ID)
  @ApiHeader(IF_MATCH)
  @ApiCreatedResponse({ type: ContainerDto })
  @ApiOkResponse({ type: ContainerDto })
  @ApiProblems(401, 403, 404, 409, 412, 422, 428)
  async put(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Body() body: PutContainerDto,
    @Conditional() preconditions: Preconditions,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ContainerDto> {
    return tagged(
      reply,
      PATH,
      await this.containers.put(ctx, address, (name) => containerRequestOf(name, body), preconditions),
    );
  }

  @Patch(':id')
  @RequirePermission('containers:write')
  @DryRun()
  @ApiOperation({ summary: 'Change parts of a container', description: 'JSON merge patch (RFC 7396): null removes.' })
  @ApiParam(ID)
  @ApiHeader({ ...IF_MATCH, required: true })
  @ApiBody({ type: PatchContainerDto })
  @ApiOkResponse({ type: ContainerDto })
  @ApiProblems(400, 401, 403, 404, 409, 412, 422, 428)
  async patch(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Body() body: unknown,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ContainerDto> {
    return tagged(reply, PATH, { view: await this.containers.patch(ctx, address, patchOf(body), ifMatch) });
  }

  @Delete(':id')
  @HttpCode(204)
  @RequirePermission('containers:write')
  @DryRun()
  @ApiOperation({
    summary: 'Delete a container',
    description: 'Its history goes with it. Refused while a proxy names it.',
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
    return this.containers.remove(ctx, address, ifMatch);
  }
}
