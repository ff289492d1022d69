import { ApiExtraModels, ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsDefined,
  IsIn,
  IsInt,
  IsObject,
  IsString,
  Length,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { MayBeLeftOut } from '../../common/http/request-fields.js';
import { ActorDto, SnapshotDiffDto } from '../../versioning/index.js';
import { DEPLOYMENT_STATUSES, type DeploymentStatus } from '../services/deployment-machine.js';
import type {
  Deployment,
  DeploymentTarget,
  DeploymentWithDetails,
  TargetStatus,
} from '../services/deployment-reader.js';
import type { DescribedPlan } from '../services/deployments.service.js';
import { DEFAULT_TIMEOUT } from '../services/deployment-request.js';
import { TARGET_REASONS } from '../services/judge.js';
import { formatSeconds } from '../../common/clock/duration.js';

const MAX_TARGETS = 20_000;
const MAX_GROUPS = 500;

/** Proxies, groups or both; a proxy that is found twice is targeted once. */
export class DeploymentTargetsDto {
  @ApiPropertyOptional({ type: [String], example: ['name:edge-1'] })
  @MayBeLeftOut()
  @IsArray()
  @ArrayMaxSize(MAX_TARGETS)
  @IsString({ each: true })
  proxies?: string[];

  @ApiPropertyOptional({
    type: [String],
    example: ['name:edge'],
    description: 'Proxy groups: whoever belongs to them, or to groups under them, when the deployment is made.',
  })
  @MayBeLeftOut()
  @IsArray()
  @ArrayMaxSize(MAX_GROUPS)
  @IsString({ each: true })
  groups?: string[];
}

export class StrategyDto {
  @ApiProperty({ enum: ['immediate'], example: 'immediate' })
  @IsString()
  @MaxLength(50)
  type: string;
}

export class StartDeploymentDto {
  @ApiProperty({ example: 'name:edge', description: 'A UUID, or `name:` and the name of the configuration.' })
  @IsString()
  @Length(1, 300)
  configuration: string;

  @ApiProperty({ type: 'integer', minimum: 1, example: 1 })
  @IsInt()
  @Min(1)
  @Max(2_147_483_647)
  version: number;

  @ApiProperty({ type: DeploymentTargetsDto })
  @IsDefined()
  @IsObject()
  @ValidateNested()
  @Type(() => DeploymentTargetsDto)
  targets: DeploymentTargetsDto;

  @ApiProperty({ type: StrategyDto })
  @IsDefined()
  @IsObject()
  @ValidateNested()
  @Type(() => StrategyDto)
  strategy: StrategyDto;

  @ApiPropertyOptional({
    example: DEFAULT_TIMEOUT,
    default: DEFAULT_TIMEOUT,
    description: 'How long a proxy may be connected without converging, as a Go duration in whole seconds.',
  })
  @MayBeLeftOut()
  @IsString()
  @MaxLength(64)
  timeout?: string;

  @ApiPropertyOptional({
    enum: ['wait', 'skip'],
    default: 'wait',
    description:
      'Whether proxies that are not connected are waited for; those that are skipped get the version when they come back.',
  })
  @MayBeLeftOut()
  @IsIn(['wait', 'skip'])
  disconnected?: 'wait' | 'skip';

  @ApiPropertyOptional({ example: 'First rollout' })
  @MayBeLeftOut()
  @IsString()
  @MaxLength(2000)
  notes?: string;
}

export class StartQuery {
  @ApiPropertyOptional({ enum: ['true', 'false'], description: 'Answer the plan, and start nothing.' })
  @MayBeLeftOut()
  @IsIn(['true', 'false'])
  dryRun?: 'true' | 'false';
}

export class DeployedConfigurationDto {
  @ApiProperty({ type: String, format: 'uuid', nullable: true, description: 'Null once it is deleted.' })
  id: string | null;

  @ApiProperty({ example: 'edge' })
  name: string;
}

export class DeployedVersionDto {
  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  id: string | null;

  @ApiProperty({ type: 'integer', example: 1 })
  number: number;
}

export class VersionNameDto {
  @ApiProperty({ example: 'edge' })
  configuration: string;

  @ApiProperty({ type: 'integer', example: 1 })
  number: number;
}

export class ProgressDto {
  @ApiProperty({ type: 'integer', example: 1 })
  total: number;

  @ApiProperty({ type: 'integer', example: 1 })
  successful: number;

  @ApiProperty({ type: 'integer', example: 0 })
  failed: number;
}

export class DeploymentDto implements Deployment {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ enum: DEPLOYMENT_STATUSES })
  status: DeploymentStatus;

  @ApiProperty({ type: DeployedConfigurationDto })
  configuration: DeployedConfigurationDto;

  @ApiProperty({ type: DeployedVersionDto })
  version: DeployedVersionDto;

  @ApiProperty({ type: StrategyDto })
  strategy: StrategyDto;

  @ApiProperty({ example: DEFAULT_TIMEOUT })
  timeout: string;

  @ApiProperty({ enum: ['wait', 'skip'] })
  disconnected: 'wait' | 'skip';

  @ApiProperty({ example: 'First rollout' })
  notes: string;

  @ApiProperty({ type: ProgressDto })
  progress: ProgressDto;

  @ApiProperty({ type: ActorDto })
  createdBy: ActorDto;

  @ApiProperty({ format: 'date-time' })
  createdAt: Date;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  startedAt: Date | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  completedAt: Date | null;
}

