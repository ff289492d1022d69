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
import { CreateVmDto, ListVmsQuery, PatchVmDto, VmDto, VmPageDto, vmRequestOf, PutVmDto } from '../dto/vm.dto.js';
import { Vms } from '../services/vms.service.js';
import { selectorOf, tagged } from './conventions.js';

const PATH = 'vms';
const ID = { name: 'id', example: 'name:web-1', description: 'UUID or `name:<hostname>`.' };
const IF_MATCH = { name: 'if-match', required: false, example: '*', description: 'The ETag last read, or `*`.' };

@ApiTags('virtual machines')
@ApiBearerAuth()
@Controller(PATH)
export class VmsController {
  constructor(private readonly vms: Vms) {}

  @Post()
  @RequirePermission('vms:write')
  @DryRun()
  @ApiOperation({ summary: 'Add a virtual machine' })
  @ApiCreatedResponse({ type: VmDto })
  @ApiProblems(401, 403, 409, 422)
  async create(
    @Context() ctx: RequestContext,
    @Body() body: CreateVmDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<VmDto> {
    const view = await this.vms.create(ctx, vmRequestOf(body.hostname, body));
    return tagged(reply, PATH, { view, created: true });
  }

  @Get()
  @RequirePermission('vms:read')
  @ApiOperation({ summary: 'List virtual machines, by hostname' })
  @ApiOkResponse({ type: VmPageDto })
  @ApiProblems(400, 401, 403, 422)
  list(@Context() ctx: RequestContext, @Query() query: ListVmsQuery): Promise<VmPageDto> {
    const filter = {
      hostnamePrefix: query.hostname,
      region: query.region,
      status: query.status,
      labels: selectorOf(query.labels),
    };
    return this.vms.list(ctx, filter, query);
  }

  @Get(':id')
  @RequirePermission('vms:read')
  @ApiOperation({ summary: 'Read a virtual machine' })
  @ApiParam(ID)
  @ApiOkResponse({ type: VmDto })
  @ApiProblems(401, 403, 404)
  async get(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<VmDto> {
    return tagged(reply, PATH, { view: await this.vms.get(ctx, address) });
  }

  @Put(':id')
  @RequirePermission('vms:write')
  @DryRun()
  @ApiOperation({
    summary: 'Add a virtual machine by hostname, or make it what is given',
    description: 'Can be repeated: equal content changes nothing. A change of an existing one needs If-Match.',
  })
  @ApiParam(ID)
  @ApiHeader(IF_MATCH)
  @ApiCreatedResponse({ type: VmDto })
  @ApiOkResponse({ type: VmDto })
  @ApiProblems(401, 403, 404, 409, 412, 422, 428)
  async put(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Body() body: PutVmDto,
    @Conditional() preconditions: Preconditions,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<VmDto> {
    return tagged(
      reply,
      PATH,
      await this.vms.put(ctx, address, (hostname) => vmRequestOf(hostname, body), preconditions),
    );
  }

  @Patch(':id')
  @RequirePermission('vms:write')
  @DryRun()
  @ApiOperation({
    summary: 'Change parts of a virtual machine',
    description: 'JSON merge patch (RFC 7396): null removes.',
  })
  @ApiParam(ID)
  @ApiHeader({ ...IF_MATCH, required: true })
  @ApiBody({ type: PatchVmDto })
  @ApiOkResponse({ type: VmDto })
  @ApiProblems(400, 401, 403, 404, 409, 412, 422, 428)
  async patch(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Body() body: unknown,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<VmDto> {
    return tagged(reply, PATH, { view: await this.vms.patch(ctx, address, patchOf(body), ifMatch) });
  }

  @Delete(':id')
  @HttpCode(204)
  @RequirePermission('vms:write')
  @DryRun()
  @ApiOperation({ summary: 'Delete a virtual machine', description: 'Refused while containers or proxies are on it.' })
  @ApiParam(ID)
  @ApiHeader({ ...IF_MATCH, required: true })
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404, 409, 412, 428)
  remove(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    return this.vms.remove(ctx, address, ifMatch);
  }
}
