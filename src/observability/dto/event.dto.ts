import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { ArrayMaxSize, IsOptional, Matches } from 'class-validator';

export class EventsQuery {
  @ApiPropertyOptional({
    type: String,
    example: 'deployment.*,configuration.version.committed',
    description: 'Only these types, separated by commas; `*` at the end stands for any rest.',
  })
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.split(',') : value))
  @ArrayMaxSize(20)
  @Matches(/^[a-z][a-z.-]{0,98}\*?$/, {
    each: true,
    message: 'types must be names like deployment.started or deployment.*',
  })
  types?: string[];
}
