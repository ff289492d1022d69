import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsEmail, IsIn, IsString, Matches, MaxLength, MinLength, ValidateBy } from 'class-validator';
import { IsResourceName, MayBeLeftOut } from '../../common/http/request-fields.js';
import { ListQuery } from '../../common/http/list.js';
import { checkedBody } from '../../common/http/checked-body.js';
import { RawJson } from '../../common/http/raw-json.js';
import { type User, USER_STATES, type UserState } from '../entities/user.entity.js';
import { PERMISSION_ENTRY, type Role, ROLES } from '../permissions.js';
import type { Invitation } from '../services/invitations.js';
import { MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH } from '../services/passwords.js';
import type { InvitedUser, NewUser, UserDocument } from '../services/user-rows.js';

const MAX_ENTRIES = 100;
const PERMISSIONS = { 'credentials:read': false, 'users:read': true };

const IsPermissions = (): PropertyDecorator =>
  ValidateBy({
    name: 'permissions',
    validator: {
      validate: isPermissions,
      defaultMessage: () =>
        `permissions must be at most ${MAX_ENTRIES} entries like "proxies:write" with true or false`,
    },
  });

function isPermissions(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  return (
    entries.length <= MAX_ENTRIES &&
    entries.every(([entry, grants]) => PERMISSION_ENTRY.test(entry) && typeof grants === 'boolean')
  );
}

/** What an admin says about a user; checked after merging a patch too. */
class UserDocumentDto {
  @ApiPropertyOptional({ example: 'Jo Doe' })
  @MayBeLeftOut()
  @IsString()
  @MaxLength(255)
  @Matches(/^[^\p{Cc}\p{Cs}]*$/u, { message: 'fullName must not contain control characters' })
  fullName?: string;

  @ApiProperty({ enum: ROLES, example: 'operator' })
  @IsIn(ROLES)
  role: Role;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: { type: 'boolean' },
    example: PERMISSIONS,
    description: 'Entries `resource:action` that widen (true) or narrow (false) the role; a denial wins.',
  })
  @MayBeLeftOut()
  @RawJson()
  @IsPermissions()
  permissions?: Record<string, boolean>;
}

class PatchedUserDto extends UserDocumentDto {
  @IsResourceName()
  username: string;
}

/** A merge patch (RFC 7396) of a user; here for the OpenAPI document, checked after merging. */
export class PatchUserDto {
  @ApiPropertyOptional({ example: 'jo' })
  username?: string;

  @ApiPropertyOptional({ example: 'Jo Doe', nullable: true, type: String })
  fullName?: string | null;

  @ApiPropertyOptional({ enum: ROLES, example: 'viewer' })
  role?: Role;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: { type: 'boolean', nullable: true },
    example: { 'proxies:write': true },
  })
  permissions?: Record<string, boolean | null>;
}

export class InviteUserDto extends UserDocumentDto {
  @ApiProperty({ example: 'jo@example.com', description: 'Logs in to this tenant only. Case is the same.' })
  @IsEmail({}, { message: 'email must be an e-mail address' })
  @MaxLength(320)
  email: string;

  @ApiPropertyOptional({ example: 'jo', description: 'Unique in the tenant. Absent: the e-mail.' })
  @MayBeLeftOut()
  @IsResourceName()
  username?: string;
}

export class ListUsersQuery extends ListQuery {
  @ApiPropertyOptional({ enum: ROLES })
  @MayBeLeftOut()
  @IsIn(ROLES)
  role?: Role;

  @ApiPropertyOptional({ example: 'jo@example.com', description: 'Only the user with this e-mail.' })
  @MayBeLeftOut()
  @IsString()
  @MaxLength(320)
  email?: string;
}

export class AcceptInvitationDto {
  @ApiProperty({ example: 'efmsi_9s0Q…', description: 'The token of the invitation; it works once.' })
  @IsString()
  @MinLength(1)
  @MaxLength(200)
  token: string;

  @ApiProperty({ format: 'password', example: 'correct horse battery staple' })
  @IsString()
  @MinLength(MIN_PASSWORD_LENGTH)
  @MaxLength(MAX_PASSWORD_LENGTH)
  password: string;
}

export class InvitationDto {
  @ApiProperty({ example: 'efmsi_9s0Q…', description: 'For `POST /auth/accept-invitation`. It is shown this once.' })
  token: string;

  @ApiProperty({ type: String, format: 'date-time' })
  expiresAt: string;

  constructor({ token, expiresAt }: Invitation) {
    this.token = token;
    this.expiresAt = expiresAt.toISOString();
  }
}

export class UserDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ example: 'jo@example.com' })
  email: string;

  @ApiProperty({ example: 'jo' })
  username: string;

  @ApiProperty({ example: 'Jo Doe' })
  fullName: string;

  @ApiProperty({ enum: ROLES })
  role: Role;

  @ApiProperty({ type: 'object', additionalProperties: { type: 'boolean' }, example: PERMISSIONS })
  permissions: Readonly<Record<string, boolean>>;

  @ApiProperty({ type: Boolean })
  platformAdmin: boolean;

  @ApiProperty({ enum: USER_STATES })
  state: UserState;

  @ApiProperty({ type: 'integer', example: 1, description: 'The ETag is this in quotes.' })
  revision: number;

  @ApiProperty({ type: String, format: 'date-time' })
  createdAt: string;

  @ApiProperty({ type: String, format: 'date-time' })
  updatedAt: string;

  constructor(user: User) {
    this.id = user.id;
    this.email = user.email;
    this.username = user.username;
    this.fullName = user.fullName;
    this.role = user.role;
    this.permissions = user.permissions;
    this.platformAdmin = user.platformAdmin;
    this.state = user.state;
    this.revision = user.revision;
    this.createdAt = user.createdAt.toISOString();
    this.updatedAt = user.updatedAt.toISOString();
  }
}

export class InvitedUserDto extends UserDto {
  @ApiProperty({ type: InvitationDto })
  invitation: InvitationDto;

  constructor({ user, invitation }: InvitedUser) {
    super(user);
    this.invitation = new InvitationDto(invitation);
  }
}

export class UserPageDto {
  @ApiProperty({ type: [UserDto] })
  items: readonly UserDto[];

  @ApiProperty({ type: String, nullable: true })
  nextCursor: string | null;
}

/** The whole description of a user to be, defaults filled in. */
export function newUserOf(dto: InviteUserDto): NewUser {
  const email = dto.email.toLowerCase();
  return { email, ...documentOf(dto, dto.username ?? email) };
}

/** Checks a description that was put together here, by the rules for those that come over HTTP. @throws ProblemError 422 */
export async function checkedUser(candidate: unknown): Promise<UserDocument> {
  const dto = await checkedBody(PatchedUserDto, candidate);
  return documentOf(dto, dto.username);
}

const documentOf = (dto: UserDocumentDto, username: string): UserDocument => ({
  username,
  fullName: dto.fullName ?? '',
  role: dto.role,
  permissions: dto.permissions ?? {},
});
