import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsString, Max, MaxLength, Min, ValidateNested } from 'class-validator';
import { IsResourceName, IsTimeText, MayBeLeftOut } from '../../common/http/request-fields.js';
import { RawJson } from '../../common/http/raw-json.js';
import type { Enrolled, EnrolmentRequest } from '../services/enrolment-steps.js';
import type { EnrolmentTokenRequest, EnrolmentTokenView } from '../services/enrolment-tokens.service.js';
import { IsAddress, IsLabels } from './proxy-checks.js';
import { IssuedProxyCredentialDto } from './proxy-credential.dto.js';
import { LocalityDto, NamedRefDto, proxyRequestOf } from './proxy.dto.js';

const MAX_USES = 100_000;

export class CreateEnrolmentTokenDto {
  @ApiProperty({ example: 'edge-autumn', description: 'Unique in the tenant.' })
  @IsResourceName()
  name: string;

  @ApiPropertyOptional({ example: 'name:edge', description: 'What proxies that enrol with it are put into.' })
  @MayBeLeftOut()
  @IsAddress()
  group?: string;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: { type: 'string' },
    example: { role: 'edge' },
    description: 'Labels of proxies that enrol with it; machines do not choose their own.',
  })
  @MayBeLeftOut()
  @RawJson()
  @IsLabels()
  labels?: Record<string, string>;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: MAX_USES, default: 1 })
  @MayBeLeftOut()
  @IsInt()
  @Min(1)
  @Max(MAX_USES)
  maxUses?: number;

  @ApiProperty({ type: String, format: 'date-time', example: '2030-01-01T00:00:00Z' })
  @IsTimeText()
  expiresAt: Date;
}

export class EnrolmentTokenDto implements EnrolmentTokenView {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ example: 'edge-autumn' })
  name: string;

  @ApiProperty({ type: NamedRefDto, nullable: true })
  group: NamedRefDto | null;

  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' }, example: { role: 'edge' } })
  labels: Readonly<Record<string, string>>;

  @ApiProperty({ type: 'integer', example: 10 })
  maxUses: number;

  @ApiProperty({ type: 'integer', example: 3 })
  uses: number;

  @ApiProperty({ type: String, format: 'date-time' })
  expiresAt: Date;

  @ApiProperty({ type: 'integer', example: 1, description: 'The ETag is this in quotes.' })
  revision: number;

  @ApiProperty({ type: String, format: 'date-time' })
  createdAt: Date;
}

export class IssuedEnrolmentTokenDto extends EnrolmentTokenDto {
  @ApiProperty({ example: 'efmse_Jw8x…', description: 'The token itself. It is shown this once.' })
  token: string;
}

export class EnrolmentTokenPageDto {
  @ApiProperty({ type: [EnrolmentTokenDto] })
  items: readonly EnrolmentTokenDto[];

  @ApiProperty({ type: String, nullable: true })
  nextCursor: string | null;
}

export class EnrolDto {
  @ApiPropertyOptional({ example: 'efmse_Jw8x…', description: 'Where it is not sent as `Authorization: Bearer`.' })
  @MayBeLeftOut()
  @IsString()
  @MaxLength(200)
  token?: string;

  @ApiProperty({ example: 'edge-7', description: 'The identity that the Envoy will state.' })
  @IsResourceName()
  nodeId: string;

  @ApiPropertyOptional({ example: 'edge-7', description: 'Of a proxy that is new; its node id unless told.' })
  @MayBeLeftOut()
  @IsResourceName()
  name?: string;

  @ApiPropertyOptional({ example: 'edge' })
  @MayBeLeftOut()
  @IsResourceName()
  cluster?: string;

  @ApiPropertyOptional({ type: LocalityDto })
  @MayBeLeftOut()
  @ValidateNested()
  @Type(() => LocalityDto)
  locality?: LocalityDto;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 65535 })
  @MayBeLeftOut()
  @IsInt()
  @Min(1)
  @Max(65535)
  adminPort?: number;
}

export class EnrolledProxyDto extends NamedRefDto {
  @ApiProperty({ example: 'edge-7' })
  nodeId: string;
}

export class EnrolledDto {
  @ApiProperty({ type: EnrolledProxyDto })
  proxy: EnrolledProxyDto;

  @ApiProperty({ type: IssuedProxyCredentialDto })
  credential: IssuedProxyCredentialDto;

  constructor({ proxy, ...issued }: Enrolled) {
    this.proxy = proxy;
    this.credential = new IssuedProxyCredentialDto(issued);
  }
}

export function enrolmentTokenRequestOf(dto: CreateEnrolmentTokenDto): EnrolmentTokenRequest {
  const { name, group, labels = {}, maxUses = 1, expiresAt } = dto;
  return { name, labels, maxUses, expiresAt, ...(group === undefined ? {} : { group }) };
}

export function enrolmentRequestOf({ token: _, name, ...dto }: EnrolDto): EnrolmentRequest {
  return proxyRequestOf(name ?? dto.nodeId, dto);
}
