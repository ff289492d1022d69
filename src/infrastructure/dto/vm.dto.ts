import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsInt, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import { IsResourceName, MayBeLeftOut } from '../../common/http/request-fields.js';
import { checkedBody } from '../../common/http/checked-body.js';
import { ListQuery } from '../../common/http/list.js';
import { RawJson } from '../../common/http/raw-json.js';
import type { VmDocument } from '../entities/virtual-machine.entity.js';
import { VM_STATUSES, type VmStatus, type VmView } from '../services/vm-views.js';
import { canonicalIp, IsIpAddress } from './ip-address.js';
import { IsLabels, IsMetadata } from './proxy-checks.js';

const MAX_CORES = 100_000;
const MAX_SIZE = 1_000_000_000;

/** All that people say about a virtual machine but its hostname. What is absent is unknown. */
export class PutVmDto {
  @ApiPropertyOptional({ example: '10.0.0.17', description: 'IPv4 or IPv6.' })
  @MayBeLeftOut()
  @IsIpAddress()
  ipAddress?: string;

  @ApiPropertyOptional({ example: 'eu-central' })
  @MayBeLeftOut()
  @IsResourceName()
  region?: string;

  @ApiPropertyOptional({ example: 'eu-central-a' })
  @MayBeLeftOut()
  @IsResourceName()
  availabilityZone?: string;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: MAX_CORES, example: 8 })
  @MayBeLeftOut()
  @IsInt()
  @Min(1)
  @Max(MAX_CORES)
  cpuCores?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: MAX_SIZE, example: 16_384 })
  @MayBeLeftOut()
  @IsInt()
  @Min(1)
  @Max(MAX_SIZE)
  memoryMb?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: MAX_SIZE, example: 200 })
  @MayBeLeftOut()
  @IsInt()
  @Min(1)
  @Max(MAX_SIZE)
  diskGb?: number;

  @ApiPropertyOptional({ type: 'object', additionalProperties: { type: 'string' }, example: { rack: '4' } })
  @MayBeLeftOut()
  @RawJson()
  @IsLabels()
  labels?: Record<string, string>;

  @ApiPropertyOptional({ type: 'object', additionalProperties: true, example: { owner: 'web' } })
  @MayBeLeftOut()
  @RawJson()
  @IsMetadata()
  metadata?: Record<string, unknown>;
}

export class CreateVmDto extends PutVmDto {
  @ApiProperty({ example: 'web-1', description: 'Unique in the tenant; what `name:` addresses.' })
  @IsResourceName()
  hostname: string;
}

/** A merge patch (RFC 7396) of a virtual machine; here for the OpenAPI document, checked after merging. */
export class PatchVmDto {
  @ApiPropertyOptional({ example: 'web-1' })
  hostname?: string;

  @ApiPropertyOptional({ type: String, nullable: true })
  ipAddress?: string | null;

  @ApiPropertyOptional({ type: String, nullable: true, example: 'eu-central' })
  region?: string | null;

  @ApiPropertyOptional({ type: String, nullable: true })
  availabilityZone?: string | null;

  @ApiPropertyOptional({ type: 'integer', nullable: true })
  cpuCores?: number | null;

  @ApiPropertyOptional({ type: 'integer', nullable: true })
  memoryMb?: number | null;

  @ApiPropertyOptional({ type: 'integer', nullable: true })
  diskGb?: number | null;

  @ApiPropertyOptional({ type: 'object', additionalProperties: { type: 'string', nullable: true } })
  labels?: Record<string, string | null>;

  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  metadata?: Record<string, unknown>;
}

export class ListVmsQuery extends ListQuery {
  @ApiPropertyOptional({ example: 'web-', description: 'Only machines whose hostname begins so.' })
  @MayBeLeftOut()
  @IsString()
  @MaxLength(255)
  @Matches(/^[^\p{Cc}\p{Cs}]*$/u, { message: 'hostname must not contain control characters' })
  hostname?: string;

  @ApiPropertyOptional({ example: 'eu-central' })
  @MayBeLeftOut()
  @IsResourceName()
  region?: string;

  @ApiPropertyOptional({ enum: VM_STATUSES })
  @MayBeLeftOut()
  @IsIn(VM_STATUSES)
  status?: VmStatus;

  @ApiPropertyOptional({ example: 'rack=4', description: 'Only machines whose labels satisfy every term.' })
  @MayBeLeftOut()
  @IsString()
  @MaxLength(4000)
  labels?: string;
}

export class VmDto implements VmView {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ example: 'web-1' })
  hostname: string;

  @ApiProperty({ type: String, nullable: true, example: '10.0.0.17' })
  ipAddress: string | null;

  @ApiProperty({ type: String, nullable: true, example: 'eu-central' })
  region: string | null;

  @ApiProperty({ type: String, nullable: true, example: 'eu-central-a' })
  availabilityZone: string | null;

  @ApiProperty({ type: 'integer', nullable: true, example: 8 })
  cpuCores: number | null;

  @ApiProperty({ type: 'integer', nullable: true, example: 16_384 })
  memoryMb: number | null;

  @ApiProperty({ type: 'integer', nullable: true, example: 200 })
  diskGb: number | null;

  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' }, example: { rack: '4' } })
  labels: Readonly<Record<string, string>>;

  @ApiProperty({ type: 'object', additionalProperties: true, example: { owner: 'web' } })
  metadata: Readonly<Record<string, unknown>>;

  @ApiProperty({ enum: VM_STATUSES, description: 'Unknown until an agent reports.' })
  status: VmStatus;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  lastHeartbeat: Date | null;

  @ApiProperty({ type: 'integer', example: 2, description: 'How many containers are on it.' })
  containers: number;

  @ApiProperty({ type: 'integer', example: 1, description: 'The ETag is this in quotes.' })
  revision: number;

  @ApiProperty({ type: String, format: 'date-time' })
  createdAt: Date;

  @ApiProperty({ type: String, format: 'date-time' })
  updatedAt: Date;
}

export class VmPageDto {
  @ApiProperty({ type: [VmDto] })
  items: readonly VmDto[];

  @ApiProperty({ type: String, nullable: true })
  nextCursor: string | null;
}

/** The whole description, defaults filled in. */
export function vmRequestOf(hostname: string, dto: PutVmDto): VmDocument {
  return {
    hostname,
    ipAddress: dto.ipAddress === undefined ? null : canonicalIp(dto.ipAddress),
    region: dto.region ?? null,
    availabilityZone: dto.availabilityZone ?? null,
    cpuCores: dto.cpuCores ?? null,
    memoryMb: dto.memoryMb ?? null,
    diskGb: dto.diskGb ?? null,
    labels: dto.labels ?? {},
    metadata: dto.metadata ?? {},
  };
}

export const VM_BODIES = {
  create: CreateVmDto,
  put: PutVmDto,
  patch: PatchVmDto,
  nameOf: ({ hostname }: CreateVmDto): string => hostname,
  requestOf: vmRequestOf,
};

/** Checks a description that was put together here, by the rules for those that come over HTTP. @throws ProblemError 422 */
export async function checkedVm(candidate: unknown): Promise<VmDocument> {
  const dto = await checkedBody(CreateVmDto, candidate);
  return vmRequestOf(dto.hostname, dto);
}
