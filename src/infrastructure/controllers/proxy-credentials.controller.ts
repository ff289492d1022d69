import { Body, Controller, Delete, Get, Header, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiProduces,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { RequestContext } from '../../common/context/request-context.js';
import { type Address, AddressParam } from '../../common/http/address.js';
import { ApiProblems } from '../../common/http/api-problems.js';
import { SecretBody } from '../../common/http/body-parsers.js';
import { DryRun } from '../../common/http/dry-run.js';
import { ListQuery } from '../../common/http/list.js';
import { RequirePermission } from '../../common/http/permission.js';
import { Context } from '../../common/http/request-context.decorator.js';
import { bootstrapYaml } from '../bootstrap/render-bootstrap.js';
import {
  BootstrapQuery,
  CreateProxyCredentialDto,
  IssuedProxyCredentialDto,
  NewProxyCredentialDto,
  overlapOf,
  ProxyCredentialDto,
  ProxyCredentialPageDto,
  RevokeCredentialQuery,
  RotateProxyCredentialDto,
} from '../dto/proxy-credential.dto.js';
import { type NewCredential, ProxyCredentials } from '../services/proxy-credentials.service.js';

/** The beginning of one. */
const EXAMPLE_BOOTSTRAP = {
  node: { id: 'edge-1', cluster: 'edge' },
  dynamic_resources: { ads_config: { api_type: 'DELTA_GRPC' } },
};

@ApiTags('proxies')
@ApiBearerAuth()
@ApiParam({ name: 'id', example: 'name:edge-1', description: 'UUID or `name:<name>`.' })
@Controller('proxies/:id')
export class ProxyCredentialsController {
  constructor(private readonly credentials: ProxyCredentials) {}

  @Post('credentials')
  @Header('cache-control', 'no-store')
  @SecretBody()
  @RequirePermission('credentials:write')
  @ApiOperation({
    summary: 'Issue a token, or register a client certificate',
    description:
      'Token and complete bootstrap are shown this once. With `certificate` nothing is issued: the proxy proves itself with the key of that certificate. Several credentials are good beside each other, so the next certificate is registered before the last one ends.',
  })
  @ApiCreatedResponse({ type: NewProxyCredentialDto })
  @ApiProblems(400, 401, 403, 404, 409, 422)
  async issue(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Body() body: CreateProxyCredentialDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<NewProxyCredentialDto> {
    const credential = await this.credentials.add(ctx, address, body);
    void reply.header('location', locationOf(credential));
    return new NewProxyCredentialDto(credential);
  }

  @Get('credentials')
  @RequirePermission('credentials:read')
  @ApiOperation({ summary: 'List the credentials of a proxy, revoked ones too' })
  @ApiOkResponse({ type: ProxyCredentialPageDto })
  @ApiProblems(400, 401, 403, 404, 422)
  async list(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Query() query: ListQuery,
  ): Promise<ProxyCredentialPageDto> {
    const page = await this.credentials.list(ctx, address, query);
    return { items: page.items.map((item) => new ProxyCredentialDto(item)), nextCursor: page.nextCursor };
  }

  @Get('credentials/:credentialId')
  @RequirePermission('credentials:read')
  @ApiOperation({ summary: 'Read a credential; never the token itself' })
  @ApiOkResponse({ type: ProxyCredentialDto })
  @ApiProblems(401, 403, 404)
  async get(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Param('credentialId') credentialId: string,
  ): Promise<ProxyCredentialDto> {
    return new ProxyCredentialDto(await this.credentials.get(ctx, address, credentialId));
  }

  @Delete('credentials/:credentialId')
  @HttpCode(204)
  @RequirePermission('credentials:write')
  @DryRun()
  @ApiOperation({ summary: 'Revoke a credential', description: 'Streams that use it end. It stays listed.' })
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404, 422)
  revoke(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Param('credentialId') credentialId: string,
    @Query() query: RevokeCredentialQuery,
  ): Promise<void> {
    return this.credentials.revoke(ctx, address, credentialId, query.reason);
  }

  @Post('credentials/:credentialId/rotate')
  @Header('cache-control', 'no-store')
  @RequirePermission('credentials:write')
  @ApiOperation({
    summary: 'Issue the successor of a credential',
    description: 'The old one goes on for the overlap and then ends, so that the Envoy can be restarted in between.',
  })
  @ApiCreatedResponse({ type: IssuedProxyCredentialDto })
  @ApiProblems(401, 403, 404, 409, 422)
  async rotate(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Param('credentialId') credentialId: string,
    @Body() body: RotateProxyCredentialDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<IssuedProxyCredentialDto> {
    const wanted = { overlap: overlapOf(body), name: body.name };
    const issued = await this.credentials.rotate(ctx, address, credentialId, wanted);
    void reply.header('location', locationOf(issued));
    return new IssuedProxyCredentialDto(issued);
  }

  @Get('bootstrap')
  @RequirePermission('proxies:read')
  @ApiOperation({
    summary: 'Render the bootstrap',
    description:
      'Put a token in the place of EFMS_TOKEN: Envoy expands no variables there. With `credential=certificate` there is no token, and Envoy reads certificate and key from files.',
  })
  @ApiProduces('application/yaml', 'application/json')
  @ApiOkResponse({ schema: { type: 'object', additionalProperties: true, example: EXAMPLE_BOOTSTRAP } })
  @ApiProblems(401, 403, 404, 409, 422)
  async bootstrap(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Query() query: BootstrapQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<object | string> {
    const bootstrap = await this.credentials.bootstrap(ctx, address, query);
    if (query.format === 'json') return bootstrap;
    void reply.type('application/yaml; charset=utf-8');
    return bootstrapYaml(bootstrap);
  }
}

const locationOf = ({ credential }: Pick<NewCredential, 'credential'>): string =>
  `/api/v1/proxies/${credential.proxyId}/credentials/${credential.id}`;
