import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, IsArray, IsUUID, Matches, MaxLength } from 'class-validator';
import { IsResourceName, IsTimeText, MayBeLeftOut } from '../../common/http/request-fields.js';
import { ListQuery } from '../../common/http/list.js';
import type { ApiKey } from '../entities/api-key.entity.js';
import { PERMISSION_ENTRY } from '../permissions.js';

export class CreateApiKeyDto {
  @ApiProperty({ example: 'ci', description: 'Unique among the active keys of the tenant.' })
  @IsResourceName()
  @MaxLength(100)
  name: string;

  @ApiPropertyOptional({
    type: [String],
    example: ['proxies:read', 'configurations:write', 'deployments:write'],
    description: 'What the key may do, as `resource:action`; at most what its maker may. Absent: all of that.',
  })
  @MayBeLeftOut()
  @IsArray()
  @ArrayMaxSize(100)
  @Matches(PERMISSION_ENTRY, { each: true, message: 'permissions must be entries like "proxies:read" or "*:write"' })
  permissions?: string[];

  @ApiPropertyOptional({ format: 'date-time', example: '2030-01-01T00:00:00Z', description: 'Absent: no end.' })
  @MayBeLeftOut()
  @IsTimeText()
  expiresAt?: Date;
}

export class ListApiKeysQuery extends ListQuery {
  @ApiPropertyOptional({ format: 'uuid', description: 'Only keys that act as this user.' })
  @MayBeLeftOut()
  @IsUUID()
  userId?: string;
}

export class ApiKeyDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ example: 'ci' })
  name: string;

  @ApiProperty({ example: 'efms_Xk3d9a', description: 'The beginning of the key, to recognise it by.' })
  keyPrefix: string;

  @ApiProperty({ format: 'uuid', description: 'The user that the key acts as.' })
  userId: string;

  @ApiProperty({ type: [String], nullable: true, description: 'Null: all that the user may.' })
  permissions: readonly string[] | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  expiresAt: string | null;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'Some seconds late; null for never.',
  })
  lastUsedAt: string | null;

  @ApiProperty({ format: 'date-time' })
  createdAt: string;

  constructor(apiKey: ApiKey, lastUsedAt: Date | null) {
    this.id = apiKey.id;
    this.name = apiKey.name;
    this.keyPrefix = apiKey.keyPrefix;
    this.userId = apiKey.userId;
    this.permissions = apiKey.permissions;
    this.expiresAt = apiKey.expiresAt?.toISOString() ?? null;
    this.lastUsedAt = lastUsedAt?.toISOString() ?? null;
    this.createdAt = apiKey.createdAt.toISOString();
  }
}

export class IssuedApiKeyDto extends ApiKeyDto {
  @ApiProperty({ example: 'efms_Xk3d9a…', description: 'The key itself. It is shown this once.' })
  key: string;

  constructor(apiKey: ApiKey, key: string) {
    super(apiKey, null);
    this.key = key;
  }
}

export class ApiKeyPageDto {
  @ApiProperty({ type: [ApiKeyDto] })
  items: readonly ApiKeyDto[];

  @ApiProperty({ type: String, nullable: true })
  nextCursor: string | null;
}
