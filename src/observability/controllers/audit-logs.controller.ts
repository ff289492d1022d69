import { Controller, Get, Inject, Query, StreamableFile } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../../common/http/api-problems.js';
import { ApiStream } from '../../common/http/api-stream.js';
import { RequirePermission } from '../../common/http/permission.js';
import { type Caller, CurrentCaller } from '../../tenancy/index.js';
import { AuditChainDto, AuditChainQuery } from '../dto/audit-chain.dto.js';
import { AuditEntryDto, AuditFilters, AuditPageDto, AuditPageQuery } from '../dto/audit.dto.js';
import { AuditScopes } from '../services/audit-scopes.js';
import { AuditVerification } from '../services/audit-verification.js';
import { AuditLog } from '../services/audit-log.js';

@ApiTags('audit')
@Controller('audit-logs')
@RequirePermission('audit:read')
export class AuditLogsController {
  constructor(
    @Inject(AuditLog) private readonly audit: AuditLog,
    @Inject(AuditScopes) private readonly scopes: AuditScopes,
    @Inject(AuditVerification) private readonly verification: AuditVerification,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'Search the audit log, newest first',
    description: 'Every write, login and refused access of the tenant. Without `from` the last 30 days are searched.',
  })
  @ApiOkResponse({ type: AuditPageDto })
  @ApiProblems(400, 401, 403, 422)
  search(@CurrentCaller() caller: Caller, @Query() { scope, ...query }: AuditPageQuery): Promise<AuditPageDto> {
    return this.audit.search(this.scopes.of(caller, scope), query);
  }

  @Get('export')
  @ApiOperation({
    summary: 'Export the audit log, oldest first',
    description:
      'One JSON object per line, each as in the list. An export that fails on its way breaks off without the end of a response.',
  })
  @ApiStream({
    mediaType: 'application/x-ndjson',
    item: AuditEntryDto,
    description: 'NDJSON',
    example: '{"id": "…", "action": "create"}\n',
  })
  @ApiProblems(401, 403, 422)
  async export(@CurrentCaller() caller: Caller, @Query() { scope, ...filters }: AuditFilters): Promise<StreamableFile> {
    const type = 'application/x-ndjson';
    const disposition = 'attachment; filename="audit-logs.ndjson"';
    return new StreamableFile(await this.audit.export(this.scopes.of(caller, scope), filters), { type, disposition });
  }

  @Get('chain')
  @ApiOperation({
    summary: 'Verify the audit log against its chain of hashes',
    description:
      'Each entry is chained within seconds to the one before it. The answer names the first entry that was changed, removed or slipped in.',
  })
  @ApiOkResponse({ type: AuditChainDto })
  @ApiProblems(401, 403, 422)
  verify(@CurrentCaller() caller: Caller, @Query() { scope, ...query }: AuditChainQuery): Promise<AuditChainDto> {
    return this.verification.verify(this.scopes.of(caller, scope), query);
  }
}
