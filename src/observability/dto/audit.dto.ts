import { ApiProperty, ApiPropertyOptional, IntersectionType } from '@nestjs/swagger';
import { IsIn, IsString, Matches, MaxDate, MaxLength, MinDate } from 'class-validator';
import { IsTimeText, MayBeLeftOut } from '../../common/http/request-fields.js';
import { PageQuery } from '../../common/http/page.js';

export const AUDIT_OUTCOMES = ['success', 'denied', 'failure'] as const;
export type AuditOutcome = (typeof AUDIT_OUTCOMES)[number];

const EARLIEST = new Date('2000-01-01T00:00:00Z');
const LATEST = new Date('9999-01-01T00:00:00Z');

/** One line of text that a column may hold. */
function IsSearchText(): PropertyDecorator {
  const checks = [
    MayBeLeftOut(),
    IsString(),
    MaxLength(300),
    Matches(/^[^\p{Cc}\p{Cs}]*$/u, { message: '$property must not contain control characters' }),
  ];
  return (target, key) => checks.forEach((check) => check(target, key));
}

export function IsTime(): PropertyDecorator {
  const message = '$property must be a time like 2030-01-01T00:00:00Z';
  const checks = [MayBeLeftOut(), IsTimeText(), MinDate(EARLIEST, { message }), MaxDate(LATEST, { message })];
  return (target, key) => checks.forEach((check) => check(target, String(key)));
}

export const AUDIT_SCOPES = ['tenant', 'platform'] as const;
export type AuditScopeName = (typeof AUDIT_SCOPES)[number];

/** Which audit log. */
export class AuditScopeQuery {
  @ApiPropertyOptional({
    enum: AUDIT_SCOPES,
    default: 'tenant',
    description: '`platform`: what belongs to no tenant, such as credentials that nobody knows; for platform admins.',
  })
  @MayBeLeftOut()
  @IsIn(AUDIT_SCOPES)
  scope?: AuditScopeName;
}

/** What to search the audit log for; everything that is given must match. */
export class AuditFilters extends AuditScopeQuery {
  @ApiPropertyOptional({ example: 'admin@efms.local', description: 'Who: the id of an actor, or its name.' })
  @IsSearchText()
  actor?: string;

  @ApiPropertyOptional({ example: 'create', description: 'What was done.' })
  @IsSearchText()
  action?: string;

  @ApiPropertyOptional({ example: 'envoy_proxies', description: 'To what kind of thing.' })
  @IsSearchText()
  resourceType?: string;

  @ApiPropertyOptional({ description: 'To which thing.' })
  @IsSearchText()
  resourceId?: string;

  @ApiPropertyOptional({ example: 'edge-1', description: 'The name that the thing had then.' })
  @IsSearchText()
  resourceName?: string;

  @ApiPropertyOptional({ enum: AUDIT_OUTCOMES, description: '`denied` finds what was refused.' })
  @MayBeLeftOut()
  @IsIn(AUDIT_OUTCOMES)
  outcome?: AuditOutcome;

  @ApiPropertyOptional({ description: 'The request that did it, as its answer named it in `x-request-id`.' })
  @IsSearchText()
  requestId?: string;

  @ApiPropertyOptional({ format: 'date-time', description: 'From this time on; absent: 30 days before `to`.' })
  @IsTime()
  from?: Date;

  @ApiPropertyOptional({ format: 'date-time', description: 'Before this time; absent: now.' })
  @IsTime()
  to?: Date;
}

export class AuditPageQuery extends IntersectionType(AuditFilters, PageQuery) {}

export class AuditActorDto {
  @ApiProperty({ enum: ['user', 'api_key', 'system', 'proxy'] })
  kind: string;

  @ApiProperty({ type: String, nullable: true })
  id: string | null;

  @ApiProperty({ example: 'admin@efms.local' })
  name: string;
}

export class AuditResourceDto {
  @ApiProperty({ example: 'envoy_proxies' })
  type: string;

  @ApiProperty({ type: String, nullable: true })
  id: string | null;

  @ApiProperty({ type: String, nullable: true, example: 'edge-1' })
  name: string | null;
}

export class AuditEntryDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ format: 'date-time', example: '2030-01-01T00:00:00.000000Z', description: 'With microseconds.' })
  at: string;

  @ApiProperty({ type: AuditActorDto })
  actor: AuditActorDto;

  @ApiProperty({ example: 'create' })
  action: string;

  @ApiProperty({ type: AuditResourceDto })
  resource: AuditResourceDto;

  @ApiProperty({ enum: AUDIT_OUTCOMES })
  outcome: string;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    example: { name: { old: 'edge-1', new: 'edge-2' } },
    description: 'Old and new values of what changed, or the reason of a refusal and its count. Secrets by name only.',
  })
  changes: Readonly<Record<string, unknown>>;

  @ApiProperty({ type: String, nullable: true, example: '127.0.0.1' })
  ip: string | null;

  @ApiProperty({ type: String, nullable: true })
  userAgent: string | null;

  @ApiProperty({ type: String, nullable: true })
  requestId: string | null;
}

export class AuditPageDto {
  @ApiProperty({ type: [AuditEntryDto] })
  items: readonly AuditEntryDto[];

  @ApiProperty({ type: String, nullable: true, description: 'Give it as `cursor` for older entries.' })
  nextCursor: string | null;
}
