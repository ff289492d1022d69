import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiCreatedResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { RequestContext } from '../../common/context/request-context.js';
import { problems } from '../../common/errors/problem.js';
import { type Address, AddressParam } from '../../common/http/address.js';
import { ApiProblems } from '../../common/http/api-problems.js';
import { SecretBody } from '../../common/http/body-parsers.js';
import { ListQuery } from '../../common/http/list.js';
import { RequirePermission } from '../../common/http/permission.js';
import { Context } from '../../common/http/request-context.decorator.js';
import { SecretVersionDto, SecretVersionPageDto } from '../dto/secret.dto.js';
import { SecretValuesDto } from '../dto/secret-values.dto.js';
import { SecretContents } from '../secrets/secret-contents.js';
import { Secrets } from '../secrets/secrets.service.js';

const ApiNumber = (): MethodDecorator => ApiParam({ name: 'number', schema: { type: 'integer', example: 1 } });

@ApiTags('secrets')
@ApiBearerAuth()
@ApiParam({ name: 'id', example: 'name:edge-password', description: 'UUID or `name:<name>`.' })
@Controller('secrets/:id/versions')
export class SecretVersionsController {
  constructor(
    private readonly secrets: Secrets,
    private readonly contents: SecretContents,
  ) {}

  @Post()
  @SecretBody()
  @ApiBody({ type: SecretValuesDto, examples: { password: { value: { genericSecret: { value: 'battery staple' } } } } })
  @RequirePermission('secrets:write')
  @ApiOperation({
    summary: 'Rotate a secret: its new content is given to proxies at once',
    description: 'No new configuration is needed. Content equal to the current one makes no version: 200 with that.',
  })
  @ApiCreatedResponse({ type: SecretVersionDto })
  @ApiOkResponse({ type: SecretVersionDto })
  @ApiProblems(400, 401, 403, 404, 409, 413, 422)
  async rotate(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Body() body: SecretValuesDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SecretVersionDto> {
    const { version, created } = await this.secrets.rotate(ctx, address, this.contents.read(body));
    void reply.status(created ? 201 : 200);
    return version;
  }

  @Get()
  @RequirePermission('secrets:read')
  @ApiOperation({ summary: 'List the versions of a secret, newest first unless told otherwise' })
  @ApiOkResponse({ type: SecretVersionPageDto })
  @ApiProblems(400, 401, 403, 404, 422)
  list(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Query() query: ListQuery,
  ): Promise<SecretVersionPageDto> {
    return this.secrets.listVersions(ctx, address, query);
  }

  @Get(':number')
  @RequirePermission('secrets:read')
  @ApiOperation({ summary: 'Read what is known about a version; never its content' })
  @ApiNumber()
  @ApiOkResponse({ type: SecretVersionDto })
  @ApiProblems(401, 403, 404)
  get(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Param('number') number: string,
  ): Promise<SecretVersionDto> {
    return this.secrets.getVersion(ctx, address, versionNumber(number));
  }

  @Post(':number/activate')
  @HttpCode(200)
  @RequirePermission('secrets:write')
  @ApiOperation({ summary: 'Make a version the current one, an older one too', description: 'Proxies are given it.' })
  @ApiNumber()
  @ApiOkResponse({ type: SecretVersionDto })
  @ApiProblems(401, 403, 404, 409)
  activate(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Param('number') number: string,
  ): Promise<SecretVersionDto> {
    return this.secrets.activate(ctx, address, versionNumber(number));
  }
}

function versionNumber(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw problems.notFound({ detail: `"${text.slice(0, 80)}" is not the number of a version.` });
}
