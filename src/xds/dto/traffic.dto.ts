import { ApiProperty, ApiPropertyOptional, OmitType } from '@nestjs/swagger';
import { IsIn, IsString, Matches, MaxLength } from 'class-validator';
import { PageQuery } from '../../common/http/page.js';
import { IsTimeText, MayBeLeftOut } from '../../common/http/request-fields.js';
import { METRIC_LIMITS } from '../metrics/traffic.js';
import type { TrafficSeries } from '../metrics/traffic-reader.js';

const SERIES = ['cluster', 'locality', 'snapshot'] as const;

export class TrafficQuery extends PageQuery {
  @ApiPropertyOptional({
    format: 'date-time',
    description: 'From this time on; absent: an hour, or one step, before `to`.',
  })
  @MayBeLeftOut()
  @IsTimeText()
  from?: Date;

  @ApiPropertyOptional({
    format: 'date-time',
    description: 'Before this time; absent: up to the last minute that is over.',
  })
  @MayBeLeftOut()
  @IsTimeText()
  to?: Date;

  @ApiPropertyOptional({
    example: '5m',
    default: '1m',
    description: 'Whole minutes, or whole hours, which go back further. A window has 1,500 steps at most.',
  })
  @MayBeLeftOut()
  @IsString()
  @MaxLength(64)
  step?: string;

  @ApiPropertyOptional({ enum: SERIES, description: 'Tells traffic apart; absent: all of it together.' })
  @MayBeLeftOut()
  @IsIn(SERIES)
  by?: TrafficSeries;

  @ApiPropertyOptional({ example: 'web', description: 'Of this cluster only.' })
  @MayBeLeftOut()
  @IsString()
  @MaxLength(METRIC_LIMITS.nameBytes)
  @Matches(/^[^\p{Cc}\p{Cs}]*$/u, { message: '$property must not contain control characters' })
  cluster?: string;

  @ApiPropertyOptional({
    description: 'Only while proxies had this snapshot in full: the `snapshotHash` of a version.',
  })
  @MayBeLeftOut()
  @Matches(/^[0-9a-f]{64}$/, { message: '$property must be the snapshotHash of a version' })
  snapshot?: string;
}

/** The same of one version, whose snapshot it is. */
export class VersionTrafficQuery extends OmitType(TrafficQuery, ['snapshot']) {}

export class LatencyDto {
  @ApiProperty({ type: 'integer', description: 'Requests whose time was reported.' })
  count: number;

  @ApiProperty({ example: 4.2, description: 'Milliseconds, as near as the buckets of the histograms tell.' })
  p50: number;

  @ApiProperty({ example: 9.1 })
  p90: number;

  @ApiProperty({ example: 48.7 })
  p99: number;
}

export class TrafficPointDto {
  @ApiProperty({ format: 'date-time', description: 'When the step begins.' })
  at: Date;

  @ApiProperty({
    type: String,
    nullable: true,
    example: 'web',
    description:
      'By `by`: the cluster; `region/zone/subZone`; the hash of the snapshot that the proxy had in full, empty where it changed meanwhile. Null without `by`.',
  })
  series: string | null;

  @ApiProperty({ type: 'integer', description: 'Requests to endpoints that came to an end.' })
  requests: number;

  @ApiProperty({ example: 12.5, description: 'Requests a second.' })
  rate: number;

  @ApiProperty({ type: 'integer', description: 'Requests answered with 5xx, reset, or never connected.' })
  errors: number;

  @ApiProperty({ type: Number, nullable: true, example: 0.01, description: 'Share of the requests, from 0 to 1.' })
  errorRate: number | null;

  @ApiProperty({ type: 'integer', description: 'Requests that were not sent, by drop overload.' })
  dropped: number;

  @ApiProperty({
    type: LatencyDto,
    nullable: true,
    description: 'Null where proxies report no histograms, and by locality.',
  })
  latency: LatencyDto | null;
}

export class TrafficPageDto {
  @ApiProperty({ type: [TrafficPointDto] })
  items: readonly TrafficPointDto[];

  @ApiProperty({ type: String, nullable: true })
  nextCursor: string | null;
}
