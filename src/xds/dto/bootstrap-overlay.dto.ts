import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { MayBeLeftOut } from '../../common/http/request-fields.js';
import type { Finding } from '../../common/errors/finding.js';
import { RenderingQuery } from '../../infrastructure/index.js';

export class OverlayQuery extends RenderingQuery {
  @ApiPropertyOptional({ enum: ['overlay'], default: 'overlay' })
  @MayBeLeftOut()
  @IsIn(['overlay'], { message: 'mode can be overlay here; for full, GET the bootstrap' })
  mode?: 'overlay';

  @ApiPropertyOptional({ enum: ['true', 'false'], description: 'Answer the warnings alone, as JSON.' })
  @MayBeLeftOut()
  @IsIn(['true', 'false'])
  dryRun?: 'true' | 'false';
}

export class OverlayWarningDto implements Finding {
  @ApiProperty({ example: '/static_resources/listeners/1/address', description: 'A JSON pointer into the body.' })
  pointer: string;

  @ApiProperty({ example: 'overlapping.address' })
  rule: string;

  @ApiProperty()
  detail: string;

  @ApiProperty({ enum: ['warning'] })
  severity: Finding['severity'];
}

export class OverlayReportDto {
  @ApiProperty({ type: [OverlayWarningDto] })
  findings: readonly OverlayWarningDto[];
}
