import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsIn, IsInt, IsObject, IsString, Length, Max, MaxLength, Min, ValidateIf } from 'class-validator';
import { IsNumberText, MayBeLeftOut } from '../../common/http/request-fields.js';
import type { LargeDocument } from '../../common/documents/large-document.js';
import type { Finding } from '../../common/errors/finding.js';
import type { JsonObject } from '../services/diff/json-diff.js';
import type { SnapshotDiff } from '../services/diff/snapshot-diff.js';
import type { CommitReport } from '../services/version-commits.js';
import type { ValidationStatus, Version } from '../services/versions.service.js';
import { EXAMPLE_SNAPSHOT } from './example-snapshot.js';

const MAX_NUMBER = 2_147_483_647;

export class CommitVersionDto {
  @ApiPropertyOptional({ example: 'main', default: 'main' })
  @MayBeLeftOut()
  @IsString()
  @Length(1, 255)
  branch: string = 'main';

  @ApiProperty({
    type: 'integer',
    nullable: true,
    example: null,
    description: 'Number of the version that you believe to be the head of the branch; null while it has none.',
  })
  @ValidateIf((_, value) => value !== null)
  @IsInt({ message: 'expectedHead must be the number of the head version, or null for an empty branch' })
  @Min(1)
  @Max(MAX_NUMBER)
  expectedHead: number | null;

  @ApiPropertyOptional({ example: 'First version', default: '' })
  @MayBeLeftOut()
  @IsString()
  @MaxLength(2000)
  message: string = '';

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    example: EXAMPLE_SNAPSHOT,
    description:
      "Arrays of Envoy resources by kind (`listeners`, `routes`, `clusters`, `endpoints`, `secrets`, `runtimes`, `extensionConfigs`) in Envoy's proto3 JSON.",
  })
  // The document as it was sent: the transformation of DTOs would copy all of it.
  @Transform(({ obj }: { obj: { snapshot: unknown } }) => obj.snapshot)
  @IsObject()
  snapshot: Readonly<Record<string, unknown>> | LargeDocument;
}

export class CommitQuery {
  @ApiPropertyOptional({ enum: ['true', 'false'], description: 'Say what the commit would do, and store nothing.' })
  @MayBeLeftOut()
  @IsIn(['true', 'false'])
  dryRun?: 'true' | 'false';
}

export class VersionQuery {
  @ApiPropertyOptional({ enum: ['snapshot'], description: 'Add the content in canonical form.' })
  @MayBeLeftOut()
  @IsIn(['snapshot'])
  include?: 'snapshot';
}

export class DiffQuery {
  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    description: 'The version to compare with; the one it was committed on unless given.',
  })
  @MayBeLeftOut()
  @IsNumberText()
  @Min(1)
  @Max(MAX_NUMBER)
  against?: number;
}

export class ActorDto {
  @ApiProperty({ enum: ['user', 'api_key', 'system', 'proxy'] })
  kind: 'user' | 'api_key' | 'system' | 'proxy';

  @ApiProperty({ type: String, nullable: true })
  id: string | null;

  @ApiProperty({ example: 'admin@efms.local' })
  name: string;
}

export class ConfigurationNameDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ example: 'edge' })
  name: string;
}

/** A finding that did not refuse the version. */
export class WarningDto implements Finding {
  @ApiProperty({ example: '/snapshot/routes/0', description: 'RFC 6901, into the request.' })
  pointer: string;

  @ApiProperty({ example: 'route.unreachable', description: 'Stable identifier of the rule.' })
  rule: string;

  @ApiProperty({ example: 'no request reaches this route; the one before it matches everything' })
  detail: string;

  @ApiProperty({ enum: ['error', 'warning'], example: 'warning' })
  severity: 'error' | 'warning';
}

export class VersionDto implements Version {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ type: ConfigurationNameDto })
  configuration: ConfigurationNameDto;

  @ApiProperty({ type: 'integer', example: 1 })
  number: number;

  @ApiProperty({ description: 'SHA-256 of the canonical JSON in hex: equal content, equal hash.' })
  hash: string;

  @ApiProperty({ description: 'Hash of the encoded snapshot, by which assignments name it.' })
  snapshotHash: string;

  @ApiProperty({ example: 'main' })
  branch: string;

  @ApiProperty({ type: 'integer', nullable: true, example: null, description: 'The version it was committed on.' })
  parent: number | null;

  @ApiProperty({ example: 'First version' })
  message: string;

  @ApiProperty({ enum: ['pending', 'passed', 'failed'] })
  validation: ValidationStatus;

  @ApiProperty({ type: [WarningDto], description: 'Warnings of the validation.' })
  findings: readonly WarningDto[];

  @ApiProperty({ type: ActorDto })
  createdBy: ActorDto;

  @ApiProperty({ format: 'date-time' })
  createdAt: Date;

  @ApiPropertyOptional({ type: 'object', additionalProperties: true, description: 'With `include=snapshot`.' })
  snapshot?: Readonly<Record<string, unknown>>;
}

export class VersionPageDto {
  @ApiProperty({ type: [VersionDto] })
  items: readonly VersionDto[];

  @ApiProperty({ type: String, nullable: true })
  nextCursor: string | null;
}

export class ResourceNameDto {
  @ApiProperty({ example: 'route' })
  kind: string;

  @ApiProperty({ example: 'edge' })
  name: string;
}

const ANY_JSON = {
  oneOf: [
    { type: 'object', additionalProperties: true },
    { type: 'array', items: {} },
    { type: 'string' },
    { type: 'number' },
    { type: 'boolean' },
    { type: 'null' },
  ],
};

export class JsonChangeDto {
  @ApiProperty({ enum: ['add', 'remove', 'replace'] })
  op: string;

  @ApiProperty({ example: '/virtual_hosts/0/routes/0/route/cluster', description: 'RFC 6901, within the resource.' })
  pointer: string;

  @ApiPropertyOptional({ ...ANY_JSON, description: 'What was there.', example: 'web' })
  before?: JsonObject[string];

  @ApiPropertyOptional({ ...ANY_JSON, description: 'What is there.', example: 'web-2' })
  value?: JsonObject[string];
}

export class ChangedResourceDto extends ResourceNameDto {
  @ApiProperty({ type: [JsonChangeDto] })
  changes: readonly JsonChangeDto[];
}

export class SnapshotDiffDto {
  @ApiProperty({ type: [ResourceNameDto] })
  added: readonly ResourceNameDto[];

  @ApiProperty({ type: [ResourceNameDto] })
  removed: readonly ResourceNameDto[];

  @ApiProperty({ type: [ChangedResourceDto] })
  changed: readonly ChangedResourceDto[];
}

export class VersionDiffDto extends SnapshotDiffDto {
  @ApiProperty({ type: 'integer', nullable: true, example: 1, description: 'Null: compared with nothing.' })
  from: number | null;

  @ApiProperty({ type: 'integer', example: 2 })
  to: number;
}

export class CommitReportDto implements CommitReport {
  @ApiProperty({
    type: 'integer',
    example: 1,
    description: 'The number it would get; the number of the head where nothing changes.',
  })
  number: number;

  @ApiProperty({ example: 'main' })
  branch: string;

  @ApiProperty()
  hash: string;

  @ApiProperty()
  snapshotHash: string;

  @ApiProperty({ type: [WarningDto] })
  findings: readonly WarningDto[];

  @ApiProperty({ type: SnapshotDiffDto })
  diff: SnapshotDiff;

  @ApiProperty({ description: 'False where the content equals that of the head: then a commit makes no version.' })
  changes: boolean;
}
