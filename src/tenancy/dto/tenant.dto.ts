import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsEmail, IsIn, IsString, Matches, MaxLength, ValidateBy, ValidateNested } from 'class-validator';
import { IsNameThat, MayBeLeftOut } from '../../common/http/request-fields.js';
import { isUuid } from '../../common/context/ids.js';
import { nameProblem } from '../../common/http/address.js';
import { checkedBody } from '../../common/http/checked-body.js';
import { ListQuery } from '../../common/http/list.js';
import { RawJson } from '../../common/http/raw-json.js';
import {
  type MadeTenant,
  type NewTenant,
  type Tenant,
  type TenantContent,
  TENANT_STATES,
  type TenantState,
} from '../services/tenant-rows.js';
import type { NewUser } from '../services/user-rows.js';
import { InvitationDto, newUserOf } from './user.dto.js';

const MAX_METADATA_BYTES = 16 * 1024;

const IsSmallObject = (): PropertyDecorator =>
  ValidateBy({
    name: 'metadata',
    validator: {
      validate: (value: unknown) =>
        typeof value === 'object' &&
        value !== null &&
        !Array.isArray(value) &&
        Buffer.byteLength(JSON.stringify(value)) <= MAX_METADATA_BYTES,
      defaultMessage: () => `metadata must be an object of at most ${MAX_METADATA_BYTES} bytes`,
    },
  });

/** `X-EFMS-Tenant` takes ids and names without `name:` before them. */
const tenantNameProblem = (name: string): string | undefined =>
  isUuid(name) ? 'must not look like an id: X-EFMS-Tenant would take it for one' : nameProblem(name);

/** All that is said about a tenant but its name. What is absent is set to its default. */
export class PutTenantDto {
  @ApiPropertyOptional({ example: 'The fleet of ACME' })
  @MayBeLeftOut()
  @IsString()
  @MaxLength(2000)
  description?: string;

  @ApiPropertyOptional({ type: 'object', additionalProperties: true, example: { costCentre: '42' } })
  @MayBeLeftOut()
  @RawJson()
  @IsSmallObject()
  metadata?: Record<string, unknown>;
}

class TenantDocumentDto extends PutTenantDto {
  @ApiProperty({ example: 'acme', description: 'Unique in the installation.' })
  @IsNameThat(tenantNameProblem)
  name: string;
}

export class FirstAdminDto {
  @ApiProperty({ example: 'admin@acme.example' })
  @IsEmail({}, { message: 'email must be an e-mail address' })
  @MaxLength(320)
  email: string;

  @ApiPropertyOptional({ example: 'Jo Doe' })
  @MayBeLeftOut()
  @IsString()
  @MaxLength(255)
  @Matches(/^[^\p{Cc}\p{Cs}]*$/u, { message: 'fullName must not contain control characters' })
  fullName?: string;
}

export class CreateTenantDto extends TenantDocumentDto {
  @ApiPropertyOptional({
    type: FirstAdminDto,
    description: 'Is invited as admin. Absent: invite people through X-EFMS-Tenant.',
  })
  @MayBeLeftOut()
  @ValidateNested()
  @Type(() => FirstAdminDto)
  admin?: FirstAdminDto;
}

/** A merge patch (RFC 7396) of a tenant; here for the OpenAPI document, checked after merging. */
export class PatchTenantDto {
  @ApiPropertyOptional({ example: 'acme' })
  name?: string;

  @ApiPropertyOptional({ example: 'The fleet of ACME', nullable: true, type: String })
  description?: string | null;

  @ApiPropertyOptional({ type: 'object', additionalProperties: true, example: { costCentre: null } })
  metadata?: Record<string, unknown>;
}

export class ListTenantsQuery extends ListQuery {
  @ApiPropertyOptional({ enum: TENANT_STATES })
  @MayBeLeftOut()
  @IsIn(TENANT_STATES)
  state?: TenantState;
}

export class TenantDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ example: 'acme' })
  name: string;

  @ApiProperty({ example: 'The fleet of ACME' })
  description: string;

  @ApiProperty({ type: 'object', additionalProperties: true, example: { costCentre: '42' } })
  metadata: Readonly<Record<string, unknown>>;

  @ApiProperty({ enum: TENANT_STATES })
  state: TenantState;

  @ApiProperty({ type: 'integer', example: 1, description: 'The ETag is this in quotes.' })
  revision: number;

  @ApiProperty({ type: String, format: 'date-time' })
  createdAt: Date;

  @ApiProperty({ type: String, format: 'date-time' })
  updatedAt: Date;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  closedAt: Date | null;

  constructor(tenant: Tenant) {
    Object.assign(this, tenant);
  }
}

export class MadeTenantDto extends TenantDto {
  @ApiProperty({ type: InvitationDto, nullable: true, description: 'For the first admin, if one was named.' })
  invitation: InvitationDto | null;

  constructor({ tenant, invitation }: MadeTenant) {
    super(tenant);
    this.invitation = invitation && new InvitationDto(invitation);
  }
}

export class TenantPageDto {
  @ApiProperty({ type: [TenantDto] })
  items: readonly TenantDto[];

  @ApiProperty({ type: String, nullable: true })
  nextCursor: string | null;
}

/** The whole description, defaults filled in. */
export const tenantContentOf = ({ description, metadata }: PutTenantDto): TenantContent => ({
  description: description ?? '',
  metadata: metadata ?? {},
});

export const newTenantOf = (dto: TenantDocumentDto): NewTenant => ({ name: dto.name, ...tenantContentOf(dto) });

/** The person who is invited with the tenant. */
export const firstAdminOf = ({ email, fullName }: FirstAdminDto): NewUser =>
  newUserOf({ email, role: 'admin', ...(fullName === undefined ? {} : { fullName }) });

/** Checks a description that was put together here, by the rules for those that come over HTTP. @throws ProblemError 422 */
export async function checkedTenant(candidate: unknown): Promise<NewTenant> {
  const dto = await checkedBody(TenantDocumentDto, candidate);
  return newTenantOf(dto);
}
