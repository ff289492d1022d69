import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
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

/** The data of one event; what a webhook or a listener is told. */
export class EventDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ example: 'deployment.started' })
  type: string;

  @ApiProperty({
    type: String,
    nullable: true,
    description: 'What it is about: a deployment, a proxy, a configuration.',
  })
  subjectId: string | null;

  @ApiProperty({ format: 'date-time' })
  at: string;

  @ApiProperty({ type: 'object', additionalProperties: true, description: 'The facts, as each type has them.' })
  payload: Record<string, unknown>;
}
