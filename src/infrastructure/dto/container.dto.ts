import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsNumber, IsString, Matches, Max, MaxLength, Min, ValidateNested } from 'class-validator';
import { Check, IsResourceName, IsTimeText, MayBeLeftOut } from '../../common/http/request-fields.js';
import { checkedBody } from '../../common/http/checked-body.js';
import { ListQuery } from '../../common/http/list.js';
import { RawJson } from '../../common/http/raw-json.js';
import type { ContainerRequest, ResourceLimits } from '../entities/container.entity.js';
import {
  CONTAINER_EVENT_KINDS,
  CONTAINER_HEALTHS,
  CONTAINER_STATUSES,
  type ContainerEventKind,
  type ContainerHealth,
  type ContainerStatus,
} from '../services/container-lifecycle.js';
import type { ContainerView, ReportedContainer } from '../services/container-views.js';
import type { ContainerEvent } from '../services/container-events.js';
import { environmentProblem } from './environment.js';
import { IsAddress, IsLabels } from './proxy-checks.js';
import { VmRefDto } from './proxy.dto.js';
import { MembershipActorDto as ActorDto } from './proxy-group.dto.js';

const MAX_INT = 2_147_483_647;
const DIGEST = /^[a-z0-9]{1,32}:[0-9a-f]{32,128}$/;

const IsEnvironment = (): PropertyDecorator => Check('environment', environmentProblem);

export class ResourceLimitsDto implements ResourceLimits {
  @ApiPropertyOptional({ example: 1.5, minimum: 0.001 })
  @MayBeLeftOut()
  @IsNumber({ allowInfinity: false, allowNaN: false })
  @Min(0.001)
  @Max(100_000)
  cpus?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, example: 512 })
  @MayBeLeftOut()
  @IsInt()
  @Min(1)
  @Max(1_000_000_000)
  memoryMb?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, example: 256 })
  @MayBeLeftOut()
  @IsInt()
  @Min(1)
  @Max(MAX_INT)
  pids?: number;
}

/** All that people say about a container but its name. What is absent is set to its default. */
export class PutContainerDto {
  @ApiProperty({ example: 'name:web-1', description: 'The virtual machine that it is on.' })
  @IsAddress()
  vm: string;

  @ApiProperty({
    example: '4f5c1f6a0a3e',
    description: "The container engine's id. It changes each time the container is made anew; the name stays.",
  })
  @IsResourceName()
  containerId: string;

  @ApiPropertyOptional({ type: String, example: 'envoyproxy/envoy:v1.36.0' })
  @MayBeLeftOut()
  @IsResourceName()
  image?: string;

  @ApiPropertyOptional({ type: String, example: `sha256:${'0a1b2c3d'.repeat(8)}` })
  @MayBeLeftOut()
  @IsString()
  @Matches(DIGEST, { message: 'imageDigest must be an algorithm, a colon and hex digits' })
  imageDigest?: string;

  @ApiPropertyOptional({ type: ResourceLimitsDto })
  @MayBeLeftOut()
  @ValidateNested()
  @Type(() => ResourceLimitsDto)
  resourceLimits?: ResourceLimitsDto;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: { type: 'string' },
    example: { ENVOY_UID: '101' },
    description:
      'Environment variables. Names that stand for secrets are refused: every reader of the tenant sees them.',
  })
  @MayBeLeftOut()
  @RawJson()
  @IsEnvironment()
  environment?: Record<string, string>;

  @ApiPropertyOptional({ type: 'object', additionalProperties: { type: 'string' }, example: { role: 'edge' } })
  @MayBeLeftOut()
  @RawJson()
  @IsLabels()
  labels?: Record<string, string>;
}

export class CreateContainerDto extends PutContainerDto {
  @ApiProperty({ example: 'web-1/envoy', description: 'Unique in the tenant.' })
  @IsResourceName()
  name: string;
}

/** A merge patch (RFC 7396) of a container; here for the OpenAPI document, checked after merging. */
export class PatchContainerDto {
  @ApiPropertyOptional({ example: 'web-1/envoy' })
  name?: string;

  @ApiPropertyOptional({ example: 'name:web-1' })
  vm?: string;

  @ApiPropertyOptional({ example: '4f5c1f6a0a3e' })
  containerId?: string;

  @ApiPropertyOptional({ type: String, nullable: true })
  image?: string | null;

  @ApiPropertyOptional({ type: String, nullable: true })
  imageDigest?: string | null;

  @ApiPropertyOptional({ type: ResourceLimitsDto, nullable: true })
  resourceLimits?: ResourceLimitsDto | null;

  @ApiPropertyOptional({ type: 'object', additionalProperties: { type: 'string', nullable: true } })
  environment?: Record<string, string | null>;

  @ApiPropertyOptional({ type: 'object', additionalProperties: { type: 'string', nullable: true } })
  labels?: Record<string, string | null>;
}

export class ListContainersQuery extends ListQuery {
  @ApiPropertyOptional({ example: 'web-', description: 'Only containers whose name begins so.' })
  @MayBeLeftOut()
  @IsString()
  @MaxLength(255)
  @Matches(/^[^\p{Cc}\p{Cs}]*$/u, { message: 'name must not contain control characters' })
  name?: string;

