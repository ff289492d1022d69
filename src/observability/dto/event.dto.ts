import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { ArrayMaxSize, Matches } from 'class-validator';
import { MayBeLeftOut } from '../../common/http/request-fields.js';
import { EVENTS } from '../services/event-types.js';

/** A type, or a beginning of types. */
export const EVENT_TYPE = /^[a-z][a-z._-]{0,98}\*?$/;
export const EVENT_TYPE_RULE = 'types must be names like deployment.started or deployment.*';
export const MAX_TYPES = 20;

const TYPES = Object.keys(EVENTS)
  .map((type) => `\`${type}\``)
  .join(', ');

export class EventsQuery {
  @ApiPropertyOptional({
    type: String,
    example: 'deployment.*,configuration.version.committed',
    description: `Only these types, separated by commas; \`*\` at the end stands for any rest. There are ${TYPES}.`,
  })
  @MayBeLeftOut()
  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.split(',') : [value]))
  @ArrayMaxSize(MAX_TYPES)
  @Matches(EVENT_TYPE, { each: true, message: EVENT_TYPE_RULE })
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
