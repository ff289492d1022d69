import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsIn, IsString, Matches, MaxLength } from 'class-validator';
import { IsResourceName, MayBeLeftOut } from '../../common/http/request-fields.js';
import { checkedBody } from '../../common/http/checked-body.js';
import { ListQuery, SortedBy } from '../../common/http/list.js';
import { RawJson } from '../../common/http/raw-json.js';
import {
  type ProxyGroupRequest,
  SELECTION_STRATEGIES,
  type SelectionStrategy,
} from '../entities/proxy-group.entity.js';
import type { GroupMember, MembershipEvent } from '../services/group-members.service.js';
import type { ProxyGroupView } from '../services/proxy-group-views.js';
import { IsAddress, IsLabels, IsLabelSelector } from './proxy-checks.js';
import { NamedRefDto } from './proxy.dto.js';

/** All that people say about a group but its name. What is absent is set to its default. */
export class PutProxyGroupDto {
  @ApiPropertyOptional({ example: 'Everything that faces the internet' })
  @MayBeLeftOut()
  @IsString()
  @MaxLength(2000)
  @Matches(/^[^\0\p{Cs}]*$/u, { message: 'description must not contain NUL or broken Unicode' })
  description?: string;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: { type: 'string' },
    example: { tier: 'public' },
    description: 'Labels of the group itself.',
  })
  @MayBeLeftOut()
  @RawJson()
  @IsLabels()
  labels?: Record<string, string>;

  @ApiPropertyOptional({
    description: 'The group above, as `name:<name>` or UUID: what targets it targets this one too.',
  })
  @MayBeLeftOut()
  @IsAddress()
  parent?: string;

  @ApiPropertyOptional({
    type: String,
    example: 'role=edge,zone in (a,b)',
    description:
      'Proxies whose labels satisfy every term belong to the group, beside those put into it: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k`, `!k`.',
  })
  @MayBeLeftOut()
  @IsLabelSelector()
  selector?: string;

  @ApiPropertyOptional({
    enum: SELECTION_STRATEGIES,
    default: 'all',
    description: 'How changes to the group are meant to go; a deployment states its own strategy.',
  })
  @MayBeLeftOut()
  @IsIn(SELECTION_STRATEGIES)
  selectionStrategy?: SelectionStrategy;

  @ApiPropertyOptional({ default: true, description: 'Deployments that name an inactive group are refused.' })
  @MayBeLeftOut()
  @IsBoolean()
  isActive?: boolean;
}

export class CreateProxyGroupDto extends PutProxyGroupDto {
  @ApiProperty({ example: 'edge', description: 'Unique in the tenant.' })
  @IsResourceName()
  name: string;
}

/** A merge patch (RFC 7396) of a group; here for the OpenAPI document, checked after merging. */
export class PatchProxyGroupDto {
  @ApiPropertyOptional({ example: 'edge' })
  name?: string;

  @ApiPropertyOptional({ type: String, nullable: true })
  description?: string | null;

  @ApiPropertyOptional({ type: 'object', additionalProperties: { type: 'string', nullable: true } })
  labels?: Record<string, string | null>;

  @ApiPropertyOptional({ type: String, nullable: true, example: null })
  parent?: string | null;

  @ApiPropertyOptional({ type: String, nullable: true, example: 'role=edge' })
  selector?: string | null;

  @ApiPropertyOptional({ enum: SELECTION_STRATEGIES, nullable: true })
  selectionStrategy?: SelectionStrategy | null;

  @ApiPropertyOptional({ type: Boolean, nullable: true })
  isActive?: boolean | null;
}

export class ListProxyGroupsQuery extends ListQuery {
  @ApiPropertyOptional({ example: 'edge', description: 'Only groups whose name begins so.' })
  @MayBeLeftOut()
  @IsString()
  @MaxLength(255)
  @Matches(/^[^\p{Cc}\p{Cs}]*$/u, { message: 'name must not contain control characters' })
  name?: string;

  @ApiPropertyOptional({ example: 'tier=public', description: 'Only groups whose own labels satisfy every term.' })
  @MayBeLeftOut()
  @IsString()
  @MaxLength(4000)
  labels?: string;

  @ApiPropertyOptional({ example: 'name:everything', description: 'Only groups right under this one.' })
  @MayBeLeftOut()
  @IsAddress()
  parent?: string;
}

