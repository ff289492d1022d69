import { Body, Controller, Get, Header, Headers, HttpCode, Patch, Post, Query, Res } from '@nestjs/common';
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
import { etagOf } from '../../common/http/etag.js';
import { patchOf } from '../../common/http/merge-patch.js';
import { RequirePermission } from '../../common/http/permission.js';
import { Context } from '../../common/http/request-context.decorator.js';
import {
  InvitedUserDto,
  InviteUserDto,
  ListUsersQuery,
  newUserOf,
  PatchUserDto,
  UserDto,
  UserPageDto,
} from '../dto/user.dto.js';
import type { User } from '../entities/user.entity.js';
import { type Caller, CurrentCaller } from '../principal.js';
import { Users } from '../services/users.service.js';

const ID = { name: 'id', example: 'name:jo', description: 'UUID or `name:<username>`.' };

@ApiTags('users')
@ApiBearerAuth()
@Controller('users')
export class UsersController {
  constructor(private readonly users: Users) {}

  @Post()
  @Header('cache-control', 'no-store')
  @RequirePermission('users:write')
  @ApiOperation({ summary: 'Invite a user', description: 'The token of the invitation is shown this once.' })
  @ApiCreatedResponse({ type: InvitedUserDto })
  @ApiProblems(401, 403, 409, 422)
  async invite(
    @CurrentCaller() caller: Caller,
    @Body() body: InviteUserDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<InvitedUserDto> {
    const invited = await this.users.invite(caller, newUserOf(body));
    void reply.header('location', `/api/v1/users/${invited.user.id}`).header('etag', etagOf(invited.user.revision));
    return new InvitedUserDto(invited);
  }

  @Get()
  @RequirePermission('users:read')
  @ApiOperation({ summary: 'List the users of the tenant, by e-mail unless told otherwise' })
  @ApiOkResponse({ type: UserPageDto })
  @ApiProblems(400, 401, 403, 422)
  async list(@Context() ctx: RequestContext, @Query() query: ListUsersQuery): Promise<UserPageDto> {
    const { role, email, ...rest } = query;
    const filters = { ...(role === undefined ? {} : { role }), ...(email === undefined ? {} : { email }) };
    const page = await this.users.list(ctx, rest, filters);
    return { items: page.items.map((user) => new UserDto(user)), nextCursor: page.nextCursor };
  }

  @Get(':id')
  @RequirePermission('users:read')
  @ApiOperation({ summary: 'Read a user' })
  @ApiParam(ID)
  @ApiOkResponse({ type: UserDto })
  @ApiProblems(401, 403, 404)
  async get(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UserDto> {
    return tagged(reply, await this.users.get(ctx, address));
  }

  @Patch(':id')
  @RequirePermission('users:write')
  @DryRun()
  @ApiOperation({
    summary: 'Change role, permissions or names of a user',
    description: 'JSON merge patch (RFC 7396): null removes. Nobody gives more than they have.',
  })
  @ApiParam(ID)
  @ApiHeader({ name: 'if-match', required: true, example: '*', description: 'The ETag last read, or `*`.' })
  @ApiBody({ type: PatchUserDto })
  @ApiOkResponse({ type: UserDto })
  @ApiProblems(400, 401, 403, 404, 409, 412, 422, 428)
  async patch(
    @CurrentCaller() caller: Caller,
    @AddressParam() address: Address,
    @Body() body: unknown,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UserDto> {
    return tagged(reply, await this.users.patch(caller, address, patchOf(body), ifMatch));
  }

  @Post(':id/invitations')
  @Header('cache-control', 'no-store')
  @RequirePermission('users:write')
  @ApiOperation({
    summary: 'Invite a user again',
    description: 'For an invitation that ran out, or a lost password. The token is shown this once.',
  })
  @ApiParam(ID)
  @ApiCreatedResponse({ type: InvitedUserDto })
  @ApiProblems(401, 403, 404, 409)
  async reinvite(@CurrentCaller() caller: Caller, @AddressParam() address: Address): Promise<InvitedUserDto> {
    return new InvitedUserDto(await this.users.reinvite(caller, address));
  }

  @Post(':id/deactivate')
  @HttpCode(200)
  @RequirePermission('users:write')
  @DryRun()
  @ApiOperation({ summary: 'Deactivate a user', description: 'Sessions and API keys end; the keys for good.' })
  @ApiParam(ID)
  @ApiOkResponse({ type: UserDto })
  @ApiProblems(401, 403, 404, 409)
  async deactivate(@CurrentCaller() caller: Caller, @AddressParam() address: Address): Promise<UserDto> {
    return new UserDto(await this.users.deactivate(caller, address));
  }

  @Post(':id/reactivate')
  @HttpCode(200)
  @RequirePermission('users:write')
  @DryRun()
  @ApiOperation({ summary: 'Let a deactivated user back in' })
  @ApiParam(ID)
  @ApiOkResponse({ type: UserDto })
  @ApiProblems(401, 403, 404, 409)
  async reactivate(@CurrentCaller() caller: Caller, @AddressParam() address: Address): Promise<UserDto> {
    return new UserDto(await this.users.reactivate(caller, address));
  }

  @Post(':id/anonymise')
  @HttpCode(200)
  @RequirePermission('users:write')
  @DryRun()
  @ApiOperation({
    summary: 'Take out all that names the person',
    description: 'For good. Users are never deleted; the audit log keeps the names of its time.',
  })
  @ApiParam(ID)
  @ApiOkResponse({ type: UserDto })
  @ApiProblems(401, 403, 404, 409)
  async anonymise(@CurrentCaller() caller: Caller, @AddressParam() address: Address): Promise<UserDto> {
    return new UserDto(await this.users.anonymise(caller, address));
  }
}

function tagged(reply: FastifyReply, user: User): UserDto {
  void reply.header('etag', etagOf(user.revision));
  return new UserDto(user);
}
