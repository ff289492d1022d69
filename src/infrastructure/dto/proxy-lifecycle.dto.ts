import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsString, MaxLength } from 'class-validator';
import { MayBeLeftOut } from '../../common/http/request-fields.js';
import { ListQuery } from '../../common/http/list.js';
import { LIFECYCLE_STATES, type LifecycleState } from '../entities/envoy-proxy.entity.js';
import type { LifecycleEvent } from '../services/proxy-lifecycle.js';
import { NamedRefDto } from './proxy.dto.js';
import { MembershipActorDto } from './proxy-group.dto.js';

export class ChangeLifecycleDto {
  @ApiProperty({ enum: LIFECYCLE_STATES, example: 'draining' })
  @IsIn(LIFECYCLE_STATES)
  state: LifecycleState;

  @ApiPropertyOptional({ example: 'kernel update of web-1' })
  @MayBeLeftOut()
  @IsString()
  @MaxLength(2000)
  reason?: string;
}

export class ListLifecycleEventsQuery extends ListQuery {
  @ApiPropertyOptional({ example: 'at', description: '`at` or, the newest first and the default, `-at`.' })
  declare sort?: string;
}

export class LifecycleEventDto implements LifecycleEvent {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ type: String, format: 'date-time' })
  at: Date;

  @ApiProperty({ enum: LIFECYCLE_STATES })
  from: LifecycleState;

  @ApiProperty({ enum: LIFECYCLE_STATES, example: 'draining' })
  to: LifecycleState;

  @ApiProperty({ example: 'kernel update of web-1', description: 'Empty where none was given.' })
  reason: string;

  @ApiProperty({ type: NamedRefDto, description: 'The proxy, by the name that it had then; it may be gone.' })
  proxy: NamedRefDto;

  @ApiProperty({ type: MembershipActorDto })
  actor: MembershipActorDto;
}

export class LifecycleEventPageDto {
  @ApiProperty({ type: [LifecycleEventDto] })
  items: readonly LifecycleEventDto[];

  @ApiProperty({ type: String, nullable: true })
  nextCursor: string | null;
}
