import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsString, Matches, Max, MaxLength, Min, ValidateNested } from 'class-validator';
import { IsResourceName, MayBeLeftOut } from '../../common/http/request-fields.js';
import { checkedBody } from '../../common/http/checked-body.js';
import { ListQuery } from '../../common/http/list.js';
import { RawJson } from '../../common/http/raw-json.js';
import {
  DRAIN_STRATEGIES,
  type DrainStrategy,
  LIFECYCLE_STATES,
  type LifecycleState,
  type ProxyRequest,
} from '../entities/envoy-proxy.entity.js';
import type { ProxyView } from '../services/proxy-views.js';
import { canonicalIp, IsIpAddress } from './ip-address.js';
import { IsAddress, IsLabels, IsMetadata } from './proxy-checks.js';

const DEFAULT_ADMIN_ADDRESS = '127.0.0.1';
const DEFAULT_ADMIN_PORT = 9901;
const DEFAULT_DRAIN_STRATEGY: DrainStrategy = 'gradual';

export class LocalityDto {
  @ApiPropertyOptional({ example: 'eu-central' })
  @MayBeLeftOut()
  @IsResourceName()
  region?: string;

  @ApiPropertyOptional({ example: 'a' })
  @MayBeLeftOut()
  @IsResourceName()
  zone?: string;

  @ApiPropertyOptional({ example: 'rack-4' })
  @MayBeLeftOut()
  @IsResourceName()
  subZone?: string;
}

/** All that people say about a proxy but its name. What is absent is set to its default. */
export class PutProxyDto {
  @ApiProperty({ example: 'edge-1', description: 'The identity that the Envoy states; unique in the tenant.' })
  @IsResourceName()
  nodeId: string;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: { type: 'string' },
    example: { role: 'edge', zone: 'a' },
    description: 'At most 64; keys up to 63 and values up to 128 letters, digits and a few signs.',
  })
  @MayBeLeftOut()
  @RawJson()
  @IsLabels()
  labels?: Record<string, string>;

  @ApiPropertyOptional({
    type: String,
    example: 'edge',
    description: "The node's own cluster; not an upstream cluster.",
  })
  @MayBeLeftOut()
  @IsResourceName()
  cluster?: string;

  @ApiPropertyOptional({ type: LocalityDto })
  @MayBeLeftOut()
  @ValidateNested()
  @Type(() => LocalityDto)
  locality?: LocalityDto;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    example: { team: 'web' },
    description: 'Goes into the metadata of the node in the rendered bootstrap.',
  })
  @MayBeLeftOut()
  @RawJson()
  @IsMetadata()
  metadata?: Record<string, unknown>;

  @ApiPropertyOptional({
    default: DEFAULT_ADMIN_ADDRESS,
    description:
      'Where the admin interface listens. Who reaches it can stop the Envoy: keep it to itself where you can.',
  })
  @MayBeLeftOut()
  @IsIpAddress()
  adminAddress?: string;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 65535, default: DEFAULT_ADMIN_PORT })
  @MayBeLeftOut()
  @IsInt()
  @Min(1)
  @Max(65535)
  adminPort?: number;

  @ApiPropertyOptional({
    enum: DRAIN_STRATEGIES,
    default: DEFAULT_DRAIN_STRATEGY,
    description: 'How it closes connections when it drains; goes into the start command.',
  })
  @MayBeLeftOut()
  @IsIn(DRAIN_STRATEGIES)
  drainStrategy?: DrainStrategy;

  @ApiPropertyOptional({
    description: 'The virtual machine that it runs on, for instance `name:web-1`; not needed with `container`.',
  })
  @MayBeLeftOut()
  @IsAddress()
  vm?: string;

  @ApiPropertyOptional({ description: 'The container that it runs in, for instance `name:web-1/envoy`.' })
  @MayBeLeftOut()
  @IsAddress()
  container?: string;
}

export class CreateProxyDto extends PutProxyDto {
  @ApiProperty({ example: 'edge-1', description: 'Unique in the tenant.' })
  @IsResourceName()
  name: string;
}

/** A merge patch (RFC 7396) of a proxy; here for the OpenAPI document, checked after merging. */
export class PatchProxyDto {
  @ApiPropertyOptional({ example: 'edge-1' })
  name?: string;

  @ApiPropertyOptional({ example: 'edge-1' })
  nodeId?: string;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: { type: 'string', nullable: true },
    example: { zone: 'b', canary: null },
  })
  labels?: Record<string, string | null>;

  @ApiPropertyOptional({ type: String, nullable: true })
  cluster?: string | null;

  @ApiPropertyOptional({ type: LocalityDto, nullable: true })
  locality?: LocalityDto | null;

  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  metadata?: Record<string, unknown>;

  @ApiPropertyOptional({ type: String, nullable: true, example: '127.0.0.1' })
  adminAddress?: string | null;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 65535, nullable: true })
  adminPort?: number | null;

  @ApiPropertyOptional({ type: String, enum: DRAIN_STRATEGIES, nullable: true })
  drainStrategy?: DrainStrategy | null;

  @ApiPropertyOptional({ type: String, nullable: true })
  vm?: string | null;

  @ApiPropertyOptional({ type: String, nullable: true })
  container?: string | null;
}

