import { Body, Controller, Delete, Get, Header, Headers, HttpCode, Post, Query, Res } from '@nestjs/common';
import {
  ApiBearerAuth,
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
import { ListQuery } from '../../common/http/list.js';
import { RequirePermission } from '../../common/http/permission.js';
import { Context } from '../../common/http/request-context.decorator.js';
import {
  CreateEnrolmentTokenDto,
  EnrolmentTokenDto,
  EnrolmentTokenPageDto,
  enrolmentTokenRequestOf,
  IssuedEnrolmentTokenDto,
} from '../dto/enrolment.dto.js';
import { EnrolmentTokens } from '../services/enrolment-tokens.service.js';
import { tagged } from './conventions.js';

const PATH = 'enrolment-tokens';
const ID = { name: 'id', example: 'name:edge-autumn', description: 'UUID or `name:<name>`.' };

@ApiTags('enrolment')
@ApiBearerAuth()
@Controller(PATH)
export class EnrolmentTokensController {
  constructor(private readonly tokens: EnrolmentTokens) {}

  @Post()
  @Header('cache-control', 'no-store')
  @RequirePermission('enrolment-tokens:write')
  @ApiOperation({ summary: 'Make an enrolment token', description: 'The token is shown this once.' })
  @ApiCreatedResponse({ type: IssuedEnrolmentTokenDto })
  @ApiProblems(401, 403, 409, 422)
  async create(
    @Context() ctx: RequestContext,
    @Body() body: CreateEnrolmentTokenDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<IssuedEnrolmentTokenDto> {
    const { view, token } = await this.tokens.create(ctx, enrolmentTokenRequestOf(body));
    return { ...tagged(reply, PATH, { view, created: true }), token };
  }

  @Get()
  @RequirePermission('enrolment-tokens:read')
  @ApiOperation({ summary: 'List enrolment tokens, by name' })
  @ApiOkResponse({ type: EnrolmentTokenPageDto })
  @ApiProblems(400, 401, 403, 422)
  list(@Context() ctx: RequestContext, @Query() query: ListQuery): Promise<EnrolmentTokenPageDto> {
    return this.tokens.list(ctx, query);
  }

  @Get(':id')
  @RequirePermission('enrolment-tokens:read')
  @ApiOperation({ summary: 'Read an enrolment token; never the token itself' })
  @ApiParam(ID)
  @ApiOkResponse({ type: EnrolmentTokenDto })
  @ApiProblems(401, 403, 404)
  async get(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<EnrolmentTokenDto> {
    return tagged(reply, PATH, { view: await this.tokens.get(ctx, address) });
  }

  @Delete(':id')
  @HttpCode(204)
  @RequirePermission('enrolment-tokens:write')
  @DryRun()
  @ApiOperation({ summary: 'End an enrolment token', description: 'Proxies that it enrolled stay.' })
  @ApiParam(ID)
  @ApiHeader({ name: 'if-match', required: true, example: '*', description: 'The ETag last read, or `*`.' })
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404, 412, 428)
  remove(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    return this.tokens.remove(ctx, address, ifMatch);
  }
}
