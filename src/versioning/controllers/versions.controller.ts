import { Body, Controller, Get, Param, Post, Query, Res } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
  ApiExtraModels,
  getSchemaPath,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { RequestContext } from '../../common/context/request-context.js';
import { type Address, AddressParam } from '../../common/http/address.js';
import { ApiProblems } from '../../common/http/api-problems.js';
import { PlansDryRun } from '../../common/http/dry-run.js';
import { etagOf } from '../../common/http/etag.js';
import { ListQuery } from '../../common/http/list.js';
import { LargeDocumentBody } from '../../common/http/body-parsers.js';
import { RequirePermission } from '../../common/http/permission.js';
import { Context } from '../../common/http/request-context.decorator.js';
import {
  CommitQuery,
  CommitReportDto,
  CommitVersionDto,
  DiffQuery,
  VersionDiffDto,
  VersionDto,
  VersionPageDto,
  VersionQuery,
} from '../dto/version.dto.js';
import { VersionCommits } from '../services/version-commits.js';
import { ApiNumber, versionNumber } from './version-number.js';
import { VersionsService } from '../services/versions.service.js';

@ApiTags('versions')
@ApiParam({ name: 'id', example: 'name:edge', description: 'A UUID, or `name:` and the name of the configuration.' })
@ApiExtraModels(CommitReportDto, VersionDto)
@Controller('configurations/:id/versions')
export class VersionsController {
  constructor(
    private readonly versions: VersionsService,
    private readonly commits: VersionCommits,
  ) {}

  @Post()
  @LargeDocumentBody('snapshot')
  @PlansDryRun()
  @RequirePermission('configurations:write')
  @ApiOperation({
    summary: 'Commit a complete snapshot as the next version',
    description:
      'Content that equals that of the head makes no version: the answer is then 200 with the head. With `dryRun=true` the answer is 200 with a report, and nothing is stored.',
  })
  @ApiCreatedResponse({ type: VersionDto })
  @ApiOkResponse({
    description: 'The head, whose content is the same; or the report of a dry run.',
    schema: { oneOf: [{ $ref: getSchemaPath(VersionDto) }, { $ref: getSchemaPath(CommitReportDto) }] },
  })
  @ApiProblems(400, 401, 403, 404, 409, 413, 415, 422)
  async commit(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Query() query: CommitQuery,
    @Body() body: CommitVersionDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<VersionDto | CommitReportDto> {
    if (query.dryRun === 'true') {
      void reply.status(200);
      return this.commits.dryRun(ctx, address, body);
    }
    const { version, created } = await this.commits.commit(ctx, address, body);
    const location = `/api/v1/configurations/${version.configuration.id}/versions/${version.number}`;
    void reply
      .status(created ? 201 : 200)
      .header('location', location)
      .header('etag', etagOf(version.number));
    return version;
  }

  @Get()
  @RequirePermission('configurations:read')
  @ApiOperation({ summary: 'List versions, newest first unless told otherwise' })
  @ApiOkResponse({ type: VersionPageDto })
  @ApiProblems(400, 401, 403, 404, 422)
  list(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Query() query: ListQuery,
  ): Promise<VersionPageDto> {
    return this.versions.list(ctx, address, query);
  }

  @Get(':number')
  @RequirePermission('configurations:read')
  @ApiOperation({ summary: 'Read a version, with its content if asked for' })
  @ApiNumber()
  @ApiOkResponse({ type: VersionDto })
  @ApiProblems(401, 403, 404)
  async get(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Param('number') number: string,
    @Query() { include }: VersionQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<VersionDto> {
    const read = include === 'snapshot' ? 'withSnapshot' : 'get';
    const version = await this.versions[read](ctx, address, versionNumber(number));
    void reply.header('etag', etagOf(version.number));
    return version;
  }

  @Get(':number/diff')
  @RequirePermission('configurations:read')
  @ApiOperation({ summary: 'What a version changed, by resource and JSON pointer' })
  @ApiNumber()
  @ApiOkResponse({ type: VersionDiffDto })
  @ApiProblems(400, 401, 403, 404)
  diff(
    @Context() ctx: RequestContext,
    @AddressParam() address: Address,
    @Param('number') number: string,
    @Query() { against }: DiffQuery,
  ): Promise<VersionDiffDto> {
    return this.versions.diff(ctx, address, versionNumber(number), against);
  }
}
