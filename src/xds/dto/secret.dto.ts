import { ApiProperty, ApiPropertyOptional, IntersectionType } from '@nestjs/swagger';
import { IsIn, IsString, MaxLength } from 'class-validator';
import { IsResourceName, MayBeLeftOut } from '../../common/http/request-fields.js';
import type { Actor } from '../../common/context/request-context.js';
import type { Finding } from '../../common/errors/finding.js';
import { ListQuery } from '../../common/http/list.js';
import { checkedBody } from '../../common/http/checked-body.js';
import { RawJson } from '../../common/http/raw-json.js';
import { IsMetadata } from '../../infrastructure/index.js';
import type { SecretContent } from '../secrets/secret-contents.js';
import type { SecretUse } from '../secrets/secret-uses.js';
import { SECRET_TYPES, type SecretType } from '../secrets/secret-values.js';
import type { CertificateView, SecretVersionView, SecretView } from '../secrets/secret-views.js';
import type { SecretRequest } from '../secrets/secret.entity.js';
import { SecretValuesDto } from './secret-values.dto.js';

/** What people say about a secret but its name and content. */
class SecretDescriptionDto {
  @ApiPropertyOptional({ example: 'Certificate of the public names', default: '' })
  @MayBeLeftOut()
  @IsString()
  @MaxLength(2000)
  description?: string;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    example: { owner: 'web' },
    description: 'Shown and audited like any description: nothing secret belongs here.',
  })
  @MayBeLeftOut()
  @RawJson()
  @IsMetadata()
  metadata?: Record<string, unknown>;
}

class SecretNameDto {
  @ApiProperty({ example: 'edge-cert', description: 'Unique in the tenant; snapshots refer to it by it. It stays.' })
  @IsResourceName()
  name: string;
}

export class PutSecretDto extends IntersectionType(SecretDescriptionDto, SecretValuesDto) {}

export class CreateSecretDto extends IntersectionType(SecretNameDto, PutSecretDto) {}

/** A secret without content, as a patch of it results in. */
class DescribedSecretDto extends IntersectionType(SecretNameDto, SecretDescriptionDto) {}

/** A merge patch (RFC 7396) of a secret; its content is changed by a new version. */
export class PatchSecretDto {
  @ApiPropertyOptional({ type: String, nullable: true, example: 'Certificate of the public names' })
  description?: string | null;

  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  metadata?: Record<string, unknown>;
}

export class ListSecretsQuery extends ListQuery {
  @ApiPropertyOptional({ enum: SECRET_TYPES })
  @MayBeLeftOut()
  @IsIn(SECRET_TYPES)
  type?: SecretType;
}

export class CertificateDto implements CertificateView {
  @ApiProperty({ example: 'CN=edge.example.com' })
  subject: string;

  @ApiProperty({ example: 'CN=Example CA' })
  issuer: string;

  @ApiProperty({ example: '03a1' })
  serialNumber: string;

  @ApiProperty({ type: String, format: 'date-time' })
  notBefore: Date;

  @ApiProperty({ type: String, format: 'date-time' })
  notAfter: Date;

  @ApiProperty({ description: 'SHA-256 of the certificate in hexadecimal.' })
  fingerprintSha256: string;

  @ApiProperty({ type: [String], example: ['edge.example.com'] })
  dnsNames: readonly string[];

  @ApiProperty({ type: [String], example: [] })
  ipAddresses: readonly string[];

  @ApiProperty({ type: [String], example: [] })
  uris: readonly string[];
}

/** Who made a version. */
export class SecretAuthorDto {
  @ApiProperty({ enum: ['user', 'api_key', 'system', 'proxy'] })
  kind: Actor['kind'];

  @ApiProperty({ type: String, nullable: true })
  id: string | null;

  @ApiProperty({ example: 'admin@efms.local' })
  name: string;
}

/** Something about a content that did not refuse it. */
export class SecretWarningDto implements Finding {
  @ApiProperty({ example: '/tlsCertificate/certificateChain', description: 'RFC 6901, into the request.' })
  pointer: string;

  @ApiProperty({ example: 'secret.certificate.expires-soon' })
  rule: string;

  @ApiProperty({ example: 'certificate 1 expires on 2030-01-01' })
  detail: string;

  @ApiProperty({ enum: ['error', 'warning'], example: 'warning' })
  severity: Finding['severity'];
}

export class SecretVersionDto implements SecretVersionView {
  @ApiProperty({ type: 'integer', example: 1 })
  number: number;

  @ApiProperty({ description: 'Whether proxies are given this one.' })
  current: boolean;

  @ApiProperty({ description: 'Equal for equal contents; it says nothing else about them.' })
  fingerprint: string;

  @ApiProperty({ type: [CertificateDto], description: 'The own certificate first; or the CAs that are trusted.' })
  certificates: readonly CertificateDto[];

  @ApiProperty({ type: [SecretWarningDto], description: 'Warnings of the checks.' })
  findings: readonly SecretWarningDto[];

  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: 'When the chain ends.' })
  expiresAt: Date | null;

  @ApiProperty({ type: SecretAuthorDto })
  createdBy: SecretAuthorDto;

  @ApiProperty({ type: String, format: 'date-time' })
  createdAt: Date;
}

export class SecretVersionPageDto {
  @ApiProperty({ type: [SecretVersionDto] })
  items: readonly SecretVersionDto[];

  @ApiProperty({ type: String, nullable: true })
  nextCursor: string | null;
}

/** A secret; what it holds is never shown. */
export class SecretDto implements SecretView {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ example: 'edge-cert' })
  name: string;

  @ApiProperty({ enum: SECRET_TYPES })
  type: SecretType;

  @ApiProperty({ example: 'Certificate of the public names' })
  description: string;

  @ApiProperty({ type: 'object', additionalProperties: true, example: { owner: 'web' } })
  metadata: Readonly<Record<string, unknown>>;

  @ApiProperty({ type: SecretVersionDto, description: 'The current one.' })
  version: SecretVersionDto;

  @ApiProperty({ type: 'integer', example: 1, description: 'The ETag is this in quotes.' })
  revision: number;

  @ApiProperty({ type: String, format: 'date-time' })
  createdAt: Date;

  @ApiProperty({ type: String, format: 'date-time' })
  updatedAt: Date;
}

export class SecretPageDto {
  @ApiProperty({ type: [SecretDto] })
  items: readonly SecretDto[];

  @ApiProperty({ type: String, nullable: true })
  nextCursor: string | null;
}

export class SecretUseDto implements SecretUse {
  @ApiProperty({ enum: ['branch', 'assignment', 'previousAssignment'] })
  kind: SecretUse['kind'];

  @ApiProperty({ example: 'edge-1' })
  name: string;

  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ example: 'proxy "edge-1" is assigned it' })
  detail: string;
}

export class SecretUsesDto {
  @ApiProperty({ type: [SecretUseDto], description: 'At most 500 of each kind.' })
  items: readonly SecretUseDto[];
}

/** The whole description, defaults filled in. */
export function secretRequestOf(
  name: string,
  { description = '', metadata = {} }: Pick<PutSecretDto, 'description' | 'metadata'>,
  content?: SecretContent,
): SecretRequest {
  return { name, description, metadata, ...(content && { content }) };
}

/** Checks a description that was put together here, by the rules for those that come over HTTP. @throws ProblemError 422 */
export async function checkedSecret(candidate: unknown): Promise<SecretRequest> {
  const dto = await checkedBody(DescribedSecretDto, candidate);
  return secretRequestOf(dto.name, dto);
}
