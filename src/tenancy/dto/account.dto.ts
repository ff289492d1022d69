import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsString, MaxLength, MinLength } from 'class-validator';
import { describePermissions, ROLES, type Role } from '../permissions.js';
import type { Principal } from '../principal.js';
import { MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH } from '../services/passwords.js';

export class ChangePasswordDto {
  @ApiProperty({ format: 'password', example: 'the password that the first start printed' })
  @IsString()
  @MaxLength(MAX_PASSWORD_LENGTH)
  currentPassword: string;

  @ApiProperty({ format: 'password', example: 'correct horse battery staple' })
  @IsString()
  @MinLength(MIN_PASSWORD_LENGTH)
  @MaxLength(MAX_PASSWORD_LENGTH)
  newPassword: string;
}

export class TenantRefDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ example: 'default' })
  name: string;
}

export class PrincipalDto {
  @ApiProperty({ enum: ['user', 'api_key'] })
  kind: 'user' | 'api_key';

  @ApiProperty({ format: 'uuid', description: 'The user, or the API key.' })
  id: string;

  @ApiProperty({ example: 'admin@efms.local', description: 'The e-mail of the user, or the name of the API key.' })
  name: string;

  @ApiProperty({ example: 'admin@efms.local', description: 'The user that an API key acts as.' })
  email: string;

  @ApiPropertyOptional({ type: Boolean, example: true })
  platformAdmin: boolean;
}

export class MeDto {
  @ApiProperty({ type: PrincipalDto })
  principal: PrincipalDto;

  @ApiProperty({ type: TenantRefDto })
  tenant: TenantRefDto;

  @ApiProperty({ enum: ROLES })
  role: Role;

  @ApiProperty({
    type: [String],
    example: ['*:read', '*:write'],
    description: 'Entries `resource:action` that are granted, and behind a minus those that are denied.',
  })
  permissions: readonly string[];

  static of({ kind, user, apiKey, tenant, role, permissions }: Principal): MeDto {
    return {
      principal: {
        kind,
        id: apiKey?.id ?? user.id,
        name: apiKey?.name ?? user.email,
        email: user.email,
        platformAdmin: user.platformAdmin,
      },
      tenant: { id: tenant.id, name: tenant.name },
      role,
      permissions: describePermissions(permissions),
    };
  }
}
