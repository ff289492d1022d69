import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import { Check, IsNumberText, IsResourceName, IsTimeText, MayBeLeftOut } from '../../common/http/request-fields.js';
import { parseDuration } from '../../common/clock/duration.js';
import { CERTIFICATE_FILES, startCommand, type XdsProtocol } from '../bootstrap/render-bootstrap.js';
import type { ClientCertificate } from '../client-certificate.js';
import type { ProxyCredential } from '../entities/proxy-credential.entity.js';
import type { IssuedCredential, NewCredential } from '../services/proxy-credentials.service.js';

/** A chain of the largest certificates in use has half of it. */
const MAX_PEM = 32 * 1024;

export class CreateProxyCredentialDto {
  @ApiPropertyOptional({ example: 'installed by ansible', description: 'For people, to tell credentials apart.' })
  @MayBeLeftOut()
  @IsResourceName()
  name?: string;

  @ApiPropertyOptional({ format: 'date-time', example: '2030-01-01T00:00:00Z', description: 'Absent: no end.' })
  @MayBeLeftOut()
  @IsTimeText()
  expiresAt?: Date;

  @ApiPropertyOptional({
    description:
      'PEM of a client certificate, which then is the credential in the place of a token; its chain may follow, its key must not. No CA has to be trusted: the proxy is known by this very certificate, until the certificate ends at the latest. Needs TLS on the xDS port.',
  })
  @MayBeLeftOut()
  @IsString()
  @MaxLength(MAX_PEM)
  certificate?: string;
}

/** Longer than any rollout of new tokens takes. */
const MAX_OVERLAP_MS = 30 * 24 * 3_600_000;
const DEFAULT_OVERLAP = '1h';

const IsOverlap = (): PropertyDecorator =>
  Check('overlap', (value) => {
    const ms = typeof value === 'string' ? parseDuration(value) : undefined;
    return ms !== undefined && ms <= MAX_OVERLAP_MS
      ? undefined
      : 'must be a duration of at most 720h, for instance "1h"';
  });

export class RotateProxyCredentialDto {
  @ApiPropertyOptional({
    example: DEFAULT_OVERLAP,
    default: DEFAULT_OVERLAP,
    description: 'How long the old token goes on beside the new one, as a Go duration; `0` ends it at once.',
  })
  @MayBeLeftOut()
  @IsOverlap()
  overlap?: string;

  @ApiPropertyOptional({ example: 'installed by ansible', description: 'That of the old one unless told.' })
  @MayBeLeftOut()
  @IsResourceName()
  name?: string;
}

/** The overlap that was asked for, in milliseconds. */
export const overlapOf = ({ overlap = DEFAULT_OVERLAP }: RotateProxyCredentialDto): number =>
  parseDuration(overlap) ?? 0;

export class RevokeCredentialQuery {
  @ApiPropertyOptional({ example: 'the machine was sold', description: 'For the audit log.' })
  @MayBeLeftOut()
  @IsString()
  @MaxLength(200)
  @Matches(/^[^\p{Cc}\p{Cs}]*$/u, { message: 'reason must not contain control characters' })
  reason?: string;
}

export class ClientCertificateDto implements ClientCertificate {
  @ApiProperty({ description: 'SHA-256 of the certificate in hexadecimal.' })
  fingerprintSha256: string;

  @ApiProperty({ example: 'CN=edge-1' })
  subject: string;

  @ApiProperty({ example: 'CN=Example CA' })
  issuer: string;

  @ApiProperty({ example: '03a1' })
  serialNumber: string;

  @ApiProperty({ type: String, format: 'date-time' })
  notBefore: Date;

  @ApiProperty({ type: String, format: 'date-time' })
  notAfter: Date;
}

