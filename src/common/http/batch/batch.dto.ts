import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsIn, IsString, MaxLength, ValidateNested } from 'class-validator';
import { MayBeLeftOut } from '../request-fields.js';
import { etagOf } from '../etag.js';
import { RawJson } from '../raw-json.js';
import type { Change, Changed } from './changes.js';

export const MOST_ITEMS = 1_000;
/** Characters. */
export const LONGEST_ADDRESS = 300;
export const LONGEST_IF_MATCH = 1_000;

const ACTIONS = ['create', 'put', 'patch', 'delete'] as const;

/** One write, as its call alone would say it: the method, the address, If-Match and the body. `BatchRoute` documents its shapes. */
export class BatchItemDto {
  @IsIn(ACTIONS)
  action: Change<unknown>['action'];

  @MayBeLeftOut()
  @IsString()
  @MaxLength(LONGEST_ADDRESS)
  id?: string;

  @MayBeLeftOut()
  @IsString()
  @MaxLength(LONGEST_IF_MATCH)
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