  @ApiPropertyOptional({ example: 'name:web-1', description: 'Only containers on this virtual machine.' })
  @MayBeLeftOut()
  @IsAddress()
  vm?: string;

  @ApiPropertyOptional({ enum: CONTAINER_STATUSES })
  @MayBeLeftOut()
  @IsIn(CONTAINER_STATUSES)
  status?: ContainerStatus;

  @ApiPropertyOptional({ example: 'role=edge', description: 'Only containers whose labels satisfy every term.' })
  @MayBeLeftOut()
  @IsString()
  @MaxLength(4000)
  labels?: string;
}

export class ContainerStatusDto implements ReportedContainer {
  @ApiProperty({ enum: CONTAINER_STATUSES })
  status: ContainerStatus;

  @ApiProperty({ enum: CONTAINER_HEALTHS })
  health: ContainerHealth;

  @ApiProperty({ type: 'integer', example: 0 })
  restartCount: number;

  @ApiProperty({ type: 'integer', nullable: true, description: 'Of the process that ended last, while none runs.' })
  exitCode: number | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  startedAt: Date | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: 'When it last changed.' })
  asOf: Date | null;
}

export class ContainerDto implements ContainerView {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ example: 'web-1/envoy' })
  name: string;

  @ApiProperty({ example: '4f5c1f6a0a3e' })
  containerId: string;

  @ApiProperty({ type: VmRefDto })
  vm: VmRefDto;

  @ApiProperty({ type: String, nullable: true })
  image: string | null;

  @ApiProperty({ type: String, nullable: true })
  imageDigest: string | null;

  @ApiProperty({ type: ResourceLimitsDto })
  resourceLimits: ResourceLimitsDto;

  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' } })
  environment: Readonly<Record<string, string>>;

  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' } })
  labels: Readonly<Record<string, string>>;

  @ApiProperty({ type: ContainerStatusDto })
  status: ContainerStatusDto;

  @ApiProperty({ type: 'integer', example: 1, description: 'The ETag is this in quotes.' })
  revision: number;

  @ApiProperty({ type: String, format: 'date-time' })
  createdAt: Date;

  @ApiProperty({ type: String, format: 'date-time' })
  updatedAt: Date;
}

export class ContainerPageDto {
  @ApiProperty({ type: [ContainerDto] })
  items: readonly ContainerDto[];

  @ApiProperty({ type: String, nullable: true })
  nextCursor: string | null;
}

export class ReportContainerEventDto {
  @ApiProperty({ enum: CONTAINER_EVENT_KINDS, example: 'started' })
  @IsIn(CONTAINER_EVENT_KINDS)
  kind: ContainerEventKind;

  @ApiPropertyOptional({ type: String, format: 'date-time', description: 'When it happened; now unless told.' })
  @MayBeLeftOut()
  @IsTimeText()
  at?: Date;

  @ApiPropertyOptional({ type: 'integer', example: 137 })
  @MayBeLeftOut()
  @IsInt()
  @Min(-MAX_INT)
  @Max(MAX_INT)
  exitCode?: number;

  @ApiPropertyOptional({ example: 'restarted by the watchdog' })
  @MayBeLeftOut()
  @IsString()
  @MaxLength(2000)
  message?: string;
}

export class ContainerEventDto implements ContainerEvent {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ enum: CONTAINER_EVENT_KINDS })
  kind: ContainerEventKind;

  @ApiProperty({ type: String, format: 'date-time', description: 'When it happened.' })
  at: Date;

  @ApiProperty({ type: String, format: 'date-time' })
  recordedAt: Date;

  @ApiProperty({ type: 'integer', nullable: true })
  exitCode: number | null;

  @ApiProperty({ example: '' })
  message: string;

  @ApiProperty({ type: ActorDto })
  actor: ActorDto;
}

export class ContainerEventPageDto {
  @ApiProperty({ type: [ContainerEventDto] })
  items: readonly ContainerEventDto[];

  @ApiProperty({ type: String, nullable: true })
  nextCursor: string | null;
}

/** The whole description, defaults filled in. */
export function containerRequestOf(name: string, dto: PutContainerDto): ContainerRequest {
  const { cpus, memoryMb, pids } = dto.resourceLimits ?? {};
  return {
    name,
    vm: dto.vm,
    containerId: dto.containerId,
    image: dto.image ?? null,
    imageDigest: dto.imageDigest ?? null,
    resourceLimits: {
      ...(cpus === undefined ? {} : { cpus }),
      ...(memoryMb === undefined ? {} : { memoryMb }),
      ...(pids === undefined ? {} : { pids }),
    },
    environment: dto.environment ?? {},
    labels: dto.labels ?? {},
  };
}

export const CONTAINER_BODIES = {
  create: CreateContainerDto,
  put: PutContainerDto,
  patch: PatchContainerDto,
  nameOf: ({ name }: CreateContainerDto): string => name,
  requestOf: containerRequestOf,
};

/** Checks a description that was put together here, by the rules for those that come over HTTP. @throws ProblemError 422 */
export async function checkedContainer(candidate: unknown): Promise<ContainerRequest> {
  const dto = await checkedBody(CreateContainerDto, candidate);
  return containerRequestOf(dto.name, dto);
}
