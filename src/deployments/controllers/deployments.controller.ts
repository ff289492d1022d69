import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { isUuid } from '../../common/context/ids.js';
import type { RequestContext } from '../../common/context/request-context.js';
import { ApiProblems } from '../../common/http/api-problems.js';
import { PlansDryRun } from '../../common/http/dry-run.js';
import { ListQuery } from '../../common/http/list.js';
import { PageQuery } from '../../common/http/page.js';
import { RequirePermission } from '../../common/http/permission.js';
import { Context } from '../../common/http/request-context.decorator.js';
import { deploymentNotFound } from '../deployments.errors.js';
import {
  DeploymentDetailsDto,
  DeploymentPageDto,
  DeploymentPlanDto,
  StartDeploymentDto,
  StartQuery,
} from '../dto/deployment.dto.js';
import { DeploymentReader } from '../services/deployment-reader.js';
import { DeploymentsService } from '../services/deployments.service.js';

const ApiId = (): MethodDecorator => ApiParam({ name: 'id', format: 'uuid' });

/** A deployment as it is right after a write. */
const FIRST_PAGE = { limit: 50 };

@ApiTags('deployments')
@Controller('deployments')
export class DeploymentsController {
  constructor(
    private readonly deployments: DeploymentsService,
    private readonly reader: DeploymentReader,
  ) {}

  @Post()
  @HttpCode(202)
  @RequirePermission('deployments:write')
  @PlansDryRun()
  @ApiOperation({
    summary: 'Move proxies to a version',
    description:
      'Follow the deployment at `Location`. With `dryRun=true` the answer is 200 with the plan, and nothing is started.',
  })
  @ApiAcceptedResponse({ type: DeploymentDetailsDto })
  @ApiOkResponse({ type: DeploymentPlanDto, description: 'The plan, with `dryRun=true`.' })
  @ApiProblems(400, 401, 403, 409, 422)
  async start(
    @Context() ctx: RequestContext,
    @Query() query: StartQuery,
    @Body() body: StartDeploymentDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<DeploymentDetailsDto | DeploymentPlanDto> {
    if (query.dryRun === 'true') {
      void reply.status(200);
      return DeploymentPlanDto.of(await this.deployments.plan(ctx, body));
    }
    const id = await this.deployments.start(ctx, body);
    void reply.header('location', `/api/v1/deployments/${id}`);
    return this.reader.get(ctx, id, FIRST_PAGE);
  }

  @Get()
  @RequirePermission('deployments:read')
  @ApiOperation({ summary: 'List deployments, newest first' })
  @ApiOkResponse({ type: DeploymentPageDto })
  @ApiProblems(400, 401, 403)
  list(@Context() ctx: RequestContext, @Query() query: ListQuery): Promise<DeploymentPageDto> {
    return this.reader.list(ctx, query);
  }

  @Get(':id')
  @RequirePermission('deployments:read')
  @ApiOperation({
    summary: 'Read progress, targets and timeline',
    description: '`limit` and `cursor` page through the targets.',
  })
  @ApiId()
  @ApiOkResponse({ type: DeploymentDetailsDto })
  @ApiProblems(400, 401, 403, 404)
  get(
    @Context() ctx: RequestContext,
    @Param('id') id: string,
    @Query() query: PageQuery,
  ): Promise<DeploymentDetailsDto> {
    return this.reader.get(ctx, deploymentId(id), query);
  }

  @Post(':id/abort')
  @HttpCode(200)
  @RequirePermission('deployments:write')
  @ApiOperation({ summary: 'Stop a deployment; proxies keep what they were assigned' })
  @ApiId()
  @ApiOkResponse({ type: DeploymentDetailsDto })
  @ApiProblems(401, 403, 404, 409)
  async abort(@Context() ctx: RequestContext, @Param('id') id: string): Promise<DeploymentDetailsDto> {
    await this.deployments.abort(ctx, deploymentId(id));
    return this.reader.get(ctx, id, FIRST_PAGE);
  }
}

/** Deployments have no names. */
function deploymentId(text: string): string {
  if (isUuid(text)) return text;
  throw deploymentNotFound(text.slice(0, 80));
}