export class ProxyCredentialDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ enum: ['token', 'certificate'] })
  kind: ProxyCredential['kind'];

  @ApiProperty({ example: 'installed by ansible' })
  name: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  expiresAt: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  revokedAt: string | null;

  @ApiProperty({ type: String, nullable: true })
  revokedReason: string | null;

  @ApiProperty({ format: 'date-time' })
  createdAt: string;

  @ApiProperty({ type: ClientCertificateDto, nullable: true, description: 'Null for a token.' })
  certificate: ClientCertificateDto | null;

  constructor(credential: ProxyCredential) {
    this.id = credential.id;
    this.kind = credential.kind;
    this.name = credential.name;
    this.expiresAt = credential.expiresAt?.toISOString() ?? null;
    this.revokedAt = credential.revokedAt?.toISOString() ?? null;
    this.revokedReason = credential.revokedReason;
    this.createdAt = credential.createdAt.toISOString();
    this.certificate = credential.certificate();
  }
}

/** A credential with what starts an Envoy that has it. */
class ReadyProxyCredentialDto extends ProxyCredentialDto {
  @ApiProperty({ description: 'The complete bootstrap as YAML, token included. It is shown this once.' })
  bootstrap: string;

  @ApiProperty({
    example: startCommand('gradual'),
    description: 'Starts Envoy with the bootstrap in `bootstrap.yaml`.',
  })
  startCommand: string;

  constructor({ credential, bootstrap, startCommand: command }: NewCredential) {
    super(credential);
    this.bootstrap = bootstrap;
    this.startCommand = command;
  }
}

export class IssuedProxyCredentialDto extends ReadyProxyCredentialDto {
  @ApiProperty({ example: 'efmsp_Jw8x…', description: 'The token itself. It is shown this once.' })
  token: string;

  constructor(issued: IssuedCredential) {
    super(issued);
    this.token = issued.token;
  }
}

export class NewProxyCredentialDto extends ReadyProxyCredentialDto {
  @ApiProperty({
    type: String,
    nullable: true,
    example: 'efmsp_Jw8x…',
    description: 'The token itself. It is shown this once. Null for a certificate.',
  })
  token: string | null;

  constructor(credential: NewCredential) {
    super(credential);
    this.token = credential.token;
  }
}

export class ProxyCredentialPageDto {
  @ApiProperty({ type: [ProxyCredentialDto] })
  items: readonly ProxyCredentialDto[];

  @ApiProperty({ type: String, nullable: true })
  nextCursor: string | null;
}

/** Of a file on the machine of a proxy. */
const IsFilePath = (): PropertyDecorator =>
  applyDecorators(
    MaxLength(1024),
    Matches(/^\/[^\p{C}]*$/u, { message: '$property must be an absolute path without control characters' }),
  );

/** What every rendering of a bootstrap can be told. */
export class RenderingQuery {
  @ApiPropertyOptional({ enum: ['yaml', 'json'], default: 'yaml' })
  @MayBeLeftOut()
  @IsIn(['yaml', 'json'])
  format: 'yaml' | 'json' = 'yaml';

  @ApiPropertyOptional({ enum: ['delta', 'sotw'], default: 'delta' })
  @MayBeLeftOut()
  @IsIn(['delta', 'sotw'])
  protocol: XdsProtocol = 'delta';

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 65535, description: "Instead of the proxy's own." })
  @MayBeLeftOut()
  @IsNumberText()
  @Min(1)
  @Max(65535)
  adminPort?: number;

  @ApiPropertyOptional({
    enum: ['token', 'certificate'],
    default: 'token',
    description: 'What the proxy proves itself with; a certificate needs TLS on the xDS port.',
  })
  @MayBeLeftOut()
  @IsIn(['token', 'certificate'])
  credential: 'token' | 'certificate' = 'token';

  @ApiPropertyOptional({
    description: `Where the proxy has its client certificate, with \`credential=certificate\`; ${CERTIFICATE_FILES.certificateFile} unless told.`,
  })
  @MayBeLeftOut()
  @IsFilePath()
  certificateFile?: string;

  @ApiPropertyOptional({ description: `Where it has the key of that; ${CERTIFICATE_FILES.keyFile} unless told.` })
  @MayBeLeftOut()
  @IsFilePath()
  keyFile?: string;
}

export class BootstrapQuery extends RenderingQuery {
  @ApiPropertyOptional({ enum: ['full'], default: 'full', description: '`overlay` takes a bootstrap: POST it here.' })
  @MayBeLeftOut()
  @IsIn(['full'], { message: 'mode can be full here; for overlay, POST the bootstrap to lay EFMS over' })
  mode?: 'full';
}
