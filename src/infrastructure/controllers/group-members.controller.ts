import { Controller, Delete, Get, HttpCode, Put, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { RequestContext } from '../../common/context/request-context.js';
import { type Address, AddressParam } from '../../common/http/address.js';
import { ApiProblems } from '../../common/http/api-problems.js';
import { DryRun } from '../../common/http/dry-run.js';
import { RequirePermission } from '../../common/http/permission.js';
import { Context } from '../../common/http/request-context.decorator.js';
import { ListProxiesQuery, ProxyPageDto } from '../dto/proxy.dto.js';
import {
  GroupMemberPageDto,
  ListMembershipEventsQuery,
  ListMembersQuery,
  MembershipEventPageDto,
} from '../dto/proxy-group.dto.js';
import { GroupMembers } from '../services/group-members.service.js';
import { selectorOf } from './conventions.js';

const PROXY_ID = { name: 'proxyId', example: 'name:edge-1', description: 'UUID or `name:<name>`.' };

@ApiTags('proxy groups')
@ApiBearerAuth()
@ApiParam({ name: 'id', example: 'name:edge', description: 'UUID or `name:<name>`.' })
@Controller('proxy-groups/:id')
export class GroupMembersController {
  constructor(private readonly members: GroupMembers) {}

  @Get('proxies')
  @RequirePermission('proxy-groups:read')
  @ApiOperation({
    summary: 'List the proxies of a group and of the groups under it',
    description: 'What a deployment to the group would target.',
  })
  @ApiOkResponse({ type: ProxyPageDto })
  @ApiProblems(400, 401, 403, 404, 422)
  proxies(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Query() query: ListProxiesQuery,
  ): Promise<ProxyPageDto> {
    const name = query.name === undefined ? {} : { namePrefix: query.name };
    return this.members.proxies(ctx, address, { ...name, labels: selectorOf(query.labels) }, query);
  }

  @Get('members')
  @RequirePermission('proxy-groups:read')
  @ApiOperation({ summary: 'List who belongs to the group itself, and why' })
  @ApiOkResponse({ type: GroupMemberPageDto })
  @ApiProblems(400, 401, 403, 404, 422)
  list(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Query() query: ListMembersQuery,
  ): Promise<GroupMemberPageDto> {
    return this.members.list(ctx, address, query);
  }

  @Put('members/:proxyId')
  @HttpCode(204)
  @RequirePermission('proxy-groups:write')
  @DryRun()
  @ApiOperation({ summary: 'Put a proxy into the group', description: 'Again changes nothing.' })
  @ApiParam(PROXY_ID)
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404)
  add(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @AddressParam('proxyId') proxy: Address,
  ): Promise<void> {
    return this.members.add(ctx, address, proxy);
  }

  @Delete('members/:proxyId')
  @HttpCode(204)
  @RequirePermission('proxy-groups:write')
  @DryRun()
  @ApiOperation({
    summary: 'Take a proxy out that was put in',
    description: 'One that the selector matches too still belongs to the group.',
  })
  @ApiParam(PROXY_ID)
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404)
  remove(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @AddressParam('proxyId') proxy: Address,
  ): Promise<void> {
    return this.members.remove(ctx, address, proxy);
  }

  @Get('membership-events')
  @RequirePermission('proxy-groups:read')
  @ApiOperation({ summary: 'List who joined and left the group, the newest first unless told otherwise' })
  @ApiOkResponse({ type: MembershipEventPageDto })
  @ApiProblems(400, 401, 403, 404, 422)
  events(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Query() query: ListMembershipEventsQuery,
  ): Promise<MembershipEventPageDto> {
    return this.members.events(ctx, address, query);
  }
}
