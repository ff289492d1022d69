import { ApiExtraModels, ApiProperty, ApiPropertyOptional, getSchemaPath } from '@nestjs/swagger';
import type { ProxySyncView } from '../ledger/proxy-sync.js';
import type { TypeSync } from '../ledger/type-sync.js';

export class AssignedDto {
  @ApiProperty({
    example: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    description: 'Its hash.',
  })
  snapshot: string;

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  versionId: string | null;

  @ApiProperty({ type: String, format: 'date-time' })
  assignedAt: Date;
}

export class HeldBackDto {
  @ApiProperty({
    enum: ['nack', 'crash_loop'],
    description: 'It was refused, or processes that were sent it went down.',
  })
  reason: 'nack' | 'crash_loop';

  @ApiProperty({
    type: String,
    nullable: true,
    description: "Envoy's words, without what they carried of the resource; null after a crash loop.",
  })
  message: string | null;

  @ApiProperty({ type: String, format: 'date-time' })
  at: Date;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: "When it is offered again by itself; null where that waits for an operator's word or a new process.",
  })
  retryAt: Date | null;
}

export class SyncErrorDto {
  @ApiProperty({ type: 'integer', example: 13, description: 'gRPC status code.' })
  code: number;

  @ApiProperty({
    example: "Error adding/updating listener(s) web: cannot bind '127.0.0.1:10000': Address already in use",
    description: "Envoy's words, without what they carried of the resource.",
  })
  message: string;

  @ApiProperty({ type: String, format: 'date-time' })
  at: Date;
}

export class TypeSyncDto implements TypeSync {
  @ApiProperty({
    enum: ['SYNCED', 'NOT_SENT', 'STALE', 'ERROR'],
    description: 'STALE: sent, and neither acknowledged nor refused yet. ERROR: refused.',
  })
  state: TypeSync['state'];

  @ApiProperty({ type: String, nullable: true })
  sentVersion: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  sentAt: Date | null;

  @ApiProperty({ type: String, nullable: true })
  ackedVersion: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  ackedAt: Date | null;

  @ApiPropertyOptional({ type: SyncErrorDto })
  error?: SyncErrorDto;
}

@ApiExtraModels(TypeSyncDto)
export class ProxySyncDto implements ProxySyncView {
  @ApiProperty({ enum: ['connected', 'disconnected', 'never_seen'] })
  connection: ProxySyncView['connection'];

  @ApiProperty({ enum: ['managed', 'unmanaged', 'frozen'] })
  management: string;

  @ApiProperty({ type: AssignedDto, nullable: true })
  assigned: AssignedDto | null;

  @ApiProperty({
    type: HeldBackDto,
    nullable: true,
    description: 'Set while the assigned snapshot is held back from the proxy, which is served its last good one.',
  })
  heldBack: HeldBackDto | null;

  @ApiProperty({
    type: 'object',
    additionalProperties: { $ref: getSchemaPath(TypeSyncDto) },
    description:
      'By kind: those of the assigned snapshot, and those that the proxy was ever sent. While the assigned snapshot is held back, the states are those of the last good one.',
    example: {
      cluster: {
        state: 'SYNCED',
        sentVersion: '9f86d081884c7d65',
        sentAt: '2026-01-01T12:00:00.000Z',
        ackedVersion: '9f86d081884c7d65',
        ackedAt: '2026-01-01T12:00:00.006Z',
      },
    },
  })
  sync: Readonly<Record<string, TypeSyncDto>>;

  @ApiProperty({ description: 'Whether the proxy has all of what it is assigned, and is connected.' })
  converged: boolean;
}
