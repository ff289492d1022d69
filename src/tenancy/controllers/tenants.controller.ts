import { Body, Controller, Get, Headers, HttpCode, Patch, Post, Put, Query, Res } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiCreatedResponse,
  ApiHeader,
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
import { patchOf } from '../../common/http/merge-patch.js';
import { RequirePlatform } from '../../common/http/permission.js';
import { Context } from '../../common/http/request-context.decorator.js';
import {
  CreateTenantDto,
  firstAdminOf,
  ListTenantsQuery,
  MadeTenantDto,
  newTenantOf,
  PatchTenantDto,
  PutTenantDto,
  tenantContentOf,
  TenantDto,
  TenantPageDto,
} from '../dto/tenant.dto.js';
import type { Tenant } from '../services/tenant-rows.js';
import { Tenants } from '../services/tenants.service.js';

const ID = { name: 'id', example: 'name:acme', description: 'UUID or `name:<name>`.' };

@ApiTags('tenants')
@ApiBearerAuth()
@Controller('tenants')
export class TenantsController {
  constructor(private readonly tenants: Tenants) {}

  @Post()
  @RequirePlatform('tenants:write')
  @ApiOperation({
    summary: 'Make a tenant',
    description: 'For platform admins, as every route here. The invitation is shown this once.',
  })
  @ApiCreatedResponse({ type: MadeTenantDto })
  @ApiProblems(401, 403, 409, 422)
  async create(
    @Context() ctx: RequestContext,
    @Body() body: CreateTenantDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<MadeTenantDto> {
    const admin = body.admin && firstAdminOf(body.admin);
    const made = await this.tenants.create(ctx, newTenantOf(body), admin);
    void reply.header('location', `/api/v1/tenants/${made.tenant.id}`).header('etag', etagOf(made.tenant.revision));
    if (made.invitation) void reply.header('cache-control', 'no-store');
    return new MadeTenantDto(made);
  }

  @Get()
  @RequirePlatform('tenants:read')
  @ApiOperation({ summary: 'List tenants, by name unless told otherwise' })
  @ApiOkResponse({ type: TenantPageDto })
  @ApiProblems(400, 401, 403, 422)
  async list(@Context() ctx: RequestContext, @Query() query: ListTenantsQuery): Promise<TenantPageDto> {
    const { state, ...rest } = query;
    const page = await this.tenants.list(ctx, rest, state === undefined ? {} : { state });
    return { items: page.items.map((tenant) => new TenantDto(tenant)), nextCursor: page.nextCursor };
  }

  @Get(':id')
  @RequirePlatform('tenants:read')
  @ApiOperation({ summary: 'Read a tenant' })
  @ApiParam(ID)
  @ApiOkResponse({ type: TenantDto })
  @ApiProblems(401, 403, 404)
  async get(@AddressParam() address: Address, @Res({ passthrough: true }) reply: FastifyReply): Promise<TenantDto> {
    return tagged(reply, await this.tenants.get(address));
  }

  @Put(':id')
  @RequirePlatform('tenants:write')
  @DryRun()
  @ApiOperation({
    summary: 'Make a tenant by name, or make it what is given',
    description:
      'Can be repeated: equal content changes nothing. A change of an existing one needs If-Match. Invite its first admin through X-EFMS-Tenant.',
  })
  @ApiParam(ID)
  @ApiHeader({ name: 'if-match', required: false, example: '*', description: 'The ETag last read, or `*`.' })
  @ApiCreatedResponse({ type: TenantDto })
  @ApiOkResponse({ type: TenantDto })
  @ApiProblems(401, 403, 404, 409, 412, 422, 428)
  async put(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Body() body: PutTenantDto,
    @Conditional() preconditions: Preconditions,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TenantDto> {
    const { tenant, created } = await this.tenants.put(ctx, address, tenantContentOf(body), preconditions);
    if (created) void reply.status(201).header('location', `/api/v1/tenants/${tenant.id}`);
    return tagged(reply, tenant);
  }

  @Patch(':id')
  @RequirePlatform('tenants:write')
  @DryRun()
  @ApiOperation({ summary: 'Change parts of a tenant', description: 'JSON merge patch (RFC 7396): null removes.' })
  @ApiParam(ID)
  @ApiHeader({ name: 'if-match', required: true, example: '*', description: 'The ETag last read, or `*`.' })
  @ApiBody({ type: PatchTenantDto })
  @ApiOkResponse({ type: TenantDto })
  @ApiProblems(400, 401, 403, 404, 409, 412, 422, 428)
  async patch(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Body() body: unknown,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TenantDto> {
    return tagged(reply, await this.tenants.patch(ctx, address, patchOf(body), ifMatch));
  }

  @Post(':id/close')
  @HttpCode(200)
  @RequirePlatform('tenants:write')
  @DryRun()
  @ApiOperation({
    summary: 'Close a tenant',
    description: 'Logins, keys and streams of its proxies end; its Envoys keep what they have, and its data stays.',
  })
  @ApiParam(ID)
  @ApiOkResponse({ type: TenantDto })
  @ApiProblems(401, 403, 404, 409)
  async close(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TenantDto> {
    return tagged(reply, await this.tenants.close(ctx, address));
  }

  @Post(':id/reopen')
  @HttpCode(200)
  @RequirePlatform('tenants:write')
  @DryRun()
  @ApiOperation({ summary: 'Open a closed tenant again' })
  @ApiParam(ID)
  @ApiOkResponse({ type: TenantDto })
  @ApiProblems(401, 403, 404, 409)
  async reopen(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TenantDto> {
    return tagged(reply, await this.tenants.reopen(ctx, address));
  }
}

function tagged(reply: FastifyReply, tenant: Tenant): TenantDto {
  void reply.header('etag', etagOf(tenant.revision));
  return new TenantDto(tenant);
}
