import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsIn, IsInt, IsString, Max, MaxLength, Min } from 'class-validator';
import { problems } from '../../common/errors/problem.js';
import { checkedBody } from '../../common/http/checked-body.js';
import { ListQuery } from '../../common/http/list.js';
import { IsResourceName, IsTimeText, MayBeLeftOut } from '../../common/http/request-fields.js';
import { canonicalIp, IsIpAddress } from '../../infrastructure/index.js';
import type { EndpointOverrideView } from '../overrides/endpoint-override-views.js';
import type { EndpointOverrideDocument } from '../overrides/endpoint-override.entity.js';
import { HEALTH_STATUSES, type HealthStatus, MAX_WEIGHT } from '../overrides/overridden-endpoints.js';

/** All that people say about an endpoint override but its name. */
export class PutEndpointOverrideDto {
  @ApiProperty({ example: 'blue', description: 'Of the endpoint set: its `cluster_name` in snapshots.' })
  @IsResourceName()
  clusterName: string;

  @ApiProperty({ example: '10.0.0.17', description: 'IPv4 or IPv6.' })
  @IsIpAddress()
  address: string;

  @ApiProperty({ type: 'integer', minimum: 1, maximum: 65535, example: 8080 })
  @IsInt()
  @Min(1)
  @Max(65535)
  port: number;

  @ApiPropertyOptional({
    enum: HEALTH_STATUSES,
    example: 'UNHEALTHY',
    description: 'What proxies are told of its health, as Envoy means it. Absent: what the snapshot says.',
  })
  @MayBeLeftOut()
  @IsIn(HEALTH_STATUSES)
  healthStatus?: HealthStatus;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: MAX_WEIGHT,
    example: 10,
    description:
      'Absent: what the snapshot says. Without effect where the weights of the locality would exceed what Envoy takes.',
  })
  @MayBeLeftOut()
  @IsInt()
  @Min(1)
  @Max(MAX_WEIGHT)
  weight?: number;

  @ApiPropertyOptional({ description: 'True is the same as `healthStatus` DRAINING.' })
  @MayBeLeftOut()
  @IsBoolean()
  drain?: boolean;

  @ApiProperty({ example: 'Disk is replaced' })
  @IsString()
  @MaxLength(2000)
  reason: string;

  @ApiPropertyOptional({
    format: 'date-time',
    example: '2030-01-01T00:00:00Z',
    description: 'When it ends by itself, on the clock of the database. Absent: never.',
  })
  @MayBeLeftOut()
  @IsTimeText()
  expiresAt?: Date;
}

export class CreateEndpointOverrideDto extends PutEndpointOverrideDto {
  @ApiProperty({ example: 'replace-disk', description: 'Unique in the tenant; what `name:` addresses.' })
  @IsResourceName()
  name: string;
}

/** A merge patch (RFC 7396) of an endpoint override; here for the OpenAPI document, checked after merging. */
export class PatchEndpointOverrideDto {
  @ApiPropertyOptional()
  name?: string;

  @ApiPropertyOptional()
  clusterName?: string;

  @ApiPropertyOptional()
  address?: string;

  @ApiPropertyOptional({ type: 'integer' })
  port?: number;

  @ApiPropertyOptional({ type: String, enum: HEALTH_STATUSES, nullable: true })
  healthStatus?: HealthStatus | null;

  @ApiPropertyOptional({ type: 'integer', nullable: true, example: 5 })
  weight?: number | null;

  @ApiPropertyOptional({ type: Boolean, nullable: true })
  drain?: boolean | null;

  @ApiPropertyOptional()
  reason?: string;

  @ApiPropertyOptional({ type: String, format: 'date-time', nullable: true })
  expiresAt?: string | null;
}

export class ListEndpointOverridesQuery extends ListQuery {
  @ApiPropertyOptional({ example: 'blue', description: 'Only those of this endpoint set.' })
  @MayBeLeftOut()
  @IsResourceName()
  clusterName?: string;
}

export class EndpointOverrideDto implements EndpointOverrideView {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ example: 'replace-disk' })
  name: string;

  @ApiProperty({ example: 'blue' })
  clusterName: string;

  @ApiProperty({ example: '10.0.0.17' })
  address: string;

  @ApiProperty({ type: 'integer', example: 8080 })
  port: number;

  @ApiProperty({ type: String, enum: [...HEALTH_STATUSES, null], nullable: true, example: 'DRAINING' })
  healthStatus: HealthStatus | null;

  @ApiProperty({ type: 'integer', nullable: true, example: 10 })
  weight: number | null;

  @ApiProperty({ example: 'Disk is replaced' })
  reason: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  expiresAt: Date | null;

  @ApiProperty({ description: 'False once it has expired; it is then removed within seconds.' })
  inEffect: boolean;

  @ApiProperty({
    description: 'Whether a snapshot that some proxy is assigned has the endpoint; where none has, nothing is changed.',
  })
  applies: boolean;

  @ApiProperty({ type: 'integer', example: 1, description: 'The ETag is this in quotes.' })
  revision: number;

  @ApiProperty({ type: String, format: 'date-time' })
  createdAt: Date;

  @ApiProperty({ type: String, format: 'date-time' })
  updatedAt: Date;
}

export class EndpointOverridePageDto {
  @ApiProperty({ type: [EndpointOverrideDto] })
  items: readonly EndpointOverrideDto[];

  @ApiProperty({ type: String, nullable: true })
  nextCursor: string | null;
}

/** The whole description, defaults filled in. @throws ProblemError 422 where it changes nothing, or says two things */
export function endpointOverrideRequestOf(name: string, dto: PutEndpointOverrideDto): EndpointOverrideDocument {
  const { clusterName, address, port, weight = null, drain = false, reason, expiresAt = null } = dto;
  const healthStatus = dto.healthStatus ?? (drain ? 'DRAINING' : null);
  if (drain && healthStatus !== 'DRAINING') {
    throw refused('/drain', 'endpoint-override.drain', `drain is healthStatus DRAINING, and ${healthStatus} is given`);
  }
  if (healthStatus === null && weight === null) {
    throw refused('', 'endpoint-override.empty', 'nothing is overridden; give healthStatus, weight or drain: true');
  }
  return { name, clusterName, address: canonicalIp(address), port, healthStatus, weight, reason, expiresAt };
}

function refused(pointer: string, rule: string, detail: string): Error {
  return problems.invalid({ detail, errors: [{ pointer, rule, detail, severity: 'error' }] });
}

export const ENDPOINT_OVERRIDE_BODIES = {
  create: CreateEndpointOverrideDto,
  put: PutEndpointOverrideDto,
  patch: PatchEndpointOverrideDto,
  nameOf: ({ name }: CreateEndpointOverrideDto): string => name,
  requestOf: endpointOverrideRequestOf,
};

/** Checks a description that was put together here, by the rules for those that come over HTTP. @throws ProblemError 422 */
export async function checkedEndpointOverride(candidate: unknown): Promise<EndpointOverrideDocument> {
  const dto = await checkedBody(CreateEndpointOverrideDto, candidate);
  return endpointOverrideRequestOf(dto.name, dto);
}