export class ListMembersQuery extends SortedBy('-name') {}

export class ListMembershipEventsQuery extends SortedBy('at') {}

export class ProxyGroupDto implements ProxyGroupView {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ example: 'edge' })
  name: string;

  @ApiProperty({ example: 'Everything that faces the internet' })
  description: string;

  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' }, example: { tier: 'public' } })
  labels: Readonly<Record<string, string>>;

  @ApiProperty({ type: NamedRefDto, nullable: true })
  parent: NamedRefDto | null;

  @ApiProperty({ type: String, nullable: true, example: 'role=edge' })
  selector: string | null;

  @ApiProperty({ enum: SELECTION_STRATEGIES })
  selectionStrategy: SelectionStrategy;

  @ApiProperty()
  isActive: boolean;

  @ApiProperty({ type: 'integer', example: 1, description: 'The ETag is this in quotes.' })
  revision: number;

  @ApiProperty({ type: String, format: 'date-time' })
  createdAt: Date;

  @ApiProperty({ type: String, format: 'date-time' })
  updatedAt: Date;
}

export class ProxyGroupPageDto {
  @ApiProperty({ type: [ProxyGroupDto] })
  items: readonly ProxyGroupDto[];

  @ApiProperty({ type: String, nullable: true })
  nextCursor: string | null;
}

export class GroupMemberDto implements GroupMember {
  @ApiProperty({ type: NamedRefDto })
  proxy: NamedRefDto;

  @ApiProperty({ isArray: true, enum: ['static', 'selector'], description: 'Why it belongs to the group.' })
  sources: readonly ('static' | 'selector')[];

  @ApiProperty({ type: String, format: 'date-time' })
  joinedAt: Date;
}

export class GroupMemberPageDto {
  @ApiProperty({ type: [GroupMemberDto] })
  items: readonly GroupMemberDto[];

  @ApiProperty({ type: String, nullable: true })
  nextCursor: string | null;
}

export class MembershipActorDto {
  @ApiProperty({ enum: ['user', 'api_key', 'system', 'proxy'] })
  kind: 'user' | 'api_key' | 'system' | 'proxy';

  @ApiProperty({ type: String, nullable: true })
  id: string | null;

  @ApiProperty({ example: 'admin@efms.local' })
  name: string;
}

export class MembershipEventDto implements MembershipEvent {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ type: String, format: 'date-time' })
  at: Date;

  @ApiProperty({ enum: ['joined', 'left'] })
  change: 'joined' | 'left';

  @ApiProperty({ enum: ['static', 'selector'] })
  source: 'static' | 'selector';

  @ApiProperty({
    enum: ['added', 'removed', 'labels', 'selector', 'proxy_deleted', 'enrolled'],
    description: 'What changed it: a person, labels of the proxy, the selector of the group, …',
  })
  reason: string;

  @ApiProperty({ type: NamedRefDto, description: 'As it was called then; it may be gone.' })
  proxy: NamedRefDto;

  @ApiProperty({ type: MembershipActorDto })
  actor: MembershipActorDto;
}

export class MembershipEventPageDto {
  @ApiProperty({ type: [MembershipEventDto] })
  items: readonly MembershipEventDto[];

  @ApiProperty({ type: String, nullable: true })
  nextCursor: string | null;
}

/** The whole description, defaults filled in. */
export function proxyGroupRequestOf(name: string, dto: PutProxyGroupDto): ProxyGroupRequest {
  return {
    name,
    description: dto.description ?? '',
    labels: dto.labels ?? {},
    selector: dto.selector ?? null,
    selectionStrategy: dto.selectionStrategy ?? 'all',
    isActive: dto.isActive ?? true,
    ...(dto.parent === undefined ? {} : { parent: dto.parent }),
  };
}

export const PROXY_GROUP_BODIES = {
  create: CreateProxyGroupDto,
  put: PutProxyGroupDto,
  patch: PatchProxyGroupDto,
  nameOf: ({ name }: CreateProxyGroupDto): string => name,
  requestOf: proxyGroupRequestOf,
};

/** Checks a description that was put together here, by the rules for those that come over HTTP. @throws ProblemError 422 */
export async function checkedProxyGroup(candidate: unknown): Promise<ProxyGroupRequest> {
  const dto = await checkedBody(CreateProxyGroupDto, candidate);
  return proxyGroupRequestOf(dto.name, dto);
}
