import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Matches } from 'class-validator';
import { MayBeLeftOut } from '../../common/http/request-fields.js';
import { AuditScopeQuery, IsTime } from './audit.dto.js';

export const CHAIN_BREAKS = ['row-changed', 'row-missing', 'row-not-linked', 'link-missing', 'anchor'] as const;
export type ChainBreakKind = (typeof CHAIN_BREAKS)[number];

export class AuditChainQuery extends AuditScopeQuery {
  @ApiPropertyOptional({ format: 'date-time', description: 'Rows from this time on; absent: 30 days before `to`.' })
  @IsTime()
  from?: Date;

  @ApiPropertyOptional({ format: 'date-time', description: 'Rows before this time; absent: now.' })
  @IsTime()
  to?: Date;

  @ApiPropertyOptional({
    description:
      'Number and hash of a link that was written down elsewhere, for instance a `head` of an earlier answer: `<number>:<hash>`. It must still be there.',
  })
  @MayBeLeftOut()
  @Matches(/^[1-9]\d{0,14}:[0-9a-f]{64}$/, { message: 'anchor must be <number>:<64 hexadecimal digits>' })
  anchor?: string;
}

export class ChainHeadDto {
  @ApiProperty({ type: 'integer', example: 4711 })
  number: number;

  @ApiProperty({ description: 'SHA-256, hexadecimal.' })
  hash: string;

  @ApiProperty({ format: 'date-time' })
  chainedAt: Date;
}

export class ChainBreakDto {
  @ApiProperty({ enum: CHAIN_BREAKS })
  kind: ChainBreakKind;

  @ApiProperty({ type: 'integer', nullable: true, description: 'Of the link; null for a row without one.' })
  number: number | null;

  @ApiProperty({ type: String, nullable: true, description: 'Of the entry, where it is known.' })
  entryId: string | null;

  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  at: string | null;

  @ApiProperty({ example: 'The entry is gone, but its link is there.' })
  detail: string;
}

export class AuditChainDto {
  @ApiProperty({ enum: ['intact', 'broken'] })
  state: 'intact' | 'broken';

  @ApiProperty({ type: 'integer', description: 'Links that were checked with their entries.' })
  verified: number;

  @ApiProperty({ type: 'integer', description: 'Links whose entries were moved to an archive with their month.' })
  archived: number;

  @ApiProperty({ type: ChainBreakDto, nullable: true })
  firstBreak: ChainBreakDto | null;

  @ApiProperty({
    type: ChainHeadDto,
    nullable: true,
    description: 'The newest link. Write it down elsewhere as an anchor.',
  })
  head: ChainHeadDto | null;
}
