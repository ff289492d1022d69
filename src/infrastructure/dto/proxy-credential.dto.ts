import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import { Check, IsNumberText, IsResourceName, IsTimeText, MayBeLeftOut } from '../../common/http/request-fields.js';
import { parseDuration } from '../../common/clock/duration.js';
import { startCommand, type XdsProtocol } from '../bootstrap/render-bootstrap.js';
import type { ProxyCredential } from '../entities/proxy-credential.entity.js';
import type { IssuedCredential } from '../services/proxy-credentials.service.js';

export class CreateProxyCredentialDto {
  @ApiPropertyOptional({ example: 'installed by ansible', description: 'For people, to tell credentials apart.' })
  @MayBeLeftOut()
  @IsResourceName()
  name?: string;

  @ApiPropertyOptional({ format: 'date-time', example: '2030-01-01T00:00:00Z', description: 'Absent: no end.' })
  @MayBeLeftOut()
  @IsTimeText()
  expiresAt?: Date;
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

export class ProxyCredentialDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ enum: ['token'] })
  kind: string;

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

  constructor(credential: ProxyCredential) {
    this.id = credential.id;
    this.kind = credential.kind;
    this.name = credential.name;
    this.expiresAt = credential.expiresAt?.toISOString() ?? null;
    this.revokedAt = credential.revokedAt?.toISOString() ?? null;
    this.revokedReason = credential.revokedReason;
    this.createdAt = credential.createdAt.toISOString();
  }
}

export class IssuedProxyCredentialDto extends ProxyCredentialDto {
  @ApiProperty({ example: 'efmsp_Jw8x…', description: 'The token itself. It is shown this once.' })
  token: string;

  @ApiProperty({ description: 'The complete bootstrap as YAML, token included. It is shown this once.' })
  bootstrap: string;

  @ApiProperty({
    example: startCommand('gradual'),
    description: 'Starts Envoy with the bootstrap in `bootstrap.yaml`.',
  })
  startCommand: string;

  constructor({ credential, token, bootstrap, startCommand: command }: IssuedCredential) {
    super(credential);
    this.token = token;
    this.bootstrap = bootstrap;
    this.startCommand = command;
  }
}

export class ProxyCredentialPageDto {
  @ApiProperty({ type: [ProxyCredentialDto] })
  items: readonly ProxyCredentialDto[];

  @ApiProperty({ type: String, nullable: true })
  nextCursor: string | null;
}

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
}

export class BootstrapQuery extends RenderingQuery {
  @ApiPropertyOptional({ enum: ['full'], default: 'full', description: '`overlay` takes a bootstrap: POST it here.' })
  @MayBeLeftOut()
  @IsIn(['full'], { message: 'mode can be full here; for overlay, POST the bootstrap to lay EFMS over' })
  mode?: 'full';
}