export class TargetProxyDto {
  @ApiProperty({ type: String, format: 'uuid', nullable: true, description: 'Null once it is deleted.' })
  id: string | null;

  @ApiProperty({ example: 'edge-1' })
  name: string;
}

export class DeploymentTargetDto implements DeploymentTarget {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ type: TargetProxyDto })
  proxy: TargetProxyDto;

  @ApiProperty({ enum: ['pending', 'assigned', 'succeeded', 'failed', 'skipped'] })
  status: TargetStatus;

  @ApiProperty({ enum: [...TARGET_REASONS, 'aborted'], nullable: true })
  reason: string | null;

  @ApiProperty({ type: String, nullable: true, description: "In a sentence; for a refusal with Envoy's own words." })
  message: string | null;

  @ApiProperty({ type: VersionNameDto, nullable: true, description: 'What it had before.' })
  previous: VersionNameDto | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  assignedAt: Date | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  completedAt: Date | null;
}

export class DeploymentTargetPageDto {
  @ApiProperty({ type: [DeploymentTargetDto] })
  items: readonly DeploymentTargetDto[];

  @ApiProperty({ type: String, nullable: true, description: 'Goes into `cursor` of the same route.' })
  nextCursor: string | null;
}

export class TimelineEventDto {
  @ApiProperty({ format: 'date-time' })
  at: Date;

  @ApiProperty({ example: 'succeeded' })
  kind: string;

  @ApiProperty({ example: '1 of 1 target converged.' })
  reason: string;

  @ApiProperty({ type: 'object', additionalProperties: true, description: 'The facts that the decision was made on.' })
  details: Readonly<Record<string, unknown>>;
}

export class DeploymentDetailsDto extends DeploymentDto implements DeploymentWithDetails {
  @ApiProperty({ type: DeploymentTargetPageDto })
  targets: DeploymentTargetPageDto;

  @ApiProperty({ type: [TimelineEventDto], description: 'The newest events, in the order in which they happened.' })
  timeline: readonly TimelineEventDto[];
}

export class DeploymentPageDto {
  @ApiProperty({ type: [DeploymentDto] })
  items: readonly DeploymentDto[];

  @ApiProperty({ type: String, nullable: true })
  nextCursor: string | null;
}

export class PlannedTargetDto {
  @ApiProperty({ type: TargetProxyDto })
  proxy: TargetProxyDto;

  @ApiProperty({ type: VersionNameDto, nullable: true, description: 'What it is assigned now.' })
  current: VersionNameDto | null;

  @ApiProperty({ description: 'False where it has this content already.' })
  changes: boolean;
}

export class PlannedChangeDto {
  @ApiProperty({ type: VersionNameDto, nullable: true })
  from: VersionNameDto | null;

  @ApiProperty({ type: 'integer', example: 1, description: 'How many targets are on it.' })
  targets: number;

  @ApiProperty({ type: SnapshotDiffDto })
  diff: SnapshotDiffDto;
}

export class BusyProxyDto {
  @ApiProperty({ example: 'edge-1' })
  proxy: string;

  @ApiProperty({ format: 'uuid' })
  deploymentId: string;

  @ApiProperty({ example: 'running' })
  status: string;
}

@ApiExtraModels(SnapshotDiffDto)
export class DeploymentPlanDto {
  @ApiProperty({ type: DeployedConfigurationDto })
  configuration: DeployedConfigurationDto;

  @ApiProperty({ type: DeployedVersionDto })
  version: DeployedVersionDto;

  @ApiProperty({ type: StrategyDto })
  strategy: StrategyDto;

  @ApiProperty({ example: DEFAULT_TIMEOUT })
  timeout: string;

  @ApiProperty({ enum: ['wait', 'skip'] })
  disconnected: 'wait' | 'skip';

  @ApiProperty({ type: [PlannedTargetDto] })
  targets: readonly PlannedTargetDto[];

  @ApiProperty({
    type: [PlannedChangeDto],
    description: 'What changes for the targets on each of the 20 most common contents that they have now.',
  })
  changes: readonly PlannedChangeDto[];

  @ApiProperty({
    type: [BusyProxyDto],
    description: 'Proxies in other deployments; while there are any, a start answers 409.',
  })
  busy: readonly BusyProxyDto[];

  static of({ version, command, targets, changes, busy }: DescribedPlan): DeploymentPlanDto {
    return {
      configuration: version.configuration,
      version: { id: version.id, number: version.number },
      strategy: { type: command.strategy },
      timeout: formatSeconds(command.timeoutSeconds),
      disconnected: command.disconnected,
      targets: targets.map(({ proxy, current, changes: moves }) => ({ proxy, current, changes: moves })),
      changes: changes.map(({ from, targets: count, diff }) => ({ from, targets: count, diff })),
      busy,
    };
  }
}
