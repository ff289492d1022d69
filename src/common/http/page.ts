import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsString, Max, MaxLength, Min } from 'class-validator';
import { IsNumberText, MayBeLeftOut } from './request-fields.js';

/** One page of a list; `nextCursor` is null on the last one. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/** Query parameters of every list. */
export class PageQuery {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 500, default: 50, description: 'Most items on a page.' })
  @MayBeLeftOut()
  @IsNumberText()
  @Min(1)
  @Max(500)
  limit: number = 50;

  @ApiPropertyOptional({ description: 'Where the previous page ended: its `nextCursor`.' })
  @MayBeLeftOut()
  @IsString()
  @MaxLength(4000)
  cursor?: string;
}
