import { ApiProperty } from '@nestjs/swagger';

/** What a probe answers that looks at the process alone. */
export class AliveDto {
  @ApiProperty({ enum: ['ok'] })
  status: 'ok';
}

const PART = { type: 'object', properties: { status: { type: 'string', enum: ['up', 'down'] } }, required: ['status'] };
const PARTS = {
  type: 'object' as const,
  additionalProperties: PART,
  example: { database: { status: 'up' }, xds: { status: 'up' } },
};

/** What the probe answers that looks at what the process needs. */
export class ReadyDto extends AliveDto {
  @ApiProperty({ ...PARTS, description: 'What is up.' })
  info: object;

  @ApiProperty({ ...PARTS, example: {}, description: 'What is down.' })
  error: object;

  @ApiProperty({ ...PARTS, description: 'Both.' })
  details: object;
}