export class ListProxiesQuery extends ListQuery {
  @ApiPropertyOptional({ example: 'edge-', description: 'Only proxies whose name begins so.' })
  @MayBeLeftOut()
  @IsString()
  @MaxLength(255)
  // Control characters stand in no name, and PostgreSQL refuses NUL.
  @Matches(/^[^\p{Cc}\p{Cs}]*$/u, { message: 'name must not contain control characters' })
  name?: string;

  @ApiPropertyOptional({
    example: 'role=edge,zone in (a,b)',
    description:
      'Only proxies whose labels satisfy every term: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k`, `!k`.',
  })
  @MayBeLeftOut()
  @IsString()
  @MaxLength(4000)
  labels?: string;
}

export class VmRefDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ example: 'web-1' })
  hostname: string;
}

export class NamedRefDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ example: 'edge' })
  name: string;
}

export class ProxyStatusDto {
  @ApiProperty({ enum: ['connected', 'disconnected', 'never_seen'] })
  connection: string;

  @ApiProperty({ enum: ['managed', 'unmanaged', 'frozen'] })
  management: string;

  @ApiProperty({ enum: LIFECYCLE_STATES, description: 'As people say it: POST …/lifecycle changes it.' })
  lifecycle: LifecycleState;

  @ApiProperty({ type: String, nullable: true, example: '1.40.0' })
  envoyVersion: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  connectedAt: string | null;
}

export class ProxyDto implements ProxyView {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ example: 'edge-1' })
  name: string;

  @ApiProperty({ example: 'edge-1' })
  nodeId: string;

  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' }, example: { role: 'edge', zone: 'a' } })
  labels: Readonly<Record<string, string>>;

  @ApiProperty({ type: String, nullable: true, example: 'edge' })
  cluster: string | null;

  @ApiProperty({ type: LocalityDto, nullable: true })
  locality: LocalityDto | null;

  @ApiProperty({ type: 'object', additionalProperties: true, example: { team: 'web' } })
  metadata: Readonly<Record<string, unknown>>;

  @ApiProperty({ example: DEFAULT_ADMIN_ADDRESS })
  adminAddress: string;

  @ApiProperty({ type: 'integer', example: DEFAULT_ADMIN_PORT })
  adminPort: number;

  @ApiProperty({ enum: DRAIN_STRATEGIES })
  drainStrategy: DrainStrategy;

  @ApiProperty({ type: VmRefDto, nullable: true, description: "Its container's machine where it runs in one." })
  vm: VmRefDto | null;

  @ApiProperty({ type: NamedRefDto, nullable: true })
  container: NamedRefDto | null;

  @ApiProperty({ type: ProxyStatusDto })
  status: ProxyStatusDto;

  @ApiProperty({ type: 'integer', example: 1, description: 'The ETag is this in quotes.' })
  revision: number;

  @ApiProperty({ type: String, format: 'date-time' })
  createdAt: string;

  @ApiProperty({ type: String, format: 'date-time' })
  updatedAt: string;
}

export class ProxyPageDto {
  @ApiProperty({ type: [ProxyDto] })
  items: readonly ProxyDto[];

  @ApiProperty({ type: String, nullable: true })
  nextCursor: string | null;
}

/** The whole description, defaults filled in. */
export function proxyRequestOf(name: string, dto: PutProxyDto): ProxyRequest {
  const { region, zone, subZone } = dto.locality ?? {};
  const locality = {
    ...(region === undefined ? {} : { region }),
    ...(zone === undefined ? {} : { zone }),
    ...(subZone === undefined ? {} : { subZone }),
  };
  return {
    name,
    nodeId: dto.nodeId,
    labels: dto.labels ?? {},
    cluster: dto.cluster ?? null,
    locality: Object.keys(locality).length === 0 ? null : locality,
    metadata: dto.metadata ?? {},
    adminAddress: dto.adminAddress === undefined ? DEFAULT_ADMIN_ADDRESS : canonicalIp(dto.adminAddress),
    adminPort: dto.adminPort ?? DEFAULT_ADMIN_PORT,
    drainStrategy: dto.drainStrategy ?? DEFAULT_DRAIN_STRATEGY,
    ...(dto.vm === undefined ? {} : { vm: dto.vm }),
    ...(dto.container === undefined ? {} : { container: dto.container }),
  };
}

export const PROXY_BODIES = {
  create: CreateProxyDto,
  put: PutProxyDto,
  patch: PatchProxyDto,
  nameOf: ({ name }: CreateProxyDto): string => name,
  requestOf: proxyRequestOf,
};

/** Checks a description that was put together here, by the rules for those that come over HTTP. @throws ProblemError 422 */
export async function checkedProxy(candidate: unknown): Promise<ProxyRequest> {
  const dto = await checkedBody(CreateProxyDto, candidate);
  return proxyRequestOf(dto.name, dto);
}
