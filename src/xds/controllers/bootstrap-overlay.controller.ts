import { Body, Controller, Header, HttpCode, Post, Query, Res } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiConsumes,
  ApiExtraModels,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiProduces,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { RequestContext } from '../../common/context/request-context.js';
import { type Address, AddressParam } from '../../common/http/address.js';
import { ApiProblems } from '../../common/http/api-problems.js';
import { LargeBody } from '../../common/http/body-parsers.js';
import { PlansDryRun } from '../../common/http/dry-run.js';
import { RequirePermission } from '../../common/http/permission.js';
import { Context } from '../../common/http/request-context.decorator.js';
import { BootstrapOverlays } from '../bootstrap/bootstrap-overlays.service.js';
import { overlayYaml } from '../bootstrap/overlay-yaml.js';
import { OverlayQuery, OverlayReportDto } from '../dto/bootstrap-overlay.dto.js';

/** The beginning of one. */
const GIVEN = {
  admin: { address: { socket_address: { address: '127.0.0.1', port_value: 15000 } } },
  static_resources: { clusters: [{ name: 'legacy', type: 'STATIC', connect_timeout: '1s' }] },
};

@ApiTags('proxies')
@ApiBearerAuth()
@ApiExtraModels(OverlayReportDto)
@Controller('proxies')
export class BootstrapOverlayController {
  constructor(private readonly overlays: BootstrapOverlays) {}

  @Post(':id/bootstrap')
  @HttpCode(200)
  @LargeBody()
  // The body may hold private keys, and the answer holds it.
  @Header('cache-control', 'no-store')
  @RequirePermission('proxies:write')
  @PlansDryRun()
  @ApiOperation({
    summary: 'Lay EFMS over a bootstrap',
    description:
      'Answers the given bootstrap with the node, ADS from EFMS and the cluster that leads to it; its static resources and all else stay. Refused where names or addresses clash with what the proxy is assigned now, and where listeners or clusters come from elsewhere. Nothing is stored. Warnings stand as comments before YAML; `dryRun=true` answers them alone. Put a token in the place of EFMS_TOKEN.',
  })
  @ApiParam({ name: 'id', example: 'name:edge-1', description: 'UUID or `name:<name>`.' })
  @ApiConsumes('application/json', 'application/yaml')
  @ApiBody({
    description: '`envoy.config.bootstrap.v3.Bootstrap`',
    schema: { type: 'object', additionalProperties: true, example: GIVEN },
  })
  @ApiProduces('application/yaml', 'application/json')
  @ApiOkResponse({
    schema: {
      anyOf: [{ type: 'object', additionalProperties: true }, { $ref: getSchemaPath(OverlayReportDto) }],
      example: { node: { id: 'edge-1', cluster: 'edge' }, ...GIVEN },
    },
  })
  @ApiProblems(400, 401, 403, 404, 409, 413, 415, 422)
  async overlay(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Query() query: OverlayQuery,
    @Body() given: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<object | string> {
    const { bootstrap, warnings } = await this.overlays.overlay(ctx, address, { given, options: query });
    if (query.dryRun === 'true') return { findings: warnings } satisfies OverlayReportDto;
    if (query.format === 'json') return bootstrap;
    void reply.type('application/yaml; charset=utf-8');
    return overlayYaml(bootstrap, warnings);
  }
}
