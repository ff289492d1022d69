import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsIn, IsString, MaxLength, ValidateNested } from 'class-validator';
import { MayBeLeftOut } from '../request-fields.js';
import { etagOf } from '../etag.js';
import { RawJson } from '../raw-json.js';
import type { Change, Changed } from './changes.js';

export const MOST_ITEMS = 1_000;

const ACTIONS = ['create', 'put', 'patch', 'delete'] as const;

/** One write, as its call alone would say it: the method, the address, If-Match and the body. */
export class BatchItemDto {
  @ApiProperty({ enum: ACTIONS, example: 'create', description: 'What POST, PUT, PATCH or DELETE would do.' })
  @IsIn(ACTIONS)
  action: Change<unknown>['action'];

  @ApiPropertyOptional({
    description: 'UUID or `name:<name>`, not percent-encoded; for all but `create`.',
  })
  @MayBeLeftOut()
  @IsString()
  @MaxLength(300)
  id?: string;

  @ApiPropertyOptional({ description: 'The ETag last read, or `*`, as in the header of that name.' })
  @MayBeLeftOut()
  @IsString()
  @MaxLength(1000)
  ifMatch?: string;

  @RawJson()
  @MayBeLeftOut()
  body?: unknown;
}

export class BatchDto {
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MOST_ITEMS)
  @ValidateNested({ each: true })
  @Type(() => BatchItemDto)
  items: BatchItemDto[];
}

export class BatchedItemDto {
  @ApiProperty({ type: 'integer', example: 0, description: 'Which of the items that were sent.' })
  index: number;

  @ApiProperty({ enum: [200, 201, 204], description: 'What the write would be answered with if it came alone.' })
  status: number;

  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ example: 'first' })
  name: string;

  @ApiProperty({ type: String, nullable: true, example: '"1"', description: 'Null for what is deleted.' })
  etag: string | null;
}

export class BatchAnswerDto {
  @ApiProperty({ type: [BatchedItemDto], description: 'In the order of the items that were sent.' })
  items: readonly BatchedItemDto[];

  static of(changed: readonly Changed[]): BatchAnswerDto {
    const items = changed.map(({ status, id, name, revision }, index) => ({
      index,
      status,
      id,
      name,
      etag: status === 204 ? null : etagOf(revision),
    }));
    return { items };
  }
}
