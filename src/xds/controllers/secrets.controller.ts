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
import { SecretBody } from '../../common/http/body-parsers.js';
import { RequirePermission } from '../../common/http/permission.js';
import { Context } from '../../common/http/request-context.decorator.js';
import { Conditional, type Preconditions } from '../../common/http/etag.js';
import { patchOf } from '../../common/http/merge-patch.js';
import { tagged } from '../../infrastructure/index.js';
import {
  CreateSecretDto,
  ListSecretsQuery,
  PatchSecretDto,
  PutSecretDto,
  SecretDto,
  SecretPageDto,
  secretRequestOf,
  SecretUsesDto,
} from '../dto/secret.dto.js';
import { SecretContents } from '../secrets/secret-contents.js';
import { Secrets } from '../secrets/secrets.service.js';

const PATH = 'secrets';
const ID = { name: 'id', example: 'name:edge-password', description: 'UUID or `name:<name>`.' };
const IF_MATCH = { name: 'if-match', required: false, example: '*', description: 'The ETag last read, or `*`.' };

@ApiTags('secrets')
@ApiBearerAuth()
@Controller(PATH)
export class SecretsController {
  constructor(
    private readonly secrets: Secrets,
    private readonly contents: SecretContents,
  ) {}

  @Post()
  @SecretBody()
  @ApiBody({
    type: CreateSecretDto,
    examples: { password: { value: { name: 'edge-password', genericSecret: { value: 'correct horse' } } } },
  })
  @RequirePermission('secrets:write')
  @ApiOperation({ summary: 'Add a secret', description: 'Its content is sealed and never shown again.' })
  @ApiCreatedResponse({ type: SecretDto })
  @ApiProblems(400, 401, 403, 409, 413, 422)
  async create(
    @Context() ctx: RequestContext,
    @Body() body: CreateSecretDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SecretDto> {
    const view = await this.secrets.create(ctx, secretRequestOf(body.name, body, this.contents.read(body)));
    return tagged(reply, PATH, { view, created: true });
  }

  @Get()
  @RequirePermission('secrets:read')
  @ApiOperation({ summary: 'List secrets, by name' })
  @ApiOkResponse({ type: SecretPageDto })
  @ApiProblems(400, 401, 403, 422)
  list(@Context() ctx: RequestContext, @Query() query: ListSecretsQuery): Promise<SecretPageDto> {
    return this.secrets.list(ctx, { type: query.type }, query);
  }

  @Get(':id')
  @RequirePermission('secrets:read')
  @ApiOperation({ summary: 'Read what is known about a secret; never its content' })
  @ApiParam(ID)
  @ApiOkResponse({ type: SecretDto })
  @ApiProblems(401, 403, 404)
  async get(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SecretDto> {
    return tagged(reply, PATH, { view: await this.secrets.get(ctx, address) });
  }

  @Get(':id/uses')
  @RequirePermission('secrets:read')
  @ApiOperation({
    summary: 'Who uses a secret',
    description: 'Heads of branches, proxies that are assigned it, and those that would go back to it.',
  })
  @ApiParam(ID)
  @ApiOkResponse({ type: SecretUsesDto })
  @ApiProblems(401, 403, 404)
  async uses(@Context() ctx: RequestContext, @AddressParam() address: Address): Promise<SecretUsesDto> {
    return { items: await this.secrets.usesOf(ctx, address) };
  }

  @Put(':id')
  @SecretBody()
  @ApiBody({ type: PutSecretDto, examples: { password: { value: { genericSecret: { value: 'correct horse' } } } } })
  @RequirePermission('secrets:write')
  @ApiOperation({
    summary: 'Add a secret by name, or make it what is given',
    description:
      'Can be repeated: equal content changes nothing. Other content is a new version, which proxies are given at once; that needs If-Match.',
  })
  @ApiParam(ID)
  @ApiHeader(IF_MATCH)
  @ApiCreatedResponse({ type: SecretDto })
  @ApiOkResponse({ type: SecretDto })
  @ApiProblems(400, 401, 403, 404, 409, 412, 413, 422, 428)
  async put(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Body() body: PutSecretDto,
    @Conditional() preconditions: Preconditions,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SecretDto> {
    const content = this.contents.read(body);
    const written = await this.secrets.put(ctx, address, (name) => secretRequestOf(name, body, content), preconditions);
    return tagged(reply, PATH, written);
  }

  @Patch(':id')
  @SecretBody()
  @RequirePermission('secrets:write')
  @ApiOperation({
    summary: 'Change what is said about a secret',
    description: 'JSON merge patch (RFC 7396): null removes. Name, type and content are not changed by it.',
  })
  @ApiParam(ID)
  @ApiHeader({ ...IF_MATCH, required: true })
  @ApiBody({ type: PatchSecretDto })
  @ApiOkResponse({ type: SecretDto })
  @ApiProblems(400, 401, 403, 404, 409, 412, 422, 428)
  async patch(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Body() body: unknown,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SecretDto> {
    return tagged(reply, PATH, { view: await this.secrets.patch(ctx, address, patchOf(body), ifMatch) });
  }

  @Delete(':id')
  @HttpCode(204)
  @RequirePermission('secrets:write')
  @ApiOperation({
    summary: 'Delete a secret with all its versions',
    description: 'Refused while something uses it; the answer names what.',
  })
  @ApiParam(ID)
  @ApiHeader({ ...IF_MATCH, required: true })
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404, 409, 412, 422, 428)
  remove(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    return this.secrets.remove(ctx, address, ifMatch);
  }
}
